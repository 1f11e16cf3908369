"""Packs a store into a ZIP file: `pack_store.py STORE ZIP HOW`.

HOW is `stored` or `deflated`, with `-large` behind it for sizes of 64 bits, `-inside` for the store's folder in the file,
`-behind` for bytes in front of all, and `-twice` for the last file written twice, the first time with other bytes.
"""

import sys
import warnings
import zipfile
from pathlib import Path

warnings.filterwarnings("ignore")
store, target, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split("-")
if "behind" in how:
    target.write_bytes(b"#!/bin/sh\nexit\n")
method = zipfile.ZIP_STORED if how[0] == "stored" else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(target, "a" if "behind" in how else "w", method) as packed:
    files = sorted(file for file in store.rglob("*") if file.is_file())
    for number, file in enumerate(files):
        name = f"{store.name}/" * ("inside" in how) + str(file.relative_to(store))
        if "twice" in how and number == len(files) - 1:
            packed.writestr(name, b"old")
        with packed.open(name, "w", force_zip64="large" in how) as entry:
            entry.write(file.read_bytes())
    packed.comment = b"PK\x05 and more"
