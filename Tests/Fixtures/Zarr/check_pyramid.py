"""Checks images that gpudeconv wrote as OME-Zarr: `python check_pyramid.py JOBS.json`.

JOBS.json is a list of {store, group, version, dtype, shape, raw, axes, scales, translations, steps, labels}: the image in the
group `group` of `store` must be valid for ome-zarr-models, open with ome-zarr, and hold as its largest level the float32 voxels of
the file `raw`, each further level being the mean of `steps` voxels of the one before along each axis, of what there is at an odd
end. Integers are rounded from these means. Prints one line a fault and exits with 1, or prints nothing.
"""

import json
import os
import pathlib
import sys
import warnings

import numpy as np
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from display_window import window  # noqa: E402

warnings.filterwarnings("ignore")

FAULTS = []


def halve(volume, steps):
    """The mean of 1 or 2 neighbors along each axis."""
    for axis, step in enumerate(steps):
        if step == 1:
            continue
        starts = np.arange(0, volume.shape[axis], step)
        counts = np.minimum(step, volume.shape[axis] - starts)
        shape = [-1 if other == axis else 1 for other in range(volume.ndim)]
        volume = np.add.reduceat(volume, starts, axis=axis) / counts.reshape(shape)
    return volume


def check(job):
    def fault(text):
        FAULTS.append(f"{job['store']}/{job['group']}: {text}")

    path = os.path.join(job["store"], job["group"]).rstrip("/")
    group = zarr.open_group(path, mode="r")
    if job["version"] == 2:
        from ome_zarr_models.v04.image import Image
    else:
        from ome_zarr_models.v05.image import Image
    image = Image.from_zarr(group)
    attributes = image.attributes if job["version"] == 2 else image.attributes.ome
    (multiscale,) = attributes.multiscales
    axes = [(axis.name, axis.type, axis.unit) for axis in multiscale.axes]
    if axes != [tuple(axis) for axis in job["axes"]]:
        fault(f"has the axes {axes}")
    if len(multiscale.datasets) != len(job["steps"]) + 1:
        fault(f"has {len(multiscale.datasets)} levels")
    omero = (dict(group.attrs) if job["version"] == 2 else dict(group.attrs)["ome"]).get("omero", {})
    labels = [channel["label"] for channel in omero.get("channels", [])]
    if labels != job["labels"]:
        fault(f"has channels called {labels}")

    form = FormatV04() if job["version"] == 2 else FormatV05()
    nodes = list(Reader(parse_url(path, mode="r", fmt=form))())
    if len(nodes) != 1 or len(nodes[0].data) != len(multiscale.datasets):
        fault("ome-zarr finds other images")
    volume = np.fromfile(job["raw"], np.float32).reshape(job["shape"]).astype(np.float64)
    names = [axis.name for axis in multiscale.axes]
    stored = np.asarray(nodes[0].data[0]).astype(np.float64)

    def channels(array):
        """Channels (c, t, z, y, x)."""
        missing = tuple(index for index, name in enumerate("tczyx") if name not in names)
        ordered = np.transpose(array, [names.index(name) for name in "tczyx" if name in names])
        return np.moveaxis(np.expand_dims(ordered, missing), 1, 0)

    for channel, voxels, given in zip(omero["channels"], channels(stored), channels(volume), strict=True):
        start, end = window(given, job["dtype"])
        shown = {"min": voxels.min(), "max": voxels.max(), "start": start, "end": end}
        if channel["window"] != shown or len(channel["color"]) != 6:
            fault(f"shows {channel} where it should {shown}")
    for level, dataset in enumerate(multiscale.datasets):
        if level > 0:
            volume = halve(volume, job["steps"][level - 1])
        found = np.asarray(nodes[0].data[level])
        if found.dtype != np.dtype(job["dtype"]) or found.shape != volume.shape:
            fault(f"level {level} is {found.dtype} {found.shape}")
            continue
        # float32 keeps 24 bits of each sum; a half may be rounded either way then.
        tolerance = 0.5 + 1e-3 if found.dtype.kind == "u" else 1e-6 * np.abs(volume).max()
        if np.abs(found - volume).max() > tolerance:
            fault(f"level {level} differs by {np.abs(found - volume).max()}")
        transformations = dataset.coordinateTransformations
        if not np.allclose(transformations[0].scale, job["scales"][level], rtol=1e-12):
            fault(f"level {level} has the scale {transformations[0].scale}")
        translation = transformations[1].translation if len(transformations) > 1 else None
        wanted = job["translations"][level]
        if (translation is None) != (wanted is None) or wanted and not np.allclose(translation, wanted, rtol=1e-12):
            fault(f"level {level} has the translation {translation}")


for job in json.load(open(sys.argv[1])):
    try:
        check(job)
    except Exception as error:  # noqa: BLE001
        FAULTS.append(f"{job['store']}/{job['group']}: {type(error).__name__}: {error}")
print("\n".join(FAULTS), end="")
sys.exit(1 if FAULTS else 0)
