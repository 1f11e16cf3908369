#!/usr/bin/env bash
# Times the release build and its peers; see Benchmarks/README.md. Makes .venv-bench first where it is not ready.
# Usage: Scripts/bench.sh [--cases small,middle,large] [--threads N] [--rounds N] [--only NAMES] [--output FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=.venv-bench
# Says with which peers the folder was finished.
stamp=$folder/peers

# A peer that cannot be installed here is told in the table; what the benchmark itself needs must be there.
own='^(numpy|scipy|tifffile|matplotlib)=='
mapfile -t requirements < <(grep -E "$own" Benchmarks/requirements.txt)
Scripts/make-venv.sh "$folder" "${requirements[@]}"
if ! cmp -s Benchmarks/requirements.txt "$stamp"; then
    echo "Adding the peers"
    complete=1
    while read -r peer; do
        # Nor may a peer move the versions of what is there.
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
            --constraint Benchmarks/requirements.txt "$peer" || {
            echo "$peer cannot be installed here; the next run tries again" >&2
            complete=
        }
    done < <(grep -vE "$own|^#" Benchmarks/requirements.txt)
    [[ -z $complete ]] || cp Benchmarks/requirements.txt "$stamp"
fi

(cd Benchmarks && "../$folder/bin/python" -m unittest --quiet)
exec "$folder/bin/python" Benchmarks/bench.py "$@"
