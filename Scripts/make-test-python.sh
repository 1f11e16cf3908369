#!/usr/bin/env bash
# Makes .venv-test: the Python whose tifffile, zarr, tensorstore and ome-zarr make files for us and check those that we write.
# Does nothing where it is ready.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=(
    'tifffile>=2024.8.30' 'imagecodecs>=2024.6.1' 'numpy>=1.26'
    'zarr>=3.1.3' 'numcodecs>=0.16.1' 'tensorstore>=0.1.75'
    'ome-zarr>=0.18' 'ome-zarr-models>=1.2'
)
folder=.venv-test
# Says which requirements the folder was made for, and that it was finished.
stamp=$folder/requirements

if [[ -x $folder/bin/python && $(cat "$stamp" 2>/dev/null) == "${requirements[*]}" ]]; then exit 0; fi

# The first Python on the PATH may be one without venv; Debian's has it with python3-venv.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then break; fi
    python=
done
if [[ -z $python ]]; then
    echo "There is no Python 3 that can make virtual environments: install python3-venv and try again." >&2
    exit 1
fi

echo "Making $folder with ${requirements[*]}"
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${requirements[@]}"
printf '%s' "${requirements[*]}" >"$stamp"
