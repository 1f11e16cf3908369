"""What a person should know about a run that went well."""

from __future__ import annotations

import sys
import warnings
from typing import Any


class DeconvolutionWarning(UserWarning):
    """What a person should know about a run that went well.

    The text is the same for all calls that have the same to say, so that Python shows it once.

    Attributes
    ----------
    kind : str
        What it is about, such as ``cameraOffset``, for programs.
    figures : str or None
        What was measured in this call.
    """

    def __init__(self, message: str, kind: str = "", figures: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.figures = figures


def pass_on(done: dict[str, Any], report: dict[str, Any] | None) -> None:
    """Shows the warnings of a run at the line that called for it, and hands its report on."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        level, frame = level + 1, frame.f_back
    for said in done.get("diagnostics", ()):
        warning = DeconvolutionWarning(said["message"], said["kind"], said["figures"])
        warnings.warn(warning, stacklevel=level)
    if report is not None:
        report.update(done)
