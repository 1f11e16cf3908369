import dask.array as da
import numpy as np
import pytest
import xarray as xr

import gpudeconv


@pytest.mark.parametrize("dask", ["parallelized", "allowed"])
def test_apply_ufunc_deconvolves_labeled_arrays(volumes, psfs, dask):
    expected = gpudeconv.richardson_lucy(volumes, psfs, 3, backend="cpu")
    image = xr.DataArray(
        da.from_array(volumes, chunks=(1, 1, -1, -1, -1)),
        dims=("channel", "time", "z", "y", "x"),
        coords={"channel": ["GFP", "RFP"]},
    )
    psf = xr.DataArray(psfs[:, 0], dims=("channel", "a", "b", "c"), coords={"channel": ["GFP", "RFP"]})
    result = xr.apply_ufunc(
        gpudeconv.richardson_lucy,
        image,
        psf,
        kwargs={"iterations": 3, "backend": "cpu"},
        input_core_dims=[["z", "y", "x"], ["a", "b", "c"]],
        output_core_dims=[["z", "y", "x"]],
        dask=dask,
        output_dtypes=["f4"],
    )
    assert result.dims == ("channel", "time", "z", "y", "x")
    assert result.dtype == np.float32 and result.chunks is not None
    assert np.array_equal(result.sel(channel="RFP").values, expected[1])


def test_labeled_arrays_in_memory(volumes, psfs):
    image = xr.DataArray(volumes, dims=("channel", "time", "z", "y", "x"))
    psf = xr.DataArray(psfs[:, 0], dims=("channel", "a", "b", "c"))
    result = xr.apply_ufunc(
        gpudeconv.richardson_lucy,
        image,
        psf,
        kwargs={"iterations": 3, "backend": "cpu"},
        input_core_dims=[["z", "y", "x"], ["a", "b", "c"]],
        output_core_dims=[["z", "y", "x"]],
    )
    assert np.array_equal(result.values, gpudeconv.richardson_lucy(volumes, psfs, 3, backend="cpu"))
