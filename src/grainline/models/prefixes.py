"""What some models want before a text, by the side that it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grainline.types import Side


@dataclass(frozen=True, slots=True)
class Prefixes:
    """A prefix for each side; both are empty for models that want none."""

    query: str = ""
    passage: str = ""

    def put(self, texts: Sequence[str], side: Side) -> list[str]:
        """The texts behind the prefix of their side."""
        prefix = self.query if side == "query" else self.passage
        return [prefix + text for text in texts] if prefix else list(texts)

    def overridden(self, options: Mapping[str, str]) -> Prefixes:
        """These, but for what `options` says."""
        return Prefixes(options.get("query", self.query), options.get("passage", self.passage))


NO_PREFIXES = Prefixes()
