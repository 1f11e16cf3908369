"""Makes the TIFF files of this folder, and expectations.json, with tifffile.

Run as `python make_tiff_fixtures.py` where tifffile, imagecodecs and numpy are installed. The files in the repository
were made with Python 3.11.7, tifffile 2026.3.3, imagecodecs 2026.3.6 and numpy 2.4.6.

Voxel (t, c, z, y, x) of every exact file holds, for h = ((((5t + c)·11 + z)·131 + y)·137 + x)·2654435761 mod 2^32 and
v = h >> 16,
    uint8 v mod 256, int8 v mod 256 − 128, uint16 v, int16 v − 32768, uint32 65521 v, int32 65521 (v − 32768),
    float32 (v − 32768) / 64, float64 (v − 32768) / 64 + 1/3.
The tests compute the same and compare every voxel.
"""

import json
import struct
from pathlib import Path

import numpy as np
import tifffile

HERE = Path(__file__).parent
EXPECTATIONS = []


def voxels(dtype, t=1, c=1, z=1, y=1, x=1):
    """Array of shape (t, c, z, y, x)."""
    T, C, Z, Y, X = np.ogrid[:t, :c, :z, :y, :x]
    h = ((((5 * T + C) * 11 + Z) * 131 + Y) * 137 + X).astype(np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    v = (h >> np.uint64(16)).astype(np.int64)
    return {
        "uint8": lambda: v % 256,
        "int8": lambda: v % 256 - 128,
        "uint16": lambda: v,
        "int16": lambda: v - 32768,
        "uint32": lambda: v * 65521,
        "int32": lambda: (v - 32768) * 65521,
        "float32": lambda: (v - 32768) / 64,
        "float64": lambda: (v - 32768) / 64 + 1 / 3,
    }[dtype]().astype(dtype)


def expect(name, dtype, shape, t=1, c=1, spacing=None, interval=None, names=(), diagnostics=0, kind="exact"):
    EXPECTATIONS.append(
        {
            "file": name,
            "pixelType": dtype,
            "shape": list(shape),
            "channels": c,
            "timepoints": t,
            "spacing": spacing,
            "timeInterval": interval,
            "channelNames": list(names),
            "diagnosticCount": diagnostics,
            "kind": kind,
        }
    )


def write(name, dtype, shape, axes="ZYX", t=1, c=1, spacing=None, interval=None, names=(), diagnostics=0, **options):
    """Writes the voxels with their axes in the order `axes`, and notes what must be read."""
    z, y, x = shape
    data = voxels(dtype, t, c, z, y, x)
    order = ["TCZYX".index(axis) for axis in axes]
    rest = [axis for axis in range(5) if axis not in order]
    data = np.transpose(data, rest + order).reshape([data.shape[axis] for axis in order])
    tifffile.imwrite(HERE / name, data, photometric="minisblack", **options)
    expect(name, dtype, shape, t, c, spacing, interval, names, diagnostics)


def patch(name, edit):
    path = HERE / name
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)


SMALL = (5, 33, 21)
SMALLER = (3, 19, 13)
IMAGEJ = {"axes": "ZYX", "unit": "um", "spacing": 0.3}
UM = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.3}


def ome(axes, **more):
    return {"axes": axes, **UM, **more}


# Type x byte order x BigTIFF x strips or tiles x compression x description.
write("u8-le-imagej.tif", "uint8", SMALL, imagej=True, byteorder="<", resolution=(10, 5), metadata=IMAGEJ,
      spacing=[0.3, 0.2, 0.1])
write("u16-be-imagej-hyperstack.tif", "uint16", SMALLER, "TZCYX", t=2, c=3, imagej=True, byteorder=">",
      resolution=(1e4 / 2.5, 1e4 / 2.5),
      metadata={"axes": "TZCYX", "unit": "cm", "spacing": 5e-4, "finterval": 1.5},
      spacing=[5, 2.5, 2.5], interval=1.5)
write("f32-le-imagej-time.tif", "float32", (1, 17, 11), "TYX", t=4, imagej=True, byteorder="<",
      metadata={"axes": "TYX", "unit": "pixel", "finterval": 0.25}, interval=0.25)
