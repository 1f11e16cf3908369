#!/usr/bin/env bash
# Usage: link-folder.sh FOLDER
# Fills a folder with what a program is linked with that shall run where glibc and the C++ runtime are older than here.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "$1"
gcc -O2 -fPIC -Wall -Werror -c Scripts/bundle/OlderGlibc.c -o "$1/OlderGlibc.o"
# The only libstdc++ in this folder is the static one, so the program gets a C++ runtime of its own.
ln -sf "$(gcc -print-file-name=libstdc++.a)" "$1/libstdc++.a"
# Expat's library wants a function of a newer glibc; linked statically, it takes that of OlderGlibc.c.
cat >"$1/expat.pc" <<'END'
Name: expat
Description: Expat, linked statically
Version: 2
Libs: -l:libexpat.a
END
