"""Options as the library takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _native


def for_volumes(values: Mapping[str, Any], core: int) -> _native.Options:
    """Options for volumes, from those for planes too: a plane is 1 thick."""
    values = dict(values)
    for name in ("spacing", "psf_spacing", "tile"):
        value = values.get(name)
        if value is None or isinstance(value, str):
            continue
        numbers = tuple(value) if np.ndim(value) == 1 else ()
        if core == 2 and len(numbers) == 2:
            numbers = (1, *numbers)
        if len(numbers) != 3:
            axes = "z, y, x" if core == 3 else "y, x"
            raise ValueError(f"{name} is {value!r}: give it {core} numbers ({axes})")
        values[name] = numbers
    return _native.Options(values)
