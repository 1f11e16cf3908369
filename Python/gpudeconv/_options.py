"""Options as the library takes them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _native


def method_of(values: Mapping[str, Any]) -> str:
    """The method that options come to, as the library has it."""
    method: str | None = values["method"]
    if method is not None:
        return method
    return "auto" if all(values.get(name) is None for name in _native.CHOOSING) else "richardson-lucy"


def is_tuned(values: Mapping[str, Any]) -> bool:
    """Whether something has to be found out of the image first."""
    if values.get("tuning") is not None:
        return False
    asks = values.get("stop") not in (None, "none") or values.get("total_variation") not in (None, 0)
    return asks or method_of(values) in ("auto", "fast", "gated", "rlgc")


def refuse_unknown(function: Callable[..., Any], given: Mapping[str, Any], *, of_files: bool = False) -> None:
    """Raises TypeError for a keyword that is no option, as Python does for functions without ``**options``."""
    options = [option["keyword"] for option in _native.option_table() if of_files or not option["ofFiles"]]
    for name in given:
        if name not in options:
            import difflib

            known = sorted({*options, *(function.__kwdefaults__ or ())})
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}; {remedy}")


def for_volumes(values: Mapping[str, Any], core: int) -> _native.Options:
    """Options for volumes, from those for planes too: a plane is 1 thick."""
    values = dict(values)
    tuning = values.get("tuning")
    if tuning is not None and not isinstance(tuning, (str, os.PathLike)):
        values["tuning"] = json.dumps(tuning if isinstance(tuning, Mapping) else list(tuning))
    sizes = {option["keyword"] for option in _native.option_table() if option["type"] in ("spacing", "shape")}
    for name, value in values.items():
        if value is None or isinstance(value, str) or name not in sizes:
            continue
        numbers = tuple(value) if np.ndim(value) == 1 else ()
        if core == 2 and len(numbers) == 2:
            numbers = (1, *numbers)
        if len(numbers) != 3:
            axes = "z, y, x" if core == 3 else "y, x"
            raise ValueError(f"{name} is {value!r}: give it {core} numbers ({axes})")
        values[name] = numbers
    return _native.Options(values)
