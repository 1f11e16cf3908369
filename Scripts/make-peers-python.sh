#!/usr/bin/env bash
# Makes a Python virtual environment for a benchmark and adds its peers. Does nothing where it is ready.
# Usage: Scripts/make-peers-python.sh FOLDER REQUIREMENTS OWN [--without-peers]
# OWN is a regular expression of the packages in the file REQUIREMENTS that the benchmark itself needs; the others are peers.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
requirements=$2
own="^($3)=="
# Says with which peers the folder was finished.
stamp=$folder/peers

# A peer that cannot be installed here is told in the table; what the benchmark itself needs must be there.
mapfile -t needed < <(grep -E "$own" "$requirements")
Scripts/make-venv.sh "$folder" "${needed[@]}"
if [[ ${4:-} == --without-peers ]] || cmp -s "$requirements" "$stamp"; then exit 0; fi
echo "Adding the peers"
complete=1
while read -r peer; do
    # Nor may a peer move the versions of what is there.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$requirements" "$peer" || {
        echo "$peer cannot be installed here; the next run tries again" >&2
        complete=
    }
done < <(grep -vE "$own|^#" "$requirements")
[[ -z $complete ]] || cp "$requirements" "$stamp"
