"""Puts the library into the package; everything else is in pyproject.toml."""

import os
import pathlib
import re
import shutil

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

root = pathlib.Path(__file__).resolve().parent.parent
library = pathlib.Path(os.environ.get("GPUDECONV_LIBRARY", root / "library" / "lib" / "libgpudeconv.so"))


def version():
    """The version of the program, which has one home."""
    source = (root / "Sources" / "DeconvVolume" / "ProgramVersion.swift").read_text()
    return re.search(r'text = "(.+)"', source)[1]


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        if self.editable_mode:
            # The package is then used where it lies, with the library that GPUDECONV_LIBRARY names.
            return
        if not library.exists():
            raise SystemExit(f"there is no {library}: run 'make library' first, or name one in GPUDECONV_LIBRARY")
        shutil.copy(library, pathlib.Path(self.build_lib) / "gpudeconv" / "libgpudeconv.so")


class WheelForEveryPython(bdist_wheel):
    def get_tag(self):
        _, _, platform = super().get_tag()
        return "py3", "none", platform


class DistributionWithLibrary(Distribution):
    def has_ext_modules(self):
        return True


setup(
    version=version(),
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": WheelForEveryPython},
    distclass=DistributionWithLibrary,
)
