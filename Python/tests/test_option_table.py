"""Keywords, their types and what is said of them, against the library's table of options."""

import inspect
import pathlib
import re
import typing

import numpy as np
import pytest

import gpudeconv
from gpudeconv import _deconvolution, _native, _psf
from gpudeconv.typing import ArrayOptions, FileOptions, MicroscopeOptions, Options

FUNCTIONS = "Python/gpudeconv/_deconvolution.py"
PSF = "Python/gpudeconv/_psf.py"
TYPES = "Python/gpudeconv/typing.py"
GUIDE = "Documentation/Python.md"
# What `deconvolve` reads. Two of them are paths among the options of files.
ARRAYS = {"image", "psf", "flat_field", "mask"}


def parameters(function):
    """What a function takes besides ``**options``."""
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }


def described(function):
    """The text of each parameter in a docstring, with the line that it begins with."""
    section = re.search(r"\nParameters\n-+\n(.*?)\n\n", inspect.getdoc(function), re.DOTALL)[1]
    texts = {}
    for entry in re.split(r"\n(?=\S)", section):
        for name in entry.splitlines()[0].split(" : ")[0].split(", "):
            texts[name] = " ".join(entry.split())
    return texts


def words(hint):
    """The words of a type."""
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return [word for argument in typing.get_args(hint) for word in words(argument)]


def names_that_differ(table):
    """Names that one of two places lacks."""
    of_arrays = {name for name, option in table.items() if not option["ofFiles"]}
    of_microscopes = {name for name, option in table.items() if option.get("group") == "Microscope"}
    of_psfs = {name for name, option in table.items() if option["effect"] == "psf"} - of_microscopes | {"spacing"}
    keywords = parameters(gpudeconv.deconvolve).keys()
    for wanted, there, kind, file in (
        (of_arrays, keywords - _deconvolution.OWN_KEYWORDS, "keyword of deconvolve", FUNCTIONS),
        (of_arrays, Options.__annotations__.keys() | {"iterations"}, "key of Options", TYPES),
        (table.keys(), FileOptions.__annotations__.keys() | {"iterations"}, "key of FileOptions", TYPES),
        (of_microscopes, MicroscopeOptions.__annotations__.keys(), "key of MicroscopeOptions", TYPES),
        (of_microscopes, set(_psf.FIGURES), "keyword of generate_psf", PSF),
        (of_psfs, parameters(gpudeconv.prepare_psf).keys() - {"psf", "report"}, "keyword of prepare_psf", PSF),
    ):
        yield from (f"{name} is in the table of options and no {kind}: add it to {file}" for name in wanted - there)
        yield from (
            f"{name} is a {kind} and not in the table of options: take it out of {file}" for name in there - wanted
        )
    for name in (keywords - ARRAYS - {"iterations"}) ^ ArrayOptions.__annotations__.keys():
        yield f"{name} is either no keyword of deconvolve or no key of ArrayOptions: see {FUNCTIONS} and {TYPES}"


def types_and_defaults_that_differ(table):
    """Words, types and defaults that are not those of the table, or not the same in two places."""
    types = typing.get_type_hints(_deconvolution.deconvolve)
    for name, hint in typing.get_type_hints(FileOptions).items():
        values = table.get(name, {}).get("values", words(hint))
        if words(hint) != values:
            yield f"{name} has the words {words(hint)} in {TYPES} and {values} in the table of options"
        if name in Options.__annotations__ and hint != types.get(name, hint):
            yield f"{name} is {types[name]} in {FUNCTIONS} and {hint} in {TYPES}"
    for name, parameter in parameters(gpudeconv.deconvolve).items():
        default = table.get(name, {}).get("default")
        if parameter.default not in (None, parameter.empty, default):
            yield f"{name}={parameter.default!r} in {FUNCTIONS} and {default!r} in the table of options"


def texts_that_differ(table):
    """What docstrings and the guide do not say."""
    for function, file in ((gpudeconv.deconvolve, FUNCTIONS), (gpudeconv.prepare_psf, PSF)):
        for name in parameters(function).keys() ^ described(function).keys():
            yield f"{name} is either no keyword of {function.__name__} or not in its docstring: see {file}"
    for name, text in described(gpudeconv.deconvolve).items():
        option, parameter = table.get(name, {}), parameters(gpudeconv.deconvolve).get(name)
        default, values = option.get("default"), option.get("values", [])
        if parameter and parameter.default is None and default is not None:
            if not re.search(rf"By default (``)?{re.escape(str(default))}(?!\w)", text):
                yield f"{name} is by default {default}: say so in the docstring of deconvolve in {FUNCTIONS}"
        if values and "{" + ", ".join(map(repr, values)) + "}" not in text:
            yield f"{name} is one of {values}: say so in the docstring of deconvolve in {FUNCTIONS}"
    guide = (pathlib.Path(__file__).parents[2] / GUIDE).read_text()
    rows = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", guide, re.MULTILINE))))
    for name in _deconvolution.OWN_KEYWORDS - rows - {"image", "psf"}:
        yield f"{name} is a keyword of deconvolve: add it to the table in {GUIDE}"


def differences():
    """What does not agree with the library's table, in order."""
    table = {option["keyword"]: option for option in _native.option_table()}
    return sorted([*names_that_differ(table), *types_and_defaults_that_differ(table), *texts_that_differ(table)])


def test_keywords_types_and_texts_agree_with_the_table():
    assert differences() == []