write("u16-le-imagej-nospacing.tif", "uint16", SMALLER, imagej=True, resolution=(10, 10),
      metadata={"axes": "ZYX", "unit": "micron"}, spacing=[1, 0.1, 0.1], diagnostics=1)
write("u16-le-imagej-deflate.tif", "uint16", SMALLER, "ZCYX", c=2, imagej=True, compression="deflate", rowsperstrip=7,
      extratags=[(65000, 4, 1, 7, False)],  # libtiff warns about it
      resolution=(8, 8), metadata={"axes": "ZCYX", "unit": "\\u00B5m", "spacing": 0.5}, spacing=[0.5, 0.125, 0.125])
write("u16-le-big-tiles-deflate.ome.tif", "uint16", SMALLER, "TCZYX", t=2, c=2, ome=True, bigtiff=True, tile=(16, 16),
      compression="deflate", metadata=ome("TCZYX", TimeIncrement=2.0, TimeIncrementUnit="min",
                                          Channel={"Name": ["DAPI <1>", "GFP & µ"]}),
      spacing=[0.3, 0.2, 0.1], interval=120, names=["DAPI <1>", "GFP & µ"])
write("i8-be-big-lzw.tif", "int8", SMALL, byteorder=">", bigtiff=True, compression="lzw", rowsperstrip=10)
write("i16-le-tiles-lzw.ome.tif", "int16", SMALL, ome=True, tile=(16, 32), compression="lzw", metadata=ome("ZYX"),
      spacing=[0.3, 0.2, 0.1])
write("u32-be-tiles-zstd.tif", "uint32", SMALLER, "CZYX", c=2, byteorder=">", tile=(16, 16), compression="zstd",
      metadata={"axes": "CZYX"})
write("i32-le-big-packbits.tif", "int32", SMALLER, bigtiff=True, compression="packbits")
write("f32-be-big-tiles-deflate.ome.tif", "float32", SMALLER, "CTZYX", t=2, c=2, byteorder=">", ome=True, bigtiff=True,
      tile=(16, 16), compression="deflate", predictor=True, metadata=ome("CTZYX"), spacing=[0.3, 0.2, 0.1])
write("f32-le-zstd-predictor.tif", "float32", SMALL, compression="zstd", predictor=True, rowsperstrip=8)
write("f64-le.ome.tif", "float64", SMALLER, ome=True,
      metadata={"axes": "ZYX", "PhysicalSizeX": 100, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 2000,
                "PhysicalSizeYUnit": "Å", "PhysicalSizeZ": 3e-4, "PhysicalSizeZUnit": "mm"}, spacing=[0.3, 0.2, 0.1])
write("f64-be-big-deflate.tif", "float64", SMALLER, byteorder=">", bigtiff=True, compression="deflate", predictor=True)
write("u16-le-tiles-lzma.tif", "uint16", SMALL, tile=(32, 16), compression="lzma")
write("u8-be-packbits.ome.tif", "uint8", SMALL, byteorder=">", ome=True, compression="packbits", rowsperstrip=4,
      metadata={"axes": "ZYX"})
write("u16-be-lzw-predictor.tif", "uint16", SMALL, byteorder=">", compression="lzw", predictor=True, rowsperstrip=16)
write("u32-le-big-strips-deflate.ome.tif", "uint32", SMALLER, "ZTCYX", t=2, c=2, ome=True, bigtiff=True,
      compression="deflate", rowsperstrip=5, metadata=ome("ZTCYX"), spacing=[0.3, 0.2, 0.1])
write("i16-be-strips.tif", "int16", SMALL, byteorder=">", rowsperstrip=6)
write("i32-be-tiles.tif", "int32", SMALLER, byteorder=">", tile=(16, 16))
write("i8-le-tiles-zstd.ome.tif", "int8", SMALL, ome=True, tile=(16, 16), compression="zstd", predictor=True,
      metadata=ome("ZYX"), spacing=[0.3, 0.2, 0.1])
