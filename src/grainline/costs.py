"""What questions may spend, as it is written on a command line, and what they have spent, by agent.

What was spent is a log beside the library, `costs.jsonl`, and no part of it: deleting it loses nothing but the sums, and where it cannot
be written nothing fails. A line tells of one question, or of many put together: the day, how many, and for each agent that was asked
how often and what it spent. It never says what was asked or found. A line begins with its newline, so that one which a full disk cuts
short spoils no other.

Processes append side by side, each with one write under a shared lock; whoever finds the file too long takes the lock alone and puts a
file of sums in its place. Who opened the old one meanwhile sees that it is not there any more, and opens the new one. Windows, which
lacks such locks, never shortens it.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from grainline.errors import StorageError, UsageError
from grainline.types import Answer, Budget, Cost

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = "costs.jsonl"
#: sums on their way into place; left behind by a process that died
FRESH_NAME = f"{NAME}.new"
NAMES = (NAME, FRESH_NAME)
#: bytes from which lines are put together, some 2,000 questions; of a line; and of a file that are read at all
LONG, LINE, READ = 256 << 10, 16 << 10, 64 << 20
#: how often, and how many seconds apart, one who finds the file being shortened tries again before a question goes unrecorded
TRIES, PAUSE = 50, 0.002
#: what a router spends beside the agents that it asks
ROUTER = "router"
VARIABLE = "GRAINLINE_PRICES"
MILLION = 1_000_000
#: no sum is larger, whoever wrote it
MOST = 1 << 53

_NAMES = {"ms": "milliseconds", "embedded": "embedded", "calls": "calls", "tokens": "tokens"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
#: a file of a library that a stranger made may be a link to another one, or a pipe: neither is followed or waited for
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Spent:
    """How often an agent was asked, and what that cost."""

    questions: int = 0
    cost: Cost = field(default_factory=Cost)

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.questions + other.questions, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What questions have spent since a day ("" where there were none), how many they were, and by agent; one question may have asked
    several."""

    since: str = ""
    questions: int = 0
    agents: Mapping[str, Spent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens that a language model reads, and one that it writes, cost in a currency."""

    tokens_in: float
    tokens_out: float
    currency: str

    def of(self, cost: Cost) -> float:
        """What a cost is in money."""
        return (cost.tokens_in * self.tokens_in + cost.tokens_out * self.tokens_out) / MILLION


def parse_budget(text: str) -> Budget:
    """A budget as it is written; raises `UsageError`.

    >>> parse_budget("ms=500, embedded=50")
    Budget(milliseconds=500.0, embedded=50, calls=None, tokens=None)
    """
    found: dict[str, Any] = {}
    for name, value in _pairs("budget", text, tuple(_NAMES)).items():
        number = _number("budget", name, value)
        if name != "ms" and number != int(number):
            raise UsageError(f"budget: {name}={value} is no whole number")
        found[_NAMES[name]] = number if name == "ms" else int(number)
    return Budget(**found)


def prices() -> Prices | None:
    """The prices in `$GRAINLINE_PRICES`, like "in=0.15,out=0.60,currency=USD"; None where it is not set. Raises `UsageError`."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    found = _pairs(VARIABLE, text, ("in", "out", "currency"))
    if not {"in", "out"} <= set(found):
        raise UsageError(f"{VARIABLE}: {text!r} lacks in= or out=, the prices of a million tokens")
    return Prices(_number(VARIABLE, "in", found["in"]), _number(VARIABLE, "out", found["out"]), found.get("currency", ""))


def by_agent(answer: Answer) -> dict[str, Cost]:
    """What each agent that was asked for an answer spent; what is left of the answer's cost is the router's."""
    if not answer.rungs:
        return {answer.agent: answer.cost}
    spent = {rung.agent: rung.cost for rung in answer.rungs if rung.asked}
    return {**spent, ROUTER: answer.cost - sum(spent.values(), Cost())}


def record(folder: Path, spent: Mapping[str, Cost]) -> None:
    """Note what the agents asked for one question have spent in the library in `folder`, if it can be written."""
    line = _line(Ledger(date.today().isoformat(), 1, {name: Spent(1, cost) for name, cost in spent.items()}))
    with suppress(OSError):
        if _append(folder / NAME, line) >= LONG and fcntl:
            _shorten(folder)


def read(folder: Path) -> Ledger:
    """What has been spent in the library in `folder`; lines that are none of ours are passed over. Raises `StorageError`."""
    try:
        handle = _open(folder / NAME, os.O_RDONLY)
        try:
            return _sum(handle)
        finally:
            os.close(handle)
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise StorageError(f"cannot read {folder / NAME}: {error.strerror or error}") from error


def summed(folder: Path) -> dict[str, Any]:
    """The sums for a person or a program: since when, how many questions, and what they have spent by agent and in all, in money too
    where `prices` are set. Raises `UsageError` for prices that are none, `StorageError`."""
    ledger, price = read(folder), prices()
    total = Spent(ledger.questions, sum((spent.cost for spent in ledger.agents.values()), Cost()))

    def told(spent: Spent) -> dict[str, float]:
        """As a row."""
        cost = spent.cost
        row = {
            "questions": spent.questions,
            "milliseconds": round(cost.milliseconds, 3),
            "embedded": cost.embedded,
            "calls": cost.calls,
            "tokens_in": cost.tokens_in,
            "tokens_out": cost.tokens_out,
        }
        return {**row, "money": round(price.of(cost), 6)} if price else row

    agents = {name: told(ledger.agents[name]) for name in sorted(ledger.agents)}
    found = {"since": ledger.since, "agents": agents, "total": told(total)}
    return {**found, "currency": price.currency} if price else found


def _pairs(what: str, text: str, known: tuple[str, ...]) -> dict[str, str]:
    """The names and values of "name=value,name=value"."""
    found: dict[str, str] = {}
    for pair in re.split("[,，]", text):
        name, mark, value = (word.strip() for word in pair.partition("="))
        if not mark or name not in known:
            raise UsageError(
                f"{what}: {pair.strip()!r} is none of {', '.join(f'{each}=' for each in known)}, with commas between"
            )
        if name in found:
            raise UsageError(f"{what}: {name} is said twice")
        found[name] = value
    return found


def _number(what: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"{what}: {name}={value} is no number from 0 up")
    return number


def _line(ledger: Ledger) -> bytes:
    agents = {
        name: [spent.questions, round(spent.cost.milliseconds, 3), *astuple(spent.cost)[1:]]
        for name, spent in ledger.agents.items()
    }
    said = {"day": ledger.since, "questions": ledger.questions, "agents": agents}
    return b"\n" + json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _parsed(line: bytes) -> Ledger | None:
    """What a line says; None for one that was cut short, or that somebody else wrote."""
    try:
        said = json.loads(line)
        agents = {name: Spent(row[0], Cost(*row[1:])) for name, row in said["agents"].items() if _is_row(name, row)}
        if _DAY.fullmatch(said["day"]) and _is_count(said["questions"]) and len(agents) == len(said["agents"]):
            return Ledger(said["day"], said["questions"], agents)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None


def _is_row(name: str, row: Any) -> bool:
    questions, milliseconds, *counts = row
    times = isinstance(milliseconds, int | float) and 0 <= milliseconds < MOST
    return name.isprintable() and len(counts) == 4 and times and all(map(_is_count, (questions, *counts)))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def _open(path: Path, flags: int) -> int:
    """A plain file, open; raises `OSError`, also for what is none."""
    handle = os.open(path, flags | _PLAIN, 0o666)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise FileNotFoundError(f"{path} is no plain file")


def _is_mine(handle: int, path: Path, *, alone: bool) -> bool:
    """Whether the open file is locked for us now and still the one at `path`."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        return os.path.samestat(os.fstat(handle), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _append(path: Path, line: bytes) -> int:
    """Append a line; returns how long the file is then, 0 if it could not be had in time."""
    for _ in range(TRIES):
        handle = _open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            if _is_mine(handle, path, alone=False):
                os.write(handle, line)
                return os.fstat(handle).st_size
        finally:
            os.close(handle)
        time.sleep(PAUSE)
    return 0


def _shorten(folder: Path) -> None:
    """Put one line in place of all, unless somebody is appending: then the next one will."""
    path, fresh = folder / NAME, folder / FRESH_NAME
    handle = _open(path, os.O_RDONLY)
    try:
        if _is_mine(handle, path, alone=True):
            fresh.unlink(missing_ok=True)
            line = _line(_sum(handle))
            other = _open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                os.fchmod(other, stat.S_IMODE(os.fstat(handle).st_mode))
                is_whole = os.write(other, line) == len(line)
            finally:
                os.close(other)
            if is_whole:
                fresh.replace(path)
    finally:
        os.close(handle)


def _sum(handle: int) -> Ledger:
    """What all lines of an open file say together."""
    since, questions = "", 0
    agents: dict[str, Spent] = {}
    with open(handle, "rb", closefd=False) as file:
        while file.tell() < READ and (line := file.readline(LINE)):
            if said := _parsed(line):
                since = min(since or said.since, said.since)
                questions += said.questions
                for name, spent in said.agents.items():
                    agents[name] = agents.get(name, Spent()) + spent
    return Ledger(since, questions, agents)
