#!/usr/bin/env bash
# Times the release build and its peers; see Benchmarks/README.md. Makes .venv-bench first where it is not ready.
# Usage: Scripts/bench.sh [--cases small,middle,large] [--threads N] [--rounds N] [--only NAMES] [--output FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.venv-bench
# Says which requirements the folder was made for, and that it was finished.
stamp=$folder/requirements

if [[ ! -x $folder/bin/python ]] || ! cmp -s Benchmarks/requirements.txt "$stamp"; then
    # The first Python on the PATH may be one without venv; Debian's has it with python3-venv.
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then break; fi
        python=
    done
    if [[ -z $python ]]; then
        echo "There is no Python 3 that can make virtual environments: install python3-venv and try again." >&2
        exit 1
    fi
    echo "Making $folder with the peers"
    rm -rf "$folder"
    "$python" -m venv "$folder"
    pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check)
    # A peer that cannot be installed here is told in the table; what the benchmark itself needs must be there.
    own='^(numpy|scipy|tifffile|matplotlib)=='
    grep -E "$own" Benchmarks/requirements.txt | xargs "${pip[@]}"
    grep -vE "$own|^#" Benchmarks/requirements.txt | while read -r peer; do
        "${pip[@]}" "$peer" || echo "$peer cannot be installed here" >&2
    done
    cp Benchmarks/requirements.txt "$stamp"
fi

(cd Benchmarks && "../$folder/bin/python" -m unittest --quiet)
exec "$folder/bin/python" Benchmarks/bench.py "$@"
