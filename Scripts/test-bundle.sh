#!/usr/bin/env bash
# Unpacks the bundle in a bare Debian root, where there is a shell and the C library and nothing else, and tries it there;
# then beside this machine's OpenCL drivers. Needs `make bundle`, apt-get, and root or user namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

tarballs=(bundle/*.tar.gz)
if ((${#tarballs[@]} != 1)) || [[ ! -f ${tarballs[0]} ]]; then
    fail "There is not one bundle, but ${tarballs[*]}: delete what is old, and run 'make bundle'."
fi
tarball=$PWD/${tarballs[0]}
name=$(basename "$tarball" .tar.gz)
(($(stat -c %s "$tarball") <= 64 << 20)) || fail "$tarball has more than 64 MiB."


root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

echo "In a bare root"
packages=$root/packages
mkdir "$packages"
# As root, for apt's own user may not write here.
(cd "$packages" && apt-get -qq -o APT::Sandbox::User=root download libc6 dash) ||
    fail "The packages libc6 and dash could not be had: run 'apt-get update', and see that the network is there."
for package in "$packages"/*.deb; do dpkg-deb --extract "$package" "$root"; done
rm -r "$packages"
ln -sf dash "$root/bin/sh"
mkdir -p "$root/dev" "$root/proc" "$root/tmp" "$root/opt"
: >"$root/dev/null"
tar --extract --gzip --file "$tarball" -C "$root/opt"

here=$root/opt/$name
glibc=$(objdump -T "$here/bin/gpudeconv" "$here"/lib/*.so* | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
[[ $(printf '%s\n' GLIBC_2.34 "$glibc" | sort -V | tail -n 1) == GLIBC_2.34 ]] ||
    fail "The bundle needs $glibc; clusters have 2.34. 'objdump -T' of its files says for what."
# That of the C++ runtime of GCC 11, which systems with that glibc have; what is in fallback/ serves those that have none.
cxx=$(objdump -T "$here/bin/gpudeconv" "$here"/lib/*.so* | grep -oE 'GLIBCXX_[0-9.]+' | sort -uV | tail -n 1)
[[ $(printf '%s\n' GLIBCXX_3.4.29 "$cxx" | sort -V | tail -n 1) == GLIBCXX_3.4.29 ]] ||
    fail "The bundle needs $cxx; systems with glibc 2.34 have 3.4.29."

# Runs a line of shell that sees the root and nothing of this machine: no files, no network, no processes. It needs /proc
# as every program does that looks for its libraries beside itself.
bare() {
    local namespaces=(--mount-proc="$root/proc" --net --pid --fork)
    ((EUID == 0)) || namespaces+=(--map-root-user)
    unshare "${namespaces[@]}" env -i PATH=/bin "$(command -v chroot)" "$root" /bin/sh -c "cd /tmp && $1"
}

program=/opt/$name/bin/gpudeconv
bare "$program devices" >"$root/devices" 2>"$root/complaints" || fail "devices failed:" "$(cat "$root/complaints")"
[[ ! -s $root/complaints ]] || fail "devices complains:" "$(cat "$root/complaints")"
[[ $(grep -E '^[0-9]' "$root/devices") =~ ^0\ [^$'\n']*$ ]] ||
    fail "devices does not list the CPU alone:" "$(cat "$root/devices")"
cat "$root/devices"

# libcurl is the system's own, and here there is none.
if bare "$program inspect https://localhost/a.zarr" >"$root/remote" 2>&1; then fail "A URL was read without libcurl."; fi
grep -q 'is read with libcurl, which this system lacks' "$root/remote" || fail "libcurl is not missed:" "$(cat "$root/remote")"

bare "/opt/$name/demo.sh" >"$root/demo.log" 2>&1 || fail "The demo failed:" "$(cat "$root/demo.log")"
read -r before after < <(sed -nE 's/^ *PSNR against the truth +([0-9.]+) dB as observed, ([0-9.]+) dB deconvolved$/\1 \2/p' \
    "$root/demo.log")
awk -v before="$before" -v after="$after" 'BEGIN { exit !(before > 0 && after > before + 1) }' ||
    fail "The demo did not raise the PSNR by 1 dB:" "$(cat "$root/demo.log")"
sed -n '/^Done/,$p' "$root/demo.log"

for page in gpudeconv gpudeconv-deconvolve gpudeconv-rerun; do
    zcat "$here/share/man/man1/$page.1.gz" | grep -q '^\.Nm' || fail "There is no man page $page."
done
bash -n "$here/share/bash-completion/completions/gpudeconv"

echo
echo "On this machine"
# Libraries of the same names, as clusters have them in their modules, must not come before those of the bundle.
strangers=$root/strangers
mkdir "$strangers"
for library in "$here"/lib/*.so*; do : >"$strangers/$(basename "$library")"; done
LD_LIBRARY_PATH=$strangers "$here/bin/gpudeconv" --version >/dev/null || fail "LD_LIBRARY_PATH gets in the way."

drivers=(/etc/OpenCL/vendors/*.icd)
if [[ -f ${drivers[0]} ]]; then
    "$here/bin/gpudeconv" devices | grep -q '^1 ' || fail "No device is found, but there is ${drivers[*]}."
    scene=$root/tmp/demo
    "$here/bin/gpudeconv" "$scene/observed.tif" --psf "$scene/psf.tif" -o "$scene/cpu.tif" --backend cpu --quiet
    "$here/bin/gpudeconv" "$scene/observed.tif" --psf "$scene/psf.tif" -o "$scene/opencl.tif" --backend opencl --quiet
    difference=$("$here/bin/gpudeconv" compare "$scene/opencl.tif" "$scene/cpu.tif" | awk '/^NRMSE/ { print $2 }')
    awk -v difference="$difference" 'BEGIN { exit !(difference <= 1e-5) }' ||
        fail "OpenCL differs from the CPU by an NRMSE of $difference."
    echo "OpenCL devices are found, and agree with the CPU: NRMSE $difference"
fi

# Milliseconds of the fastest of 20 runs, each after one of the other program so that noise hits both.
milliseconds() {
    local start=${EPOCHREALTIME/./}
    "$@" >/dev/null
    echo $(((${EPOCHREALTIME/./} - start) / 100))
}
nothing=1000000
version=1000000
for _ in {1..20}; do
    took=$(milliseconds /bin/true)
    ((took >= nothing)) || nothing=$took
    took=$(milliseconds "$here/bin/gpudeconv" --version)
    ((took >= version)) || version=$took
done
start=$((version - nothing))
((start < 500)) || fail "--version takes $((start / 10)) ms more than true."
echo "--version takes $((start / 10)).$((start % 10)) ms more than true"
