"""What does not change with our program: the oracles, and the scores of peers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Cache:
    """Figures by name and checksum, in a file that may be deleted at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def value(self, key: str, compute: Callable[[], Any]) -> Any:
        """What was computed before, or is now."""
        if key not in self.values:
            self.values[key] = compute()
            self.save()
        return self.values[key]

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.values))
        partial.replace(self.path)
