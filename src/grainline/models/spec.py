"""What a person writes to name an embedder: KIND, KIND:TARGET, KIND:TARGET?option=value&option=value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from grainline.errors import UsageError


@dataclass(frozen=True, slots=True)
class Spec:
    """A kind, what of that kind, and options; each getter raises `UsageError` for a value that cannot be meant."""

    kind: str
    target: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def count(self, name: str, default: int) -> int:
        """A whole number of at least 1."""
        value = self.options.get(name)
        if value is None:
            return default
        if not value.isdecimal() or int(value) < 1:
            raise UsageError(f"{name}={value}: should be a whole number of at least 1")
        return int(value)

    def number(self, name: str, default: float) -> float:
        """A number above 0."""
        value = self.options.get(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise UsageError(f"{name}={value}: should be a number above 0")
        return number

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """One of `among`; the first where nothing is said."""
        value = self.options.get(name, among[0])
        if value not in among:
            raise UsageError(f"{name}={value}: should be one of {', '.join(among)}")
        return value

    def flag(self, name: str) -> bool:
        """Whether it is 1; 0 where nothing is said."""
        return self.choice(name, ("0", "1")) == "1"


def parse(text: str) -> Spec:
    """The parts of a spec; options stand behind the last "?", and behind the "#" of an address.

    >>> parse("gguf:model.gguf?repeat=2&pool=last")
    Spec(kind='gguf', target='model.gguf', options={'repeat': '2', 'pool': 'last'})
    >>> parse("openai:http://localhost:1234/v1?version=2#bge-m3").target
    'http://localhost:1234/v1?version=2#bge-m3'
    """
    kind, _, rest = text.strip().partition(":")
    if "?" in kind:
        kind, _, rest = text.strip().partition("?")
        rest = f"?{rest}"
    address, hash_mark, model = rest.partition("#")
    if hash_mark:
        model, _, query = model.partition("?")
        target = f"{address}#{model}"
    else:
        target, _, query = rest.rpartition("?") if "?" in rest else (rest, "", "")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) != len(pairs):
        raise UsageError(f"{kind}: an option stands there twice")
    if query and not options:
        raise UsageError(f"{kind}: options are written name=value&name=value")
    return Spec(kind, target, options)
