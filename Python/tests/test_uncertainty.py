"""How certain a result is, for arrays."""

import dask.array as da
import numpy as np
import pytest
import tifffile
from conftest import gaussian

import gpudeconv

CPU = {"backend": "cpu", "psf_as_is": True}


def test_arrays_get_what_files_get(volume, psf, tmp_path):
    found = gpudeconv.uncertainty(volume, psf, 4, background=5, gain=1, spacing=(0.3, 0.1, 0.1), **CPU)
    assert np.array_equal(found.image, gpudeconv.deconvolve(volume, psf, 4, background=5, **CPU))
    tifffile.imwrite(tmp_path / "image.tif", volume, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "psf.tif", psf.astype(np.float32), imagej=True, metadata={"axes": "ZYX"})
    report = gpudeconv.deconvolve_file(
        tmp_path / "image.tif",
        tmp_path / "psf.tif",
        tmp_path / "sharp.tif",
        4,
        background=5,
        gain=1,
        spacing=(0.3, 0.1, 0.1),
        uncertainty=tmp_path / "map.tif",
        **CPU,
    )
    np.testing.assert_allclose(found.map, tifffile.imread(tmp_path / "map.tif"), rtol=1e-4, atol=1e-3)
    (channel,) = report["uncertainty"]["channels"]
    told = {curve["axis"]: curve["resolution"] for curve in channel["curves"]}
    np.testing.assert_allclose(found.resolution, [told[axis] for axis in "zyx"], rtol=1e-3)
    assert found.report["uncertainty"]["unit"] == "µm" and "file" not in found.report["uncertainty"]


def test_the_map_is_the_root_of_the_photons_where_nothing_is_blurred():
    light = np.repeat([100.0, 400.0], 12 * 40 * 20).reshape(2, 12, 40, 20)
    image = np.concatenate(np.random.default_rng(2).poisson(light), axis=2)
    found = gpudeconv.uncertainty(image, np.ones((1, 1, 1)), 30, gain=1, boundary="zero", **CPU)
    # The mean of the size of a normal number is the root of 2 over pi.
    errors = [half.mean() / np.sqrt(2 / np.pi) for half in np.split(found.map, 2, axis=2)]
    np.testing.assert_allclose(errors, [10, 20], rtol=0.05)


def test_many_volumes_planes_and_no_voxels(volumes, psfs):
    many = gpudeconv.uncertainty(volumes[:, :2], psfs, 2, gain=1, **CPU)
    assert many.map.shape == many.image.shape == (2, 2, 6, 12, 14)
    # That of each PSF, in voxels.
    assert many.resolution.shape == (2, 1, 3) and many.report["uncertainty"]["unit"] == "voxels"
    alone = gpudeconv.uncertainty(volumes[0, 0], psfs[0, 0], 2, gain=1, **CPU)
    np.testing.assert_allclose(many.map[0, 0], alone.map, rtol=1e-4, atol=1e-3)
    plane = gpudeconv.uncertainty(volumes[0, 0, 3], gaussian((5, 5), (1, 1)), 2, gain=1, **CPU)
    assert plane.map.shape == (12, 14) and plane.resolution.shape == (2,)
    nothing = gpudeconv.uncertainty(np.zeros((0, 6, 12, 14)), psfs[0, 0], 2, gain=1, **CPU)
    assert nothing.map.shape == (0, 6, 12, 14) and np.isnan(nothing.resolution).all() and nothing.report == {}


def test_what_cannot_be_told_is_refused(volume, psf):
    with pytest.raises(ValueError, match=r"parts: give it an array in memory, such as image.compute\(\)"):
        gpudeconv.uncertainty(da.from_array(volume), psf, 2, **CPU)
    with pytest.raises(ValueError, match="give gain"):
        gpudeconv.uncertainty(gaussian((8, 20, 20), (2, 3, 3)), gaussian((5, 5, 5), (1, 1, 1)), 2, **CPU)
    with pytest.raises(TypeError, match="unexpected keyword argument 'out'"):
        gpudeconv.uncertainty(volume, psf, 2, out=np.empty(volume.shape, np.float32))
