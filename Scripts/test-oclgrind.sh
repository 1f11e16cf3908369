#!/usr/bin/env bash
# Runs the device path on Oclgrind, a simulator of OpenCL devices that watches every access to memory: none may be outside a
# buffer, and no two work-groups may disturb each other. PoCL runs work-groups in turn, and would not show either.
set -euo pipefail
cd "$(dirname "$0")/.."

gpudeconv=$PWD/.build/release/gpudeconv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What is found out of this device is nobody else's.
export XDG_CACHE_HOME=$work/cache
mkdir "$XDG_CACHE_HOME"
cd "$work"

# What Oclgrind found. Transforms in place read and write the same rows in one work-group, with barriers for local memory between: by
# the letter of OpenCL these do not order accesses to global memory, but what goes through local memory was read before.
findings() {
    awk '
        /data race at/ { race = $0; group = ""; next }
        race != "" && /Kernel:/ { kernel = $2; next }
        race != "" && match($0, /Group\([0-9,]+\)/) {
            this = substr($0, RSTART, RLENGTH)
            if (group == "") { group = this; next }
            if (this != group || race ~ /local/ || kernel !~ /^(fft_(fwd|back)|VkFFT_main)$/) {
                sub(/ address .*/, "", race)
                print kernel ": " race (this == group ? ", within a work-group" : ", between work-groups")
            }
            race = ""
            next
        }
        /^[A-Z]/ { print }
    ' "$1" | sort | uniq -c | sort -rn | sed -n 1,20p
}

fail() {
    echo "$1" >&2
    exit 1
}

"$gpudeconv" bench --backend cpu --shape 11,21,30 --psf-shape 5,6,7 --iterations 1 --save . >/dev/null
# Usage: try NAME LIBRARY OPTION...
try() {
    local name=$1 library=$2 nrmse found
    local options=(observed.tif --psf psf.tif --psf-as-is --overwrite -i 2 "${@:3}")
    "$gpudeconv" "${options[@]}" --backend cpu -o cpu.tif >cpu.log 2>&1 || fail "$name failed on the CPU: $(cat cpu.log)"
    oclgrind --data-races --max-errors 10000000 --log oclgrind.log \
        "$gpudeconv" "${options[@]}" --backend opencl --fft "$library" -o opencl.tif >opencl.log 2>&1 ||
        fail "$name failed on Oclgrind: $(cat opencl.log)"
    found=$(findings oclgrind.log)
    [[ -z $found ]] || fail "$name, found by Oclgrind:"$'\n'"$found"
    nrmse=$("$gpudeconv" compare opencl.tif cpu.tif --json | sed -nE 's/.*"nrmse" *: *([0-9.eE+-]+),?.*/\1/p')
    awk -v nrmse="$nrmse" 'BEGIN { exit !(nrmse != "" && nrmse + 0 <= 1e-5) }' ||
        fail "$name: Oclgrind and the CPU differ by an NRMSE of ${nrmse:-nothing}."
    echo "$name: nothing found, and an NRMSE of $nrmse to the CPU."
}

try "clFFT, zero" clfft --boundary zero
try "clFFT, extend" clfft --boundary extend --report report.json --divergence-interval 1
try "clFFT, with a flat field" clfft --boundary zero --flat-field observed.tif
try "VkFFT, extend" vkfft --boundary extend
