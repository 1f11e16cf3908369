#!/usr/bin/env bash
# Makes a Python virtual environment with some requirements. Does nothing where it is ready.
# Usage: Scripts/make-venv.sh FOLDER REQUIREMENT... [--alone REQUIREMENT...]
# What comes behind --alone is installed without what it requires itself.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
shift
wanted=$*
# Says which requirements the folder was made for, and that it was finished.
stamp=$folder/requirements

if [[ -x $folder/bin/python && $(cat "$stamp" 2>/dev/null) == "$wanted" ]]; then exit 0; fi

# The first Python on the PATH may be one without venv; Debian's has it with python3-venv.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then break; fi
    python=
done
if [[ -z $python ]]; then
    echo "There is no Python 3 that can make virtual environments: install python3-venv and try again." >&2
    exit 1
fi

echo "Making $folder with $wanted"
rm -rf "$folder"
"$python" -m venv "$folder"
pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check)
together=()
while (($# > 0)) && [[ $1 != --alone ]]; do
    together+=("$1")
    shift
done
"${pip[@]}" "${together[@]}"
if (($# > 1)); then "${pip[@]}" --no-deps "${@:2}"; fi
printf '%s' "$wanted" >"$stamp"
