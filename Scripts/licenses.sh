#!/usr/bin/env bash
# Gathers in FOLDER the licenses of what PROGRAM is made from: this project, Swift and the packages that were compiled in, and the
# Debian packages of the libraries that it loads, with the texts to which these refer.
# Usage: Scripts/licenses.sh FOLDER PROGRAM
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
program=$2
checkouts=.build-bundle/checkouts

mkdir -p "$folder/common"
cp LICENSE "$folder/gpudeconv"
cp "$(dirname "$(readlink -f "$(command -v swift)")")/../share/swift/LICENSE.txt" "$folder/swift"
for checkout in swift-argument-parser swift-log; do
    cp "$checkouts/$checkout/LICENSE.txt" "$folder/$checkout"
done

# What is linked statically is in no list of the libraries it loads.
packages=(libgcc-s1 libstdc++6 libexpat1)
while read -r path; do
    # Debian knows a file of /usr/lib by that name or by the one without /usr.
    path=$(realpath "$path")
    package=$(dpkg-query --search "$path" 2>/dev/null || dpkg-query --search "${path#/usr}")
    packages+=("${package%%:*}")
done < <(ldd "$program" | sed -nE 's/^\s*\S+ => (\S+) .*/\1/p')
for package in $(printf '%s\n' "${packages[@]}" | sort -u); do
    # The C library is the system's own.
    [[ $package != libc6 ]] || continue
    cp "/usr/share/doc/$package/copyright" "$folder/$package"
    dpkg-query --show --showformat='${Package} ${Version} (source ${source:Package} ${source:Version})\n' "$package" \
        >>"$folder/PACKAGES"
done
# The texts that Debian's notices send the reader to.
cp -L /usr/share/common-licenses/{Apache-2.0,Artistic,BSD,GPL-1,GPL-2,GPL-3,LGPL-2,LGPL-2.1,LGPL-3} "$folder/common/"
