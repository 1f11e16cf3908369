#!/usr/bin/env bash
# Makes library/lib/libgpudeconv.so, which has the Swift runtime inside and needs C libraries only, with library/include/gpudeconv.h.
set -euo pipefail
cd "$(dirname "$0")/.."

# That of the bundle, whose modules are compiled in the same way.
scratch=.build-bundle
target=library/lib/libgpudeconv.so

Scripts/link-folder.sh "$scratch/link"
arguments=(-c release --product GPUDeconvC --scratch-path "$scratch" -Xswiftc -static-stdlib)
for argument in -L"$PWD/$scratch/link" "$PWD/$scratch/link/OlderGlibc.o" -s -soname=libgpudeconv.so \
    "--version-script=$PWD/Scripts/library/exports.map"; do
    arguments+=(-Xlinker "$argument")
done
PKG_CONFIG_PATH=$PWD/$scratch/link swift build "${arguments[@]}"

mkdir -p library/lib library/include
# A process that has loaded the last one keeps it.
cp "$scratch/release/libGPUDeconvC.so" "$target.new"
mv "$target.new" "$target"
cp Sources/CGPUDeconv/gpudeconv.h library/include/
echo "$target: $(($(stat -c %s "$target") >> 20)) MiB"
