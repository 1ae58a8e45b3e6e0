"""Parsing in a process of its own, for libraries that a small file can bring down.

A legal workbook of 5 KB with two far cells makes calamine ask for 550 GB and abort; a PDF of 2 KB whose forms draw forms keeps
pdfium busy for hours. Neither can be caught from inside. So such a library runs in a process that has bounded memory and time,
knows nothing but the bytes, and hands back JSON; when it dies, one file is unreadable and all else goes on.

Where the system has no `resource` module (Windows) or does not keep to it (macOS), only time is bounded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from grainline.errors import LimitError, UnreadableError
from grainline.types import Limits

#: a file gets a second of processor time more for each so many bytes: a book of 1,000 pages takes about ten
BYTES_A_SECOND = 250_000
PATIENCE = 4  #: times as long by the clock, on a machine that is busy with other things
_DIED = "its parser crashed, or wanted more memory or time than one file may cost (--max-memory-bytes, --max-seconds)"
_START = (
    "import sys; sys.path[:] = {path!r}; from grainline.readers.apart import serve; serve({function!r}, {limits!r}, {more!r})"
)


class Exceeded(Exception):
    """What a function run apart raises with the name, value and bound of a limit; it arrives as a `LimitError`."""


@dataclass(frozen=True, slots=True)
class More:
    """What a function run apart is given beyond data and limits, numbers, and what it may cost beyond what `Limits` allow."""

    arguments: Sequence[float] = ()
    seconds: int = 0  #: of processor time
    memory_bytes: int = 0


def parse_apart(function: str, data: bytes, limits: Limits, more: More | None = None) -> Any:
    """`function(data, limits, *arguments)`, given as "module:function", run in another process; what it returns must survive JSON.

    An `UnreadableError` that it raises is raised here, `Exceeded` as a `LimitError`; any other end is an `UnreadableError`.
    """
    values = [getattr(limits, name) for name in Limits.__slots__]  # all are numbers
    more = more or More()
    rest = [list(more.arguments), more.seconds, more.memory_bytes]
    start = _START.format(path=[path for path in sys.path if path], function=function, limits=values, more=rest)
    try:
        # -I and -S: neither the environment nor site hooks have a say; the path is this process's own
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", start],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # panics and warnings of the library
            timeout=(_seconds(data, limits) + more.seconds) * PATIENCE,
            check=False,
        )
        kind, value = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise UnreadableError(_DIED) from error
    except OSError as error:
        raise UnreadableError(f"its parser could not be started: {error}") from error
    if kind == "limit":
        raise LimitError(*value)
    if kind == "unreadable":
        raise UnreadableError(value)
    return value


def serve(function: str, values: list[int], rest: tuple[list[float], int, int]) -> None:
    """The other side of `parse_apart`: bytes from standard input, JSON to standard output."""
    limits, more = Limits(*values), More(*rest)
    data = sys.stdin.buffer.read()
    memory = limits.memory_bytes + limits.file_bytes + 2 * limits.unpacked_bytes + more.memory_bytes
    _bound(memory, _seconds(data, limits) + more.seconds)
    module, _, name = function.partition(":")
    answer: tuple[str, Any]
    try:
        with redirect_stdout(sys.stderr):  # whatever a library has to say does not mix with the answer
            answer = "done", getattr(import_module(module), name)(data, limits, *more.arguments)
    except Exceeded as error:
        answer = "limit", error.args
    except UnreadableError as error:
        answer = "unreadable", str(error)
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii"))


def _seconds(data: bytes, limits: Limits) -> int:
    return limits.seconds + len(data) // BYTES_A_SECOND


def _bound(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        except (ValueError, OSError):
            continue  # macOS refuses some; time by the clock is left
