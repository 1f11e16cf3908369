"""Writes stores with ome-zarr-py, zarr-python and tensorstore, and TIFF series, for our reader: `python make_stores.py FOLDER`.

Makes FOLDER/NAME.zarr and FOLDER/NAME.raw, what must be read from it: voxels little-endian in the order t, c, z, y, x; and
FOLDER/expectations.json: a list of {name, path, array, axes, channelCountHint, dtype, shape, channels, timepoints, spacing,
interval, names, layout, isSilent}. The expected voxels come from NumPy, not from reading back.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import tensorstore as ts
import tifffile
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image, write_labels
from zarr.codecs import BloscCodec

warnings.filterwarnings("ignore")

FOLDER = pathlib.Path(sys.argv[1])
STORES = []


def values(shape, dtype="uint16", seed=None):
    random = np.random.default_rng(len(STORES) if seed is None else seed)
    data = np.arange(np.prod(shape)) % 251 + random.integers(0, 200, int(np.prod(shape)))
    if np.dtype(dtype).kind == "f":
        data = data / 8
    return data.astype(dtype).reshape(shape)


def expect(name, data, axes, path=None, given=None, **more):
    """Says that an array with such axes, one letter each, is read as the volumes that they make."""
    # Axes that are none of c, z, y, x count as time, the last of them fastest.
    order = [i for i, a in enumerate(axes) if a not in "czyx"] + [axes.index(a) for a in "czyx" if a in axes]
    sorted_data = data.transpose(order)
    volumes = sorted_data.reshape(
        [-1] + [data.shape[axes.index(a)] if a in axes else 1 for a in "czyx"]
    )
    (FOLDER / f"{name}.raw").write_bytes(np.ascontiguousarray(volumes, volumes.dtype.newbyteorder("<")).tobytes())
    entry = {
        "name": name, "path": path or f"{name}.zarr", "axes": given, "dtype": data.dtype.name, "shape": list(volumes.shape[2:]),
        "channels": volumes.shape[1], "timepoints": volumes.shape[0], "layout": axes, "isSilent": True, "names": [],
    }
    entry.update(more)
    STORES.append(entry)


def store(name):
    return str(FOLDER / f"{name}.zarr")


# Images of ome-zarr-py.

CASES = [
    ("tczyx", (2, 3, 5, 16, 18), {"t": 2.5, "z": 0.5, "y": 0.11, "x": 0.12}, "micrometer", "second"),
    ("czyx", (2, 6, 20, 14), {"z": 300.0, "y": 104.0, "x": 105.0}, "nanometer", None),
    ("zyx", (7, 24, 18), {"z": 2000.0, "y": 650.0, "x": 640.0}, "angstrom", None),
    ("tzyx", (3, 4, 12, 16), {"t": 40.0, "z": 1e-3, "y": 5e-4, "x": 4e-4}, "millimeter", "millisecond"),
    ("yx", (20, 30), {"y": 0.2, "x": 0.25}, "micrometer", None),
]
MICROMETERS = {"micrometer": 1, "nanometer": 1e-3, "angstrom": 1e-4, "millimeter": 1e3}
SECONDS = {"second": 1, "millisecond": 1e-3, None: None}

for fmt, version in [(FormatV04(), "04"), (FormatV05(), "05")]:
    for axes, shape, scale, unit, time in CASES:
        name = f"ome{version}-{axes}"
        data = values(shape)
        units = {a: unit for a in axes if a in "zyx"}
        if time:
            units["t"] = time
        more = {}
        if "c" in axes:
            labels = [f"dye {i}" for i in range(shape[axes.index("c")])]
            more["metadata"] = {
                "omero": {"channels": [{"label": label, "color": "00FF00", "active": True,
                                        "window": {"start": 0, "end": 255, "min": 0, "max": 65535}} for label in labels]}
            }
        write_image(
            data, store(name), scale_factors=[2], fmt=fmt, axes=axes, scale={a: scale.get(a, 1.0) for a in axes}, axes_units=units,
            **({"metadata": more["metadata"]} if more else {}),
        )
        if more:
            group = zarr.open_group(store(name), mode="r+")
            if version == "05":
                group.attrs["ome"] = {**group.attrs["ome"], **more["metadata"]}
            else:
                group.attrs["omero"] = more["metadata"]["omero"]
        factor = MICROMETERS[unit]
        spacing = [scale.get("z", scale["y"]) * factor, scale["y"] * factor, scale["x"] * factor]
        interval = scale["t"] * SECONDS[time] if time else None
        names = [c["label"] for c in more["metadata"]["omero"]["channels"]] if more else []
        known = {"spacing": spacing, "interval": interval, "names": names}
        expect(name, data, axes, **known)
        if axes == "tczyx":
            level = zarr.open_array(store(name) + "/s1", mode="r")
            expect(name + "-path", data, axes, path=name + ".zarr/s0/", **known)
            expect(name + "-array", data, axes, path=name + ".zarr", array="s0", **known)
            half = [spacing[i] * shape[2 + i] / level.shape[2 + i] for i in range(3)]
            expect(name + "-level", level[:], axes, path=name + ".zarr", array="s1", **{**known, "spacing": half})

# Labels beside an image.
data = values((4, 12, 10))
write_image(data, store("labels"), scale_factors=[2], fmt=FormatV05(), axes="zyx", axes_units={a: "micrometer" for a in "zyx"})
write_labels((data > 100).astype("uint8"), zarr.open_group(store("labels"), mode="r+"), "nuclei", axes="zyx", fmt=FormatV05(), scale_factors=[2])
expect("labels", data, "zyx", spacing=[1, 1, 1])
expect("labels-named", (data > 100).astype("uint8"), "zyx", array="labels/nuclei", path="labels.zarr")

# bioformats2raw: one series, with the metadata file's group beside it.
data = values((1, 2, 3, 8, 9), "uint8")
root = zarr.open_group(store("bf2raw"), mode="w", zarr_format=2)
root.attrs["bioformats2raw.layout"] = 3
root.create_group("OME").attrs["series"] = ["0"]
write_image(data, root.create_group("0"), scale_factors=[], fmt=FormatV04(), axes="tczyx", scale={"t": 1, "c": 1, "z": 1, "y": 0.3, "x": 0.3},
            axes_units={a: "micrometer" for a in "zyx"})
expect("bf2raw", data, "tczyx", spacing=[1, 0.3, 0.3])


# Versions 0.1 to 0.3 and others that no writer makes any more, and what people write by hand.

def by_hand(name, data, image, version=2, levels=("0",), outer=None, extra=None):
    group = zarr.open_group(store(name), mode="w", zarr_format=version)
    for level in levels:
        group.create_array(level, data=data, chunks=tuple(min(8, n) for n in data.shape))
    attributes = {"multiscales": [image], **(extra or {})}
    group.attrs.update({"ome": attributes} if version == 3 else attributes)


data = values((2, 2, 3, 6, 7))
by_hand("v01", data, {"version": "0.1", "datasets": [{"path": "0"}]})
expect("v01", data, "tczyx")
by_hand("v03", data.transpose(1, 0, 2, 3, 4), {"version": "0.3", "axes": ["c", "t", "z", "y", "x"], "datasets": [{"path": "0"}]})
expect("v03", data.transpose(1, 0, 2, 3, 4), "ctzyx")


def axis(name, unit=None):
    kinds = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
    return {"name": name, **({"type": kinds[name]} if name in kinds else {}), **({"unit": unit} if unit else {})}


data = values((3, 6, 7))
by_hand("global", data, {
    "version": "0.4", "axes": [axis("z", "nanometer"), axis("y", "nanometer"), axis("x", "micrometer")],
    "datasets": [{"path": "0", "coordinateTransformations": [
        {"type": "scale", "scale": [100, 50, 0.025]}, {"type": "translation", "translation": [3, 4, 5]}]}],
    "coordinateTransformations": [{"type": "identity"}, {"type": "scale", "scale": [3, 2, 2]}, {"type": "translation", "translation": [1, 1, 1]}],
})
expect("global", data, "zyx", spacing=[0.3, 0.1, 0.05])
data = values((7, 6, 3))
by_hand("xyz", data, {
    "version": "0.4", "axes": [axis("x", "micrometer"), axis("y", "micrometer"), axis("z", "micrometer")],
    "datasets": [{"path": "scale0/image", "coordinateTransformations": [{"type": "scale", "scale": [0.1, 0.2, 0.7]}]}],
}, version=3, levels=("scale0/image",))
expect("xyz", data, "xyz", spacing=[0.7, 0.2, 0.1])
data = values((2, 3, 4, 6, 5))
by_hand("angle", data, {
    "version": "0.4", "axes": [axis("angle"), axis("t", "minute"), axis("z", "um"), axis("y", "um"), axis("x", "um")],
    "datasets": [{"path": "a", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1, 1, 1]}]}],
}, levels=("a",))
expect("angle", data, "*tzyx", spacing=[1, 1, 1])
data = values((3, 6, 7))
by_hand("unitless", data, {
    "version": "0.4", "axes": [axis("z"), axis("y"), axis("x")],
    "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.1, 0.1]}]}],
})
expect("unitless", data, "zyx", isSilent=False)
by_hand("contradiction", data, {"version": "0.4", "axes": [axis("y"), axis("x")], "datasets": [{"path": "0"}]})
expect("contradiction", data, "zyx", given="ZYX", isSilent=False)

# Arrays without OME-Zarr.


def array(name, data, chunks=None, version=3, path="", names=None, attributes=None, shards=None, compressors="auto"):
    target = zarr.open_group(store(name), mode="a", zarr_format=version) if path else store(name)
    arguments = dict(
        shape=data.shape, dtype=data.dtype, chunks=chunks or data.shape, shards=shards, attributes=attributes, compressors=compressors,
    )
    if version == 3 and names:
        arguments["dimension_names"] = names
    made = target.create_array(path, **arguments) if path else zarr.create_array(target, zarr_format=version, **arguments)
    made[...] = data
    return made


data = values((3, 4, 5, 6, 7))
array("article", data, (1, 1, 5, 6, 7), version=2, path="raw")
expect("article", data, "ctzyx", isSilent=False)
expect("article-path", data, "ctzyx", isSilent=False, path="article.zarr/raw")
expect("article-axes", data, "tczyx", given="tczyx", path="article.zarr")
expect("article-other", data, "t*zyx", given="tqzyx", path="article.zarr")
expect("article-odd", data, "xzy*c", given="xzy*c", path="article.zarr/raw/")

data = values((3, 5, 6, 7), "int16")
array("four", data, (2, 2, 4, 4))
expect("four", data, "tzyx", isSilent=False)
expect("four-hint", data, "czyx", channelCountHint=3, isSilent=False, path="four.zarr")
expect("four-other-hint", data, "tzyx", channelCountHint=2, isSilent=False, path="four.zarr")
data = values((2, 3, 2, 4, 5, 6), "float32")
array("six", data, (1, 2, 1, 4, 3, 4))
expect("six", data, "*ctzyx", isSilent=False)
data = values((5, 6, 7), "float64")
array("three", data, (2, 4, 4))
expect("three", data, "zyx")
data = values((9, 10, 11))
array("three-compressed", data, compressors=BloscCodec(cname="lz4", typesize=2))
expect("three-compressed", data, "zyx")
data = values((6, 7), "uint8")
array("two", data, (4, 4))
expect("two", data, "yx")
data = values((6, 7, 4, 3), "int32")
array("named", data, (4, 3, 4, 2), names=["Row", "Column", "Frame", "channel"])
expect("named", data, "yxtc")
data = values((4, 6, 5, 3))
array("half-named", data, (4, 3, 4, 2), names=["t", None, "y", "x"])
expect("half-named", data, "tzyx")
data = values((2, 3, 6, 7))
array("xarray", data, (1, 2, 6, 7), version=2, path="intensity", attributes={"_ARRAY_DIMENSIONS": ["band", "T", "Y", "X"]})
array("xarray", np.arange(7.0), version=2, path="X", attributes={"_ARRAY_DIMENSIONS": ["X"]})
expect("xarray", data, "*tyx")
data = values((2, 9, 20, 21), "uint16")
array("sharded", data, (1, 3, 5, 6), shards=(1, 9, 10, 12), names=["c", "z", "y", "x"])
expect("sharded", data, "czyx")
data = values((4, 3, 9, 20, 21), "float16")
array("many-in-one", data, (4, 3, 9, 8, 21), names=list("tczyx"), compressors=BloscCodec(cname="zstd", typesize=2))
expect("many-in-one", data, "tczyx")
data = values((11, 13, 17), "bool")
array("bool", data, (4, 5, 6), names=["x", "y", "z"])
expect("bool", data, "xyz")
data = values((3, 9, 10, 11), "uint64")
written = ts.open(
    {
        "driver": "zarr3", "kvstore": {"driver": "file", "path": store("tensorstore")},
        "schema": {"chunk_layout": {"write_chunk": {"shape": [2, 8, 8, 12]}, "read_chunk": {"shape": [1, 4, 4, 6]}}},
        "metadata": {"shape": data.shape, "data_type": "uint64", "dimension_names": ["t", "z", "y", "x"]},
    },
    create=True,
).result()
written.write(data).result()
expect("tensorstore", data, "tzyx")

# A series of TIFF stacks, numbered without leading zeros.
series = FOLDER / "series"
series.mkdir()
data = values((11, 3, 6, 7))
for t in range(11):
    tifffile.imwrite(
        series / f"t{t}.tif", data[t], imagej=True, resolution=(4, 4), metadata={"axes": "ZYX", "spacing": 0.5, "unit": "um"},
    )
tifffile.imwrite(FOLDER / "series-plain.tif", data[0], imagej=True, metadata={"axes": "ZYX"})
tifffile.imwrite(
    FOLDER / "series-wide.tif", data[0], imagej=True, resolution=(2, 2), metadata={"axes": "ZYX", "spacing": 0.5, "unit": "um"},
)
(series / "notes.txt").write_text("not a stack")
(series / ".hidden.tif").write_text("not a stack either")
data.astype("<u2").tofile(FOLDER / "series.raw")
parts = FOLDER / "parts"
parts.mkdir()
data = values((6, 2, 3, 6, 7))
for number, part in enumerate([data[:1], data[1:4], data[4:]]):
    tifffile.imwrite(parts / f"part{number}.tif", part.transpose(0, 2, 1, 3, 4), imagej=True, metadata={"axes": "TZCYX"})
data.astype("<u2").tofile(FOLDER / "parts.raw")

(FOLDER / "expectations.json").write_text(json.dumps(STORES))
print(len(STORES))
