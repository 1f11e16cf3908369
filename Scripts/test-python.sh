#!/usr/bin/env bash
# Tests the wheel that `make wheel` made, in a virtual environment that has it from nowhere else and without a Swift toolchain on the PATH.
# Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv-python
mapfile -t requirements < <(grep -v '^#' Python/tests/requirements.txt)
Scripts/make-venv.sh .venv-python "${requirements[@]}"

wheels=(Python/dist/*.whl)
if ((${#wheels[@]} != 1)) || [[ ! -f ${wheels[0]} ]]; then
    echo "There is not one wheel, but ${wheels[*]}: run 'make wheel'." >&2
    exit 1
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${wheels[0]}"

# Where nothing of this repository can be imported by chance.
tests=$PWD/Python/tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
env -u GPUDECONV_LIBRARY -u GPUDECONV_DEVICE -u PYTHONPATH PATH="$venv/bin:/usr/bin:/bin" PYTHONDONTWRITEBYTECODE=1 \
    "$venv/bin/python" -m pytest -p no:cacheprovider --basetemp="$work/files" -c "$tests/pytest.ini" "$@" "$tests"
