#!/usr/bin/env bash
# Shows that a change left results as they were: twelve runs of one gpudeconv beside those of another; see same_results.py.
# Usage: Scripts/same-results.sh BEFORE [AFTER [LIST]] [--checksums LIST] [--folder FOLDER]
set -euo pipefail

scripts=$(cd "$(dirname "$0")" && pwd)
"$scripts/make-test-python.sh"
exec "$scripts/../.venv-test/bin/python" "$scripts/same_results.py" "$@"
