"""Other programs' results."""

import numpy as np
from conftest import gaussian
from reference import nrmse

import gpudeconv


def test_what_scikit_image_gives_with_nothing_outside_the_frame(volume, psf):
    from skimage import restoration

    normalized = psf / psf.sum()
    theirs = restoration.richardson_lucy(volume.astype(np.float64), normalized, num_iter=10, clip=False)
    ours = gpudeconv.richardson_lucy(volume, psf, 10, boundary="zero", psf_as_is=True, backend="cpu")
    assert nrmse(ours, theirs) < 2e-6


def test_what_scikit_image_calls_wiener_is_tikhonov(volume, psf):
    from skimage import restoration

    normalized = psf / psf.sum()
    theirs = restoration.wiener(volume.astype(np.float64), normalized, balance=0.05, clip=False).clip(0)
    ours = gpudeconv.deconvolve(
        volume, psf, method="tikhonov", regularization=0.05, boundary="periodic", psf_as_is=True, backend="cpu"
    )
    assert nrmse(ours, theirs) < 1e-5


def test_what_itk_gives_far_from_the_borders():
    import itk

    rng = np.random.default_rng(2)
    image = np.zeros((24, 40, 44), np.float32)
    image[8:16, 16:24, 18:26] = rng.uniform(50, 100, (8, 8, 8))
    psf = gaussian((5, 5, 5), (1, 1, 1)).astype(np.float32)
    theirs = itk.array_from_image(
        itk.richardson_lucy_deconvolution_image_filter(
            itk.image_view_from_array(image),
            kernel_image=itk.image_view_from_array(psf),
            number_of_iterations=5,
            normalize=True,
        )
    )
    ours = gpudeconv.richardson_lucy(image, psf, 5, start="observed", boundary="edge", psf_as_is=True, backend="cpu")
    assert nrmse(ours, theirs) < 0.02
