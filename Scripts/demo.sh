#!/usr/bin/env bash
# Makes ./demo: a simulated cell, what a widefield microscope sees of it, and the deconvolved image. Needs `make build`.
set -euo pipefail
cd "$(dirname "$0")/.."

gpudeconv=.build/release/gpudeconv
iterations=60

# A number of a JSON text on standard input, with at most two decimals.
number() {
    sed -nE "s/.*\"$1\" *: *(-?[0-9]+(\.[0-9]{1,2})?).*/\1/p" | head -n 1
}

psnr() {
    "$gpudeconv" compare "$1" demo/truth.tif --match-scale --json | number psnr
}

echo "Simulating a cell under a widefield microscope"
# Without the camera's offset, so that both images can be held against the truth alike.
"$gpudeconv" simulate demo --model widefield --background 0 --read-noise 0 --seed 7 --overwrite >/dev/null

echo "Deconvolving it"
"$gpudeconv" demo/observed.tif --psf demo/psf.tif -o demo/deconvolved.tif --iterations "$iterations" \
    --report demo/report.json --overwrite --quiet
"$gpudeconv" preview demo/observed.tif demo/deconvolved.tif -o demo/preview.png --overwrite >/dev/null

device=$(sed -nE 's/^ *"device" *: *"(.*)",?$/\1/p' demo/report.json)
before=$(psnr demo/observed.tif)
after=$(psnr demo/deconvolved.tif)

cat <<END

Done: $iterations iterations on $device in $(number total <demo/report.json) s.

  PSNR against the truth   $before dB as observed, $after dB deconvolved
  Picture, before | after  demo/preview.png
  Stacks for Fiji          demo/observed.tif, demo/deconvolved.tif, demo/truth.tif
  Your own image           $gpudeconv cell.tif --psf psf.tif -o sharp.tif
END