write("u8-be-big-tiles-lzw.tif", "uint8", SMALL, byteorder=">", bigtiff=True, tile=(16, 16), compression="lzw")
write("f64-le-tiles-packbits.tif", "float64", SMALLER, tile=(16, 16), compression="packbits")
write("f32-be-lzw.ome.tif", "float32", SMALLER, "TZYX", t=2, byteorder=">", ome=True, compression="lzw",
      metadata=ome("TZYX"), spacing=[0.3, 0.2, 0.1])
write("u16-le-shaped-spacing.tif", "uint16", SMALLER, "TCZYX", t=2, c=2, resolution=(1e5, 5e4),
      resolutionunit="CENTIMETER", metadata={"axes": "TCZYX", "spacing": 0.3, "unit": "um"}, spacing=[0.3, 0.2, 0.1])
write("u16-le-plain.tif", "uint16", SMALLER, metadata=None, resolution=(300, 300), resolutionunit="INCH")
write("u8-be-2d-imagej.tif", "uint8", (1, 33, 21), "YX", byteorder=">", imagej=True, resolution=(4, 4),
      metadata={"axes": "YX", "unit": "um"}, spacing=[0.25, 0.25, 0.25])

# One directory for many planes: tifffile's own way, and ImageJ's above 4 GB, here made small by cutting the chain.
write("u16-le-truncated-chain.tif", "uint16", SMALLER, "CZYX", c=2, metadata={"axes": "CZYX", "truncate": True})
write("u16-be-imagej-one-directory.tif", "uint16", SMALLER, "TZCYX", t=2, c=2, imagej=True, byteorder=">",
      resolution=(10, 10), metadata={"axes": "TZCYX", "unit": "um", "spacing": 0.3}, spacing=[0.3, 0.1, 0.1])


def cut_chain(data):
    order = ">" if data[:2] == b"MM" else "<"
    first = struct.unpack_from(order + "I", data, 4)[0]
    count = struct.unpack_from(order + "H", data, first)[0]
    struct.pack_into(order + "I", data, first + 2 + 12 * count, 0)


patch("u16-be-imagej-one-directory.tif", cut_chain)

# Thumbnails, pyramids, several images.
with tifffile.TiffWriter(HERE / "u16-le-thumbnail.tif") as tif:
    data = voxels("uint16", z=3, y=19, x=13)[0, 0]
    for plane in data:
        tif.write(plane, photometric="minisblack", metadata=None)
        tif.write(plane[::2, ::2].astype("uint8"), photometric="minisblack", metadata=None, subfiletype=1)
expect("u16-le-thumbnail.tif", "uint16", SMALLER)

with tifffile.TiffWriter(HERE / "u16-le-pyramid.ome.tif", bigtiff=True) as tif:
    data = voxels("uint16", c=2, z=2, y=24, x=20)[0]
    tif.write(data, photometric="minisblack", subifds=1, tile=(16, 16), compression="deflate", metadata=ome("CZYX"))
    tif.write(data[..., ::2, ::2], photometric="minisblack", subfiletype=1, tile=(16, 16), compression="deflate")
expect("u16-le-pyramid.ome.tif", "uint16", (2, 24, 20), c=2, spacing=[0.3, 0.2, 0.1])

with tifffile.TiffWriter(HERE / "u16-le-two-images.ome.tif", ome=True) as tif:
    tif.write(voxels("uint16", z=3, y=19, x=13)[0, 0], photometric="minisblack", metadata=ome("ZYX", Name="cells"))
    tif.write(np.zeros((8, 9), "uint8"), photometric="minisblack", metadata={"axes": "YX", "Name": "label"})
expect("u16-le-two-images.ome.tif", "uint16", SMALLER, spacing=[0.3, 0.2, 0.1], diagnostics=1)

# ImageJ's signed images are unsigned ones with a straight-line calibration.
signed = voxels("int16", z=3, y=19, x=13)[0, 0]
tifffile.imwrite(HERE / "i16-imagej-calibrated.tif", (signed.astype("int32") + 32768).astype("uint16"),
                 photometric="minisblack", metadata=None, byteorder=">",
                 description="ImageJ=1.54f\nimages=3\nslices=3\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=gray value\n")
