#!/bin/sh
# Makes ./demo: a simulated cell, what a widefield microscope sees of it, and the deconvolved image.
# Usage: demo.sh [GPUDECONV]; the program is looked for where a build and where a bundle has it.
#
# Needs nothing but a POSIX shell, for a bundle is tried out on machines that have little else.
set -eu

case $0 in
*/*) here=${0%/*} ;;
*) here=. ;;
esac

gpudeconv=${1:-}
for candidate in "$here/bin/gpudeconv" "$here/../.build/release/gpudeconv"; do
    if [ -z "$gpudeconv" ] && [ -x "$candidate" ]; then gpudeconv=$candidate; fi
done
if [ -z "$gpudeconv" ]; then
    echo "There is no gpudeconv beside $0: run 'make build' first, or say where it is." >&2
    exit 1
fi
iterations=60

# The text after the first `"KEY" :` of a JSON text on standard input, which has a key a line.
value() {
    while read -r line; do
        case $line in
        "\"$1\" : "*)
            line=${line#*" : "}
            line=${line%,}
            line=${line#\"}
            echo "${line%\"}"
            return
            ;;
        esac
    done
}

# A number with two decimals, cut off rather than rounded.
short() {
    whole=${1%%.*}
    decimals=${1#"$whole"}
    rest=${decimals#???}
    echo "$whole${decimals%"$rest"}"
}

psnr() {
    short "$("$gpudeconv" compare "$1" demo/truth.tif --match-scale --json | value psnr)"
}

echo "Simulating a cell under a widefield microscope"
# Without the camera's offset, so that both images can be held against the truth alike.
"$gpudeconv" simulate demo --model widefield --background 0 --read-noise 0 --seed 7 --overwrite >/dev/null

echo "Deconvolving it"
"$gpudeconv" demo/observed.tif --psf demo/psf.tif -o demo/deconvolved.tif --iterations "$iterations" \
    --report demo/report.json --overwrite --quiet
"$gpudeconv" preview demo/observed.tif demo/deconvolved.tif -o demo/preview.png --overwrite >/dev/null

device=$(value device <demo/report.json)
seconds=$(short "$(value total <demo/report.json)")
before=$(psnr demo/observed.tif)
after=$(psnr demo/deconvolved.tif)

echo "
Done: $iterations iterations on $device in $seconds s.

  PSNR against the truth   $before dB as observed, $after dB deconvolved
  Picture, before | after  demo/preview.png
  Stacks for Fiji          demo/observed.tif, demo/deconvolved.tif, demo/truth.tif
  Your own image           $gpudeconv cell.tif --psf psf.tif -o sharp.tif"
