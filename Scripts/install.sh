#!/usr/bin/env bash
# Installs those of the given Debian packages that are missing, and checks that there is a Swift toolchain.
# Usage: Scripts/install.sh PACKAGE...
set -euo pipefail

least_major=6
least_minor=2

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

check_swift() {
    command -v swift >/dev/null ||
        fail "There is no Swift toolchain on the PATH." \
            "Install Swift $least_major.$least_minor or newer from https://www.swift.org/install/linux/," \
            "put its usr/bin on the PATH, and try again."
    local banner version
    banner=$(swift --version 2>&1) ||
        fail "The Swift toolchain does not run: $(tail -n 1 <<<"$banner")" \
            "Install what https://www.swift.org/install/linux/ says it needs, and try again."
    version=$(sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' <<<"$banner" | head -n 1)
    local major=${version% *} minor=${version#* }
    if [[ -n $version ]] && ((major < least_major || (major == least_major && minor < least_minor))); then
        fail "Swift $major.$minor is too old: install Swift $least_major.$least_minor or newer from" \
            "https://www.swift.org/install/linux/, put its usr/bin first on the PATH, and try again."
    fi
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_packages() {
    local package missing=()
    if ! command -v apt-get >/dev/null; then
        # Not Debian: what counts is that the build finds the libraries; two of them have no .pc file.
        if command -v pkg-config >/dev/null && command -v cc >/dev/null &&
            pkg-config --exists OpenCL clFFT fftw3f libtiff-4 libpng expat blosc libzstd zlib liblz4 &&
            printf '#include <bzlib.h>\n#include <vkFFT.h>\n' | cc -E -DVKFFT_BACKEND=3 - >/dev/null 2>&1; then return; fi
        printf '%s\n' "There is no apt-get here, so nothing is installed. If something is missing further on," \
            "install what your system calls these Debian packages:" "  $*" >&2
        return
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0

    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "Some Debian packages are missing, and there is neither root nor sudo to install them. As root, run" \
                "  apt-get update && apt-get install ${missing[*]}"
        apt=(sudo "${apt[@]}")
    fi
    echo "Installing ${missing[*]}"
    "${apt[@]}" update
    "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

check_swift
install_packages "$@"