def changed(monkeypatch, name, **changes):
    """The library's table with an option that is another or a new one."""
    table = {option["keyword"]: option for option in _native.option_table()}
    table[name] = (
        {"keyword": name, "type": "text", "effect": "voxels", "ofFiles": False} | table.get(name, {}) | changes
    )
    monkeypatch.setattr(_native, "option_table", lambda: list(table.values()))


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        (
            "demo",
            {},
            [
                f"demo is in the table of options and no key of FileOptions: add it to {TYPES}",
                f"demo is in the table of options and no key of Options: add it to {TYPES}",
                f"demo is in the table of options and no keyword of deconvolve: add it to {FUNCTIONS}",
            ],
        ),
        (
            "demo",
            {"ofFiles": True},
            [f"demo is in the table of options and no key of FileOptions: add it to {TYPES}"],
        ),
        (
            "saturation",
            {"effect": "psf"},
            [f"saturation is in the table of options and no keyword of prepare_psf: add it to {PSF}"],
        ),
        (
            "psf_as_is",
            {"effect": "voxels"},
            [f"psf_as_is is a keyword of prepare_psf and not in the table of options: take it out of {PSF}"],
        ),
        (
            "tile",
            {"ofFiles": True},
            [
                f"tile is a key of Options and not in the table of options: take it out of {TYPES}",
                f"tile is a keyword of deconvolve and not in the table of options: take it out of {FUNCTIONS}",
            ],
        ),
        (
            "snr",
            {"default": 30},
            [f"snr is by default 30: say so in the docstring of deconvolve in {FUNCTIONS}"],
        ),
        (
            "background",
            {"default": 5},
            [f"background=0.0 in {FUNCTIONS} and 5 in the table of options"],
        ),
        (
            "dtype",
            {"values": ["float32", "uint16"]},
            [
                f"dtype has the words ['float32', 'uint16', 'uint8'] in {TYPES} and ['float32', 'uint16'] in the table "
                "of options"
            ],
        ),
        (
            "fft",
            {"values": ["auto", "demo"]},
            [
                f"fft has the words ['auto', 'clfft', 'vkfft'] in {TYPES} and ['auto', 'demo'] in the table of options",
                f"fft is one of ['auto', 'demo']: say so in the docstring of deconvolve in {FUNCTIONS}",
            ],
        ),
    ],
)
def test_what_does_not_agree_is_said_with_the_file_where_the_line_belongs(monkeypatch, name, changes, expected):
    changed(monkeypatch, name, **changes)
    assert differences() == expected


def test_options_that_are_paths_are_texts_in_the_table():
    texts = {option["keyword"] for option in _native.option_table() if option["type"] == "text"}
    assert texts >= _native._PATHS


def plan(**options):
    return gpudeconv.plan(np.ones((3, 4, 5)), np.ones((1, 1, 1)), backend="cpu", **options)


def deconvolve_file(**options):
    return gpudeconv.deconvolve_file("nowhere.tif", "nowhere.tif", "nothing.tif", **options)


@pytest.mark.parametrize(
    ("function", "keyword", "near"),
    [
        (plan, "iteration", "iterations"),
        (plan, "read_nois", "read_noise"),
        (plan, "flatfield", "flat_field"),
        (deconvolve_file, "iteration", "iterations"),
        (deconvolve_file, "overwite", "overwrite"),
        (deconvolve_file, "zarr_fromat", "zarr_format"),
        (deconvolve_file, "progres", "progress"),
    ],
)
def test_a_mistyped_keyword_is_a_type_error_that_names_the_one_meant(function, keyword, near):
    name = function.__name__
    message = rf"^{name}\(\) got an unexpected keyword argument '{keyword}'; did you mean '{near}'\?$"
    with pytest.raises(TypeError, match=message):
        function(**{keyword: 1})


@pytest.mark.parametrize("function", [plan, deconvolve_file])
def test_a_keyword_that_is_like_no_other_is_a_type_error_that_lists_them(function):
    with pytest.raises(TypeError, match=r"'bogus'; there are .*\bbackground, .*\bmask, .*\btile\b"):
        function(bogus=1)


def test_options_of_files_are_no_keywords_of_a_plan():
    with pytest.raises(TypeError, match="unexpected keyword argument 'codec'"):
        plan(codec="zstd")


def test_a_keyword_is_one_as_soon_as_the_table_has_it(monkeypatch):
    changed(monkeypatch, "bogus")
    with pytest.raises(ValueError, match="bogus: no such option"):
        plan(bogus=1)


def test_options_that_choose_richardson_lucy_are_those_of_the_library():
    takers = {option["keyword"]: option.get("methods") for option in _native.option_table()}
    choosing = {n for n, methods in takers.items() if methods and "richardson-lucy" in methods and "auto" not in methods}
    assert choosing == set(_native.CHOOSING)


@pytest.mark.parametrize(
    ("given", "method"),
    [({}, "auto"), ({"iterations": 3}, "richardson-lucy"), ({"accelerate": "none"}, "richardson-lucy")],
)
def test_the_method_follows_from_what_is_given(given, method):
    image = np.random.default_rng(0).poisson(50, (4, 16, 16)).astype(np.uint16)
    report = {}
    gpudeconv.deconvolve(image, np.ones((3, 3, 3)), report=report, backend="cpu", **given)
    assert report["method"] == method


def test_richardson_lucy_is_no_other_method():
    with pytest.raises(ValueError, match="use deconvolve"):
        gpudeconv.richardson_lucy(np.ones((4, 8, 8)), np.ones((3, 3, 3)), method="wiener")