expect("i16-imagej-calibrated.tif", "int16", SMALLER)

# An 8-bit ImageJ stack with a lookup table is stored as a palette image.
ramp = np.zeros((3, 256), "uint16")
ramp[1] = np.arange(256) * 257
tifffile.imwrite(HERE / "u8-imagej-lut.tif", voxels("uint8", z=3, y=19, x=13)[0, 0], photometric="palette", colormap=ramp,
                 metadata=None, description="ImageJ=1.54f\nimages=3\nslices=3\nloop=false\n")
expect("u8-imagej-lut.tif", "uint8", SMALLER, diagnostics=1)

# Lossy: a ramp of 3 a voxel along x and 2 along y, which must come back within 4.
Y, X = np.mgrid[:32, :48]
tifffile.imwrite(HERE / "u8-jpeg.tif", np.stack([(3 * X + 2 * Y).astype("uint8")] * 2), photometric="minisblack",
                 compression="jpeg", compressionargs={"level": 95}, rowsperstrip=16, metadata=None)
expect("u8-jpeg.tif", "uint8", (2, 32, 48), kind="ramp")

# What is refused.
grey = {"photometric": "minisblack", "metadata": None}
tifffile.imwrite(HERE / "bad-rgb.tif", np.zeros((8, 9, 3), "uint8"), photometric="rgb", metadata=None)
tifffile.imwrite(HERE / "bad-palette.tif", np.zeros((8, 9), "uint8"), photometric="palette", colormap=ramp, metadata=None)
tifffile.imwrite(HERE / "bad-two-samples.tif", np.zeros((8, 9, 2), "uint8"), planarconfig="contig",
                 extrasamples=["unspecified"], **grey)
tifffile.imwrite(HERE / "bad-white-is-zero.tif", np.zeros((8, 9), "uint8"), photometric="miniswhite", metadata=None)
tifffile.imwrite(HERE / "bad-float16.tif", np.zeros((8, 9), "float16"), **grey)
tifffile.imwrite(HERE / "bad-uint64.tif", np.zeros((8, 9), "uint64"), **grey)
tifffile.imwrite(HERE / "bad-complex.tif", np.zeros((8, 9), "complex64"), **grey)
tifffile.imwrite(HERE / "bad-12-bit.tif", np.zeros((8, 10), "uint16"), bitspersample=12, **grey)
tifffile.imwrite(HERE / "bad-bilevel.tif", np.zeros((8, 9), "bool"), **grey)
tifffile.imwrite(HERE / "bad-jpeg2000.tif", np.zeros((32, 32), "uint8"), compression="jpeg2000", **grey)
with tifffile.TiffWriter(HERE / "bad-two-sizes.tif") as tif:
    tif.write(np.zeros((8, 9), "uint8"), **grey)
    tif.write(np.zeros((9, 8), "uint8"), **grey)
with tifffile.TiffWriter(HERE / "bad-two-types.tif") as tif:
    tif.write(np.zeros((8, 9), "uint8"), **grey)
    tif.write(np.zeros((8, 9), "uint16"), **grey)
tifffile.imwrite(HERE / "bad-shaped-no-axes.tif", np.zeros((2, 3, 8, 9), "uint8"), photometric="minisblack")
tifffile.imwrite(HERE / "bad-imagej-count.tif", np.zeros((3, 8, 9), "uint8"), photometric="minisblack", metadata=None,
                 description="ImageJ=1.54f\nimages=30\nslices=30\n")
tifffile.imwrite(HERE / "bad-depth.tif", np.zeros((16, 16, 16), "uint8"), tile=(16, 16, 16), **grey)

with open(HERE / "expectations.json", "w") as file:
    file.write("[\n" + ",\n".join("  " + json.dumps(e, ensure_ascii=False) for e in EXPECTATIONS) + "\n]\n")
print(len(EXPECTATIONS), "files,", sum(p.stat().st_size for p in HERE.glob("*.tif")), "bytes")
