"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """A computer and what it was doing."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    kernel: str
    python: str
    commit: str
    load: float
    """Average number of busy threads in the minute before."""

    @staticmethod
    def here() -> Machine:
        """This computer, now."""
        release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
        return Machine(
            processor=field("/proc/cpuinfo", "model name") or platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory_bytes=int((field("/proc/meminfo", "MemTotal") or "0").split()[0]) * 1024,
            system=release,
            kernel=platform.release(),
            python=platform.python_version(),
            commit=commit(),
            load=os.getloadavg()[0],
        )

    @property
    def slug(self) -> str:
        """A name for a folder."""
        return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\(.*?\)", "", self.processor.lower())).strip("-")

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def field(path: str, name: str) -> str | None:
    """The first value of a name in one of the system's tables."""
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def commit() -> str:
    """The commit that was measured, with a plus where files differ from it."""
    try:
        here = Path(__file__).parent
        name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "../Sources", "../Kernels"], cwd=here)
    except OSError:
        return "unknown"
    return name.stdout.strip() + ("+" if changed.returncode else "") if name.returncode == 0 else "unknown"
