"""Checks TIFF files that gpudeconv wrote against what they should hold: `python check_written.py JOB.json`.

JOB.json is a list of {file, format, dtype, shape (z, y, x), channels, timepoints, spacing, timeInterval, channelNames,
compression, bigTIFF, offset, gain}, spacing and timeInterval only where they are known. Voxel (t, c, z, y, x) must hold gain * v + offset in its type, rounded to even
and saturated, for v of make_tiff_fixtures.py. Prints one line a fault and exits with 1, or prints nothing.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import tifffile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from display_window import window  # noqa: E402

FAULTS = []


def fault(job, text):
    FAULTS.append(f"{job['file']}: {text}")


def voxels(job):
    t, c = job["timepoints"], job["channels"]
    z, y, x = job["shape"]
    T, C, Z, Y, X = np.ogrid[:t, :c, :z, :y, :x]
    h = ((((5 * T + C) * 11 + Z) * 131 + Y) * 137 + X).astype(np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    return (h >> np.uint64(16)).astype("float32") * np.float32(job["gain"]) + np.float32(job["offset"])


def expected(job):
    v = voxels(job)
    if job["dtype"] == "float32":
        return v
    return np.clip(np.rint(v), 0, np.iinfo(job["dtype"]).max).astype(job["dtype"])


def close(a, b):
    return a is not None and b is not None and abs(a - b) <= 1e-6 * abs(b)


def check_ome(job, tif):
    if not tif.is_ome:
        fault(job, "is not OME-TIFF for tifffile")
        return
    text = tif.ome_metadata
    root = ElementTree.fromstring(text)
    space = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"
    if root.tag != space + "OME":
        fault(job, f"root element {root.tag}")
    images = root.findall(space + "Image")
    pixels = images[0].findall(space + "Pixels")
    if len(images) != 1 or len(pixels) != 1:
        fault(job, "not one Image with one Pixels")
    pixels = pixels[0]
    z, y, x = job["shape"]
    wanted = {
        "DimensionOrder": "XYCZT",
        "SizeX": str(x),
        "SizeY": str(y),
        "SizeZ": str(z),
        "SizeC": str(job["channels"]),
        "SizeT": str(job["timepoints"]),
        "Type": "float" if job["dtype"] == "float32" else job["dtype"],
    }
    for key, value in wanted.items():
        if pixels.get(key) != value:
            fault(job, f"{key} is {pixels.get(key)}, not {value}")
    # The schema's sequence: Channel*, then TiffData.
    order = [child.tag.removeprefix(space) for child in pixels]
    if order != ["Channel"] * job["channels"] + ["TiffData"]:
        fault(job, f"children of Pixels are {order}")
    for identifier in [images[0].get("ID"), pixels.get("ID")]:
        if not re.fullmatch(r"(Image|Pixels):\S+", identifier or ""):
            fault(job, f"identifier {identifier}")
    # Signed numbers of 32 bits, red the highest, alpha the lowest.
    colors = [channel.get("Color") for channel in pixels.findall(space + "Channel")]
    if job["channels"] == 1 and colors != [None] or job["channels"] == 2 and colors != ["16711935", "-16711681"]:
        fault(job, f"channels have the colors {colors}")
    names = [channel.get("Name") for channel in pixels.findall(space + "Channel")]
    if job["channelNames"] and names != job["channelNames"]:
        fault(job, f"channel names are {names}")
    for axis, length in zip("ZYX", job.get("spacing") or [None] * 3):
        value = pixels.get(f"PhysicalSize{axis}")
        if length is None:
            if value is not None:
                fault(job, f"PhysicalSize{axis} is {value}")
        elif value is None or not close(float(value), length) or pixels.get(f"PhysicalSize{axis}Unit") != "µm":
            fault(job, f"PhysicalSize{axis} is {value} {pixels.get(f'PhysicalSize{axis}Unit')}, not {length} µm")
    if job.get("timeInterval") and not close(float(pixels.get("TimeIncrement")), job["timeInterval"]):
        fault(job, f"TimeIncrement is {pixels.get('TimeIncrement')}")


def check_imagej(job, tif):
    description = tif.pages[0].description
    if not description.startswith("ImageJ=1.") or not tif.is_imagej:
        fault(job, f"is not ImageJ's: {description!r}")
        return
    meta = tif.imagej_metadata
    z = job["shape"][0]
    count = z * job["channels"] * job["timepoints"]
    wanted = {"images": count, "channels": job["channels"], "slices": z, "frames": job["timepoints"]}
    for key, value in wanted.items():
        if meta.get(key, 1) != value:
            fault(job, f"{key} is {meta.get(key)}, not {value}")
    windows = [window(voxels(job)[:, c], job["dtype"]) for c in range(job["channels"])]
    if not np.allclose([float(meta["min"]), float(meta["max"])], windows[0], rtol=1e-6):
        fault(job, f"shows {meta['min']} to {meta['max']}, not {windows[0]}")
    if job["channels"] > 1:
        if not np.allclose(meta["Ranges"], np.ravel(windows), rtol=1e-6):
            fault(job, f"shows {meta['Ranges']}, not {windows}")
        colors = [[0, 255, 0], [255, 0, 255], [0, 255, 255]]
        if [table[:, -1].tolist() for table in meta["LUTs"]] != colors[: job["channels"]]:
            fault(job, f"has the tables {meta['LUTs']}")
    labels = job["channelNames"] * (count // job["channels"]) if job["channelNames"] else None
    if meta.get("Labels") != labels:
        fault(job, f"has the labels {meta.get('Labels')}")
    if job.get("timeInterval") and not close(meta.get("finterval"), job["timeInterval"]):
        fault(job, f"finterval is {meta.get('finterval')}")
    if meta.get("loop") is not False:
        fault(job, f"loop is {meta.get('loop')}")
    if job["channels"] > 1 and (meta.get("mode") != "composite" or meta.get("hyperstack") is not True):
        fault(job, f"mode is {meta.get('mode')}, hyperstack {meta.get('hyperstack')}")
    tags = tif.pages[0].tags
    if job.get("spacing") is None:
        if "unit" in meta or "XResolution" in tags:
            fault(job, "has a unit without a spacing")
        return
    if meta.get("unit") != "micron" or not close(meta.get("spacing"), job["spacing"][0]):
        fault(job, f"spacing is {meta.get('spacing')} {meta.get('unit')}")
    for tag, length in [("YResolution", job["spacing"][1]), ("XResolution", job["spacing"][2])]:
        numerator, denominator = tags[tag].value
        if not close(denominator / numerator, length):
            fault(job, f"{tag} is {numerator}/{denominator}, not one in {length}")
    if tags["ResolutionUnit"].value != 1:
        fault(job, f"ResolutionUnit is {tags['ResolutionUnit'].value}")


def check(job):
    data = expected(job)
    with tifffile.TiffFile(job["file"]) as tif:
        if tif.is_bigtiff != job["bigTIFF"]:
            fault(job, f"BigTIFF is {tif.is_bigtiff}")
        if len(tif.series) != 1:
            fault(job, f"{len(tif.series)} series")
            return
        page = tif.pages[0]
        if page.compression.name != job["compression"] or page.predictor != 1:
            fault(job, f"compression {page.compression.name}, predictor {page.predictor}")
        series = tif.series[0]
        sizes = {"T": job["timepoints"], "C": job["channels"], "Z": job["shape"][0]}
        axes = "".join(axis for axis in "TZC" if sizes[axis] > 1) + "YX"
        if series.axes.replace("S", "") != axes:
            fault(job, f"axes are {series.axes}, not {axes}")
        read = series.asarray()
        wanted = np.moveaxis(data, 1, 2).reshape([sizes[a] for a in "TZC" if sizes[a] > 1] + list(data.shape[-2:]))
        if read.dtype != wanted.dtype or read.shape != wanted.shape or not np.array_equal(read, wanted):
            fault(job, f"voxels differ: {read.dtype} {read.shape}, wanted {wanted.dtype} {wanted.shape}")
        if job["format"] == "ome":
            check_ome(job, tif)
        else:
            check_imagej(job, tif)


for entry in json.load(open(sys.argv[1])):
    try:
        check(entry)
    except Exception as error:  # a file that cannot be read at all is a fault like any other
        fault(entry, f"{type(error).__name__}: {error}")
print("\n".join(FAULTS))
sys.exit(1 if FAULTS else 0)
