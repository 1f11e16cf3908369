#!/usr/bin/env bash
# Makes bundle/gpudeconv-VERSION-linux-MACHINE, a folder that runs wherever it lies, and the same as .tar.gz.
# Needs Debian's packages of the C libraries, for their licenses are those of these packages.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=.build-bundle
machine=$(uname -m)
multiarch=$(gcc -print-multiarch)

# What must be the system's own: its C library, which its drivers use too.
is_glibc() {
    [[ $1 =~ ^(linux-vdso|ld-linux[a-z0-9-]*|libc|libm|libdl|libpthread|librt|libresolv|libutil)\.so ]]
}

# The C++ runtime: the system's if it has one.
is_cxx_runtime() {
    [[ $1 == libstdc++.so.* || $1 == libgcc_s.so.* ]]
}

# The newest version of glibc that some files ask for.
newest_glibc() {
    objdump -T "$@" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1 | sed 's/^GLIBC_//'
}

build() {
    Scripts/link-folder.sh "$scratch/link"

    # The old kind of rpath also holds for what the libraries need, and comes before LD_LIBRARY_PATH, in which clusters
    # have libraries of the same names. The system's folders come before the C++ runtime that is brought along.
    local linker=(-L"$PWD/$scratch/link" "$PWD/$scratch/link/OlderGlibc.o" -s --disable-new-dtags) folder argument
    # shellcheck disable=SC2016 # $ORIGIN is for the dynamic linker.
    for folder in '$ORIGIN/../lib' /lib64 /usr/lib64 "/lib/$multiarch" "/usr/lib/$multiarch" /lib /usr/lib \
        '$ORIGIN/../lib/fallback'; do
        linker+=(-rpath "$folder")
    done
    local arguments=(-c release --product gpudeconv --scratch-path "$scratch" -Xswiftc -static-stdlib)
    for argument in "${linker[@]}"; do arguments+=(-Xlinker "$argument"); done
    PKG_CONFIG_PATH=$PWD/$scratch/link swift build "${arguments[@]}"
}

build
program=$scratch/release/gpudeconv
version=$("$program" --version)
name=gpudeconv-$version-linux-$machine
folder=bundle/$name
rm -rf "$folder" "$folder.tar.gz"
mkdir -p "$folder"/{bin,lib/fallback,licenses}
cp "$program" "$folder/bin/gpudeconv"
cp Scripts/demo.sh "$folder/demo.sh"
Scripts/manual.sh "$program"
cp -r manual/share "$folder/share"

while read -r library path; do
    if is_glibc "$library"; then continue; fi
    target=$folder/lib
    if is_cxx_runtime "$library"; then target=$folder/lib/fallback; fi
    cp --dereference "$path" "$target/$library"
done < <(ldd "$program" | sed -nE 's/^\s*(\S+) => (\S+) .*/\1 \2/p')
Scripts/licenses.sh "$folder/licenses" "$program"

glibc=$(newest_glibc "$folder/bin/gpudeconv" "$folder"/lib/*.so*)
fallback=$(newest_glibc "$folder"/lib/fallback/*)
sed -e "s/@VERSION@/$version/" -e "s/@MACHINE@/$machine/" -e "s/@GLIBC@/$glibc/" -e "s/@FALLBACK_GLIBC@/$fallback/" \
    Scripts/bundle/README.txt >"$folder/README.txt"

chmod -R u=rwX,go=rX "$folder"
tar --create --sort=name --owner=0 --group=0 --numeric-owner -C bundle "$name" | gzip -9n >"$folder.tar.gz"
echo "$folder.tar.gz: $(($(stat -c %s "$folder.tar.gz") >> 20)) MiB, needs glibc $glibc"
