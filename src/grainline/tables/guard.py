"""A connection that can only read: named tables, harmless functions, bounded sizes, bounded time.

`mode=ro` keeps a file from being written and nothing else: a statement could still attach other files, write them (VACUUM INTO), fill
memory, or run for ever. So nothing is allowed but what is named here (sqlite.org/c3ref/set_authorizer.html).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

#: functions that neither reach outside nor take long for what they are given; those of dates may ask the clock
FUNCTIONS = frozenset(
    "abs avg ceil ceiling coalesce count current_date current_time current_timestamp date datetime floor glob ifnull iif julianday length "
    "like likelihood likely lower ltrim max min mod nullif pow power round rtrim sign sqrt strftime substr substring sum time timediff "
    "total trim trunc typeof unicode unixepoch unlikely upper "
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number".split()
)
#: functions that make much of little, or take as long as the product of the lengths of what they are given
GROWING = frozenset("group_concat string_agg instr replace".split())


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a value may be, in bytes, how wide a row of the result, and which functions may be used on such values."""

    value: int
    columns: int
    functions: frozenset[str]


#: a value of a million bytes makes one call of instr last seconds, and nothing interrupts it
USUAL = Bounds(250_000, 2_000, FUNCTIONS | GROWING)
#: for tables that hold larger values: documents, pictures
LARGE = Bounds(16 << 20, 40, FUNCTIONS)
#: bytes of a statement; depth of an expression; parts of a compound; steps of a program; bytes of a pattern
LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
#: characters that a call of trim may cut off: it looks through all of them for every one it cuts
TRIMMED = 50
#: steps of SQLite's machine between two looks at the clock
STEPS = 2_000
#: files attached at once: as many as SQLite takes
ATTACHED = 9
#: bytes of a value while rows are written into memory
WHOLE = 1 << 30


def harden(connection: sqlite3.Connection) -> None:
    """Set what holds for every statement of a connection that is ours."""
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")
    for limit, value in LIMITS.items():
        connection.setlimit(limit, value)
    for name, cut in (("trim", str.strip), ("ltrim", str.lstrip), ("rtrim", str.rstrip)):
        connection.create_function(name, 2, partial(_trimmed, cut), deterministic=True)


def _trimmed(cut: Callable[[str, str], str], text: object, characters: object) -> str | None:
    if text is None or characters is None:
        return None
    if len(str(characters)) > TRIMMED:
        raise ValueError(f"more than {TRIMMED} characters to trim")
    return cut(str(text), str(characters))


@contextmanager
def guarded(
    connection: sqlite3.Connection,
    allowed: Mapping[tuple[str, str], frozenset[str]],
    made: Collection[str],
    bounds: Bounds,
    milliseconds: float,
) -> Iterator[None]:
    """While this lasts, only the allowed tables are read, given by schema and name with their columns, all in small letters, for so long
    at most; what goes on is interrupted then. `made` are the names of tables that the statement makes itself."""
    end = time.monotonic() + milliseconds / 1000

    def authorize(action: int, first: str | None, second: str | None, schema: str | None, _via: str | None) -> int:
        """What SQLite asks for each step of a statement."""
        table, inner = (first or "").lower(), (second or "").lower()
        if action == sqlite3.SQLITE_SELECT:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if inner in bounds.functions else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and (columns := allowed.get((schema or "", table))) is not None:
            return sqlite3.SQLITE_OK if inner in columns else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and schema is None and not inner and table in made:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, bounds.value)
    connection.set_authorizer(authorize)
    connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, WHOLE)
