#!/usr/bin/env bash
# Measures how near results come to the truth; see Benchmarks/README.md. Makes .venv-quality first where it is not ready.
# Usage: Scripts/quality.sh [--quick] [--only NAMES] [--data FOLDER] [--program FILE] [--threads N] [--no-peers]
set -euo pipefail
cd "$(dirname "$0")/../Benchmarks"

folder=.venv-quality
own='numpy|scipy|tifffile|matplotlib|pillow|psfmodels'
peers=()
if [[ " $* " == *" --quick "* || " $* " == *" --no-peers "* ]]; then peers=(--without-peers); fi
../Scripts/make-peers-python.sh "$folder" Benchmarks/quality/requirements.txt "$own" "${peers[@]}"

"../$folder/bin/python" -m unittest --quiet quality.test_quality
exec "../$folder/bin/python" -m quality "$@"
