"""Checks arrays that gpudeconv wrote with zarr-python and tensorstore: `python check_written.py JOBS.json`.

JOBS.json is a list of {store, path, version, dtype, shape, chunks, fill, raw, attributes, dimensionNames, zarrPython,
tensorstore, consolidated}: the array at `path` of `store` must hold the elements in the file `raw`, little-endian with the last
axis fastest. `zarrPython` and `tensorstore` say which of them knows its codecs, `consolidated` whether the store is opened by
its consolidated metadata. Prints one line a fault and exits with 1, or prints nothing.
"""

import json
import sys
import warnings

import numpy as np
import tensorstore as ts
import zarr

warnings.filterwarnings("ignore")

FAULTS = []


def same(a, b):
    """Equal bit for bit, the sign of zero as well, but for the kind of NaN."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    bits = np.dtype(f"u{a.dtype.itemsize}")
    equal = np.ascontiguousarray(a).view(bits) == np.ascontiguousarray(b).view(bits)
    if a.dtype.kind == "f":
        equal |= np.isnan(a) & np.isnan(b)
    return bool(np.all(equal))


def check_with_zarr(job, expected, fault):
    dtype = expected.dtype
    group = zarr.open(job["store"], mode="r", use_consolidated=job["consolidated"] or None)
    array = group[job["path"]] if job["path"] else group
    found = array[...]
    found = np.asarray(found).astype(np.asarray(found).dtype.newbyteorder("="))
    if not same(found, expected):
        fault(f"zarr-python reads other elements ({found.dtype} {found.shape})")
    if array.metadata.zarr_format != job["version"]:
        fault(f"has version {array.metadata.zarr_format}")
    metadata = array.metadata
    chunks = metadata.chunks if job["version"] == 2 else metadata.chunk_grid.chunk_shape
    if list(chunks) != job["chunks"]:
        fault(f"has chunks {chunks}")
    fill = np.asarray(0 if array.fill_value is None else array.fill_value, dtype)
    if not same(fill, np.frombuffer(bytes(job["fill"]), dtype.newbyteorder("<")).astype(dtype)[0:1].reshape(())):
        fault(f"has the fill value {array.fill_value}")
    if dict(array.attrs) != job["attributes"]:
        fault(f"has the attributes {dict(array.attrs)}")
    if job["version"] == 3:
        names = list(array.metadata.dimension_names) if array.metadata.dimension_names else None
        if names != job.get("dimensionNames"):
            fault(f"has the dimension names {names}")


def check_with_tensorstore(job, expected, fault):
    driver = {2: "zarr", 3: "zarr3"}[job["version"]]
    path = "/".join([job["store"], job["path"]]).rstrip("/")
    found = ts.open({"driver": driver, "kvstore": {"driver": "file", "path": path}}, open=True).result().read().result()
    found = np.asarray(found)
    if not same(found.astype(found.dtype.newbyteorder("=")), expected):
        fault(f"tensorstore reads other elements ({found.dtype} {found.shape})")


def check(job):
    def fault(text):
        FAULTS.append(f"{job['store']}/{job['path']}: {text}")

    dtype = np.dtype(job["dtype"])
    expected = np.frombuffer(open(job["raw"], "rb").read(), dtype.newbyteorder("<")).astype(dtype).reshape(job["shape"])
    if job["zarrPython"]:
        check_with_zarr(job, expected, fault)
    if job["tensorstore"]:
        check_with_tensorstore(job, expected, fault)


for job in json.load(open(sys.argv[1])):
    try:
        check(job)
    except Exception as error:  # noqa: BLE001
        FAULTS.append(f"{job['store']}/{job['path']}: {type(error).__name__}: {error}")
print("\n".join(FAULTS), end="")
sys.exit(1 if FAULTS else 0)
