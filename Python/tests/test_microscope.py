"""PSFs that are computed from figures of the microscope, which files say or somebody gives."""

import json

import numpy as np
import pytest
import tifffile
import zarr

import gpudeconv

FIGURES = {"microscope": "widefield", "na": 1.2, "emission": 520, "immersion": "water"}
SPACING = (0.3, 0.1, 0.1)

INSTRUMENT = """<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="1.2" Immersion="Water"/></Instrument>"""
SETTINGS = """<InstrumentRef ID="Instrument:0"/><ObjectiveSettings ID="Objective:0" RefractiveIndex="1.33"/>"""
CHANNEL = 'AcquisitionMode="WideField" EmissionWavelength="520" EmissionWavelengthUnit="nm"'


def described(xml):
    """OME-XML with what a microscope would add to it."""
    for before, added in (("<Image ", INSTRUMENT), ("<Pixels ", SETTINGS)):
        xml = xml.replace(before, added + before, 1)
    return xml.replace("<Channel ", f"<Channel {CHANNEL} ", 1)


@pytest.fixture
def image():
    rng = np.random.default_rng(5)
    truth = np.zeros((12, 32, 32))
    truth[tuple(rng.integers(4, 28, 30) // (3, 1, 1)[axis] for axis in range(3))] = 3000
    return truth


@pytest.fixture
def ome(tmp_path, image):
    path = tmp_path / "cell.ome.tif"
    tifffile.imwrite(
        path,
        image.astype("u2"),
        photometric="minisblack",
        metadata={"axes": "ZYX", **{f"PhysicalSize{axis}": size for axis, size in zip("ZYX", SPACING)}},
    )
    tifffile.tiffcomment(path, described(tifffile.TiffFile(path).ome_metadata).encode())
    return path


def test_a_file_that_says_all_needs_no_psf(tmp_path, ome, image):
    report = gpudeconv.deconvolve_file(ome, None, tmp_path / "own.tif", 5, backend="cpu")
    made = report["computedPSF"]
    assert made["na"] == 1.2 and made["immersion"] == 1.33
    assert made["channels"][0]["microscope"] == "widefield" and made["channels"][0]["emission"] == 520
    assert "NA 1.2 (LensNA of its OME-XML)" in made["read"]
    psf = gpudeconv.generate_psf(SPACING, image_shape=image.shape, **FIGURES)
    assert list(psf.shape) == made["channels"][0]["shape"]
    own = tifffile.imread(tmp_path / "own.tif")
    np.testing.assert_allclose(own, gpudeconv.deconvolve(image, psf, 5, psf_as_is=True, backend="cpu"), atol=1e-2)


def test_figures_in_the_info_of_imagej_are_read(tmp_path, image):
    info = "Information|Instrument|Objective|LensNA #1 = 1.2\nInformation|Instrument|Objective|Immersion #1 = Water\n"
    info += "Information|Image|Channel|EmissionWavelength #1 = 520\nModality = Widefield Fluorescence\n"
    path = tmp_path / "cell.tif"
    metadata = {"axes": "ZYX", "spacing": 0.3, "unit": "um", "Info": info}
    tifffile.imwrite(path, image.astype("u2"), imagej=True, resolution=(10, 10), metadata=metadata)
    made = gpudeconv.deconvolve_file(path, None, tmp_path / "sharp.tif", 1, backend="cpu")["computedPSF"]
    assert made["channels"][0]["microscope"] == "widefield"
    assert "NA 1.2 (Information|Instrument|Objective|LensNA #1 in ImageJ's info)" in made["read"]


def test_the_ome_xml_beside_a_zarr_image_is_read(tmp_path, ome, image):
    root = zarr.create_group(tmp_path / "cell.zarr", zarr_format=2, attributes={"bioformats2raw.layout": 3})
    scale = [{"type": "scale", "scale": list(SPACING)}]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    series = root.create_group("0", attributes={
        "multiscales": [
            {"version": "0.4", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        ]
    })
    series.create_array("0", data=image.astype("u2"), chunks=image.shape)
    (tmp_path / "cell.zarr" / "OME").mkdir()
    (tmp_path / "cell.zarr" / "OME" / "METADATA.ome.xml").write_text(tifffile.TiffFile(ome).ome_metadata)
    made = gpudeconv.deconvolve_file(
        tmp_path / "cell.zarr", None, tmp_path / "sharp.zarr", 1, array="0", backend="cpu"
    )["computedPSF"]
    assert made["na"] == 1.2 and "emission 520 nm (EmissionWavelength of its OME-XML)" in made["read"]


def test_arrays_and_dask_arrays_need_no_psf_either(image):
    import dask.array as da

    psf = gpudeconv.generate_psf(SPACING, image_shape=image.shape, **FIGURES)
    wanted = gpudeconv.deconvolve(image, psf, 3, psf_as_is=True, backend="cpu")
    options = {**FIGURES, "spacing": SPACING, "backend": "cpu"}
    np.testing.assert_array_equal(gpudeconv.deconvolve(image, None, 3, **options), wanted)
    np.testing.assert_array_equal(gpudeconv.deconvolve(da.from_array(image), None, 3, **options).compute(), wanted)
    assert gpudeconv.plan(image, None, 3, **options)["psf"][0]["outputShape"] == list(psf.shape)


def test_one_wavelength_a_channel_goes_with_the_first_axis(image):
    figures = {**FIGURES, "emission": [460, 610]}
    both = gpudeconv.generate_psf(SPACING, **figures, psf_shape=(5, 9, 11))
    assert both.shape == (2, 5, 9, 11)
    np.testing.assert_allclose(both.sum((1, 2, 3)), 1, rtol=1e-5)
    red = gpudeconv.generate_psf(SPACING, **{**FIGURES, "emission": 610}, psf_shape=(5, 9, 11))
    np.testing.assert_array_equal(both[1], red)
    sharp = gpudeconv.deconvolve(np.stack([image, image]), None, 2, spacing=SPACING, backend="cpu", **figures)
    assert sharp.shape == (2, *image.shape) and not np.array_equal(sharp[0], sharp[1])
    with pytest.raises(ValueError, match="first axis must be the channel"):
        gpudeconv.deconvolve(image, None, 2, spacing=SPACING, backend="cpu", **figures)


def test_sizes_that_differ_are_padded_around_the_center():
    psfs = gpudeconv.generate_psf(SPACING, **{**FIGURES, "emission": [300, 900]}, image_shape=(40, 40, 40))
    alone = gpudeconv.generate_psf(SPACING, **{**FIGURES, "emission": 300}, image_shape=(40, 40, 40))
    center = tuple(size // 2 for size in psfs.shape[1:])
    assert psfs.shape[1:] != alone.shape
    assert psfs[0][center] == alone[tuple(size // 2 for size in alone.shape)] == psfs[0].max()


def test_what_is_missing_or_too_much_is_said(image):
    with pytest.raises(ValueError, match=r"^the PSF: follows from the microscope's figures; give immersion="):
        gpudeconv.generate_psf(SPACING, microscope="widefield", na=1.2, emission=520)
    with pytest.raises(ValueError, match="spacing must be known"):
        gpudeconv.deconvolve(image, None, **FIGURES)
    with pytest.raises(ValueError, match="na is for a PSF that is computed, and psf is given"):
        gpudeconv.deconvolve(image, np.ones((3, 3, 3)), na=1.2)
    with pytest.raises(ValueError, match="psf_spacing is for a PSF that is given, and psf is not"):
        gpudeconv.deconvolve(image, None, spacing=SPACING, psf_spacing=SPACING, **FIGURES)
    with pytest.raises(ValueError, match="symmetrize is for a PSF that is given"):
        gpudeconv.plan(image, None, spacing=SPACING, symmetrize=True, **FIGURES)
    with pytest.raises(ValueError, match="how deep the sample lies under the cover glass is sample_depth"):
        gpudeconv.deconvolve(image, None, spacing=SPACING, depth=10, **FIGURES)
    with pytest.raises(ValueError, match="sample_depth=-1: give µm from 0 to 5000"):
        gpudeconv.generate_psf(SPACING, **FIGURES, sample_depth=-1)


def test_a_report_is_filled():
    report = {}
    gpudeconv.generate_psf(SPACING, **FIGURES, psf_shape=(5, 9, 9), report=report)
    assert report["given"] == ["widefield", "NA 1.2", "immersion 1.33", "emission 520 nm"]
    json.dumps(report)


def test_the_outcome_follows_from_what_was_measured(image):
    report = {}
    psf = gpudeconv.generate_psf(SPACING, **FIGURES, psf_shape=(5, 9, 9))
    sharp = gpudeconv.deconvolve(image, psf, 12, psf_as_is=True, backend="cpu", report=report, boundary="zero")
    outcome = report["outcome"]
    assert outcome["psfShape"] == [5, 9, 9] and outcome["leftOut"] == 0
    assert outcome["lightKept"] == pytest.approx(sharp.sum() / image.sum(), rel=1e-4)
    measured = report["convergence"][0]
    fell = measured["poissonDivergence"]
    steps = measured["iterations"][-1] - measured["iterations"][-2]
    assert outcome["divergenceFall"] == pytest.approx((fell[-2] - fell[-1]) / steps / (fell[0] - fell[-1]))


def test_a_plan_tells_the_seconds_of_all_iterations_on_all_volumes(image):
    options = {**FIGURES, "spacing": SPACING, "backend": "cpu"}
    plan = gpudeconv.plan(np.stack([image] * 3), None, 7, **options)
    assert plan["secondsPerIteration"] > 0
    assert plan["seconds"] == pytest.approx(3 * 7 * plan["secondsPerIteration"])


def test_the_report_has_what_an_array_s_psf_was_computed_from(image):
    report = {}
    gpudeconv.deconvolve(image, spacing=SPACING, iterations=2, backend="cpu", report=report, **FIGURES)
    made = {}
    gpudeconv.generate_psf(SPACING, image_shape=image.shape, report=made, **FIGURES)
    assert report["computedPSF"] == made and made["na"] == 1.2
    assert gpudeconv.plan(image, spacing=SPACING, backend="cpu", **FIGURES)["computedPSF"] == made
    given = {}
    psf = gpudeconv.generate_psf(SPACING, image_shape=image.shape, **FIGURES)
    gpudeconv.deconvolve(image, psf, 2, psf_as_is=True, backend="cpu", report=given)
    assert given.get("computedPSF") is None
