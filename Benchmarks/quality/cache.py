"""What does not change with our program: the oracles, and the scores of peers.

It is taken from the figures of the last time, which are in the repository, and from a file that outlives an interruption.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def oracle_key(checksum: str) -> str:
    """Of a phantom."""
    return f"oracle {checksum}"


def peer_key(name: str, version: str, checksum: str) -> str:
    """Of a peer on a phantom."""
    return f"peer {name} {version} {checksum}"


class Cache:
    """Figures by name and checksum, in a file that may be deleted at any time."""

    def __init__(self, path: Path, last: dict[str, Any]) -> None:
        self.path = path
        self.values: dict[str, Any] = {}
        known = last.get("phantoms", {}) | last.get("unseen", {}).get("phantoms", {})
        for phantom in known.values():
            self.values[oracle_key(phantom["checksum"])] = phantom["oracleCurve"]
        for name, peer in last.get("peers", {}).items():
            for case, scores in peer.get("cases", {}).items():
                self.values[peer_key(name, peer["version"], known[case]["checksum"])] = scores
        if path.exists():
            self.values |= json.loads(path.read_text())

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
