#!/usr/bin/env bash
# Times the release build and its peers; see Benchmarks/README.md. Makes .venv-bench first where it is not ready.
# Usage: Scripts/bench.sh [--cases small,middle,large] [--threads N] [--rounds N] [--only NAMES] [--output FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.venv-bench
Scripts/make-peers-python.sh "$folder" Benchmarks/requirements.txt 'numpy|scipy|tifffile|matplotlib'

(cd Benchmarks && "../$folder/bin/python" -m unittest --quiet test_richardson_lucy)
exec "$folder/bin/python" Benchmarks/bench.py "$@"
