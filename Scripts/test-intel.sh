#!/usr/bin/env bash
# Runs the tests that use OpenCL on Intel's OpenCL runtime for CPUs, whose compiler refuses kernels of clFFT: proof that
# VkFFT takes over. The runtime comes from PyPI and goes into .venv-intel (830 MB on disk); nothing is installed elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=('intel-opencl-rt>=2026.2' intel-cmplr-lib-rt tbb tcmlib)
folder=.venv-intel
Scripts/make-venv.sh "$folder" "${packages[@]}"
# Each time, for the file names the folder, which may have been moved.
mkdir -p "$folder/vendors"
echo "$PWD/$folder/lib/libintelocl.so" >"$folder/vendors/intel.icd"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$PWD/$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export OCL_ICD_VENDORS=$PWD/$folder/vendors
# What is found out of this device is nobody else's.
export XDG_CACHE_HOME=$work/cache
# clFFT by itself is left out: `auto` says which of its lengths the compiler takes.
export GPUDECONV_TEST_FFT=vkfft,auto
mkdir "$XDG_CACHE_HOME"

Scripts/test.sh intel

gpudeconv=.build-test/release/gpudeconv
fail() {
    echo "$1" >&2
    exit 1
}
if ! "$gpudeconv" devices | grep -q 'Intel(R) OpenCL'; then fail "Intel's OpenCL runtime is not among the devices."; fi

# A transform that the compiler refuses, for lines this long are not clFFT's passes: the first run says so in one line, the second neither tries nor warns.
"$gpudeconv" simulate "$work/cell" --shape 4,8192,64 >/dev/null
# Usage: deconvolve LOG OPTION...
deconvolve() {
    local log=$1
    "$gpudeconv" "$work/cell/observed.tif" --psf "$work/cell/psf.tif" --background 100 -i 5 --boundary periodic \
        --overwrite "${@:2}" >"$log" 2>&1 || fail "gpudeconv ${*:2} failed: $(cat "$log")"
}
deconvolve "$work/cpu.log" -o "$work/cpu.tif" --backend cpu
for run in first second; do
    deconvolve "$work/$run.log" -o "$work/opencl.tif" --backend opencl --report "$work/report.json"
    if ! grep -q '"fft" : "vkfft"' "$work/report.json"; then fail "The $run run was not made with VkFFT."; fi
done
cat "$work/first.log"
if [[ $(grep -c 'VkFFT takes its place' "$work/first.log") != 1 ]]; then
    fail "The first run does not say in one line that VkFFT takes over."
fi
if grep -q 'clFFT' "$work/second.log"; then fail "The second run says it again: $(cat "$work/second.log")"; fi
nrmse=$("$gpudeconv" compare "$work/opencl.tif" "$work/cpu.tif" --json | sed -nE 's/.*"nrmse" *: *([0-9.eE+-]+),?.*/\1/p')
if [[ -z $nrmse ]]; then fail "gpudeconv compare says no NRMSE."; fi
awk -v nrmse="$nrmse" 'BEGIN { exit !(nrmse + 0 <= 1e-5) }' || fail "VkFFT and FFTW differ by an NRMSE of $nrmse."
echo "clFFT was refused, VkFFT took over, and differs from FFTW by an NRMSE of $nrmse."
