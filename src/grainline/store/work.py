"""What came of questions: answers of language models, kept so that nothing is asked of one twice, and the marks of users.

Like vectors they change no sequence number, and what models made is made again where it is lost or damaged. A row names the documents
whose text a model was shown, or an answer cited, and goes with the first of them that goes, in the same transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from grainline.store.records import dump
from grainline.store.seal import check


@dataclass(frozen=True, slots=True)
class Work:
    """What a model made: of which kind, from the text of which documents (their row numbers), and what it is, as JSON."""

    kind: str
    documents: tuple[int, ...]
    data: Mapping[str, Any]


def key_of(*asked: str) -> int:
    """The key of what was asked for, as SQLite keeps it: of what kind, of which model, and the whole prompt.

    >>> key_of("completion", "fake", "How many owls?") != key_of("completion", "fake", "How many woods?")
    True
    """
    whole = blake2b(digest_size=8)
    for one in asked:
        data = one.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(whole.digest(), "little", signed=True)


def read(connection: sqlite3.Connection, key: int) -> Work | None:
    """What is kept under a key; None where nothing is, or it is damaged. Raises `sqlite3.Error`."""
    row = connection.execute("SELECT key, kind, documents, data, seal FROM work WHERE key=?", (key,)).fetchone()
    return Work(row[1], tuple(json.loads(row[2])), json.loads(row[3])) if row and is_whole(*row) else None


def of_kind(connection: sqlite3.Connection, kind: str) -> list[Work]:
    """All that is kept of a kind, by key; damaged rows are left out. Raises `sqlite3.Error`."""
    rows = connection.execute("SELECT key, kind, documents, data, seal FROM work WHERE kind=? ORDER BY key", (kind,))
    return [Work(row[1], tuple(json.loads(row[2])), json.loads(row[3])) for row in rows if is_whole(*row)]


def of_documents(connection: sqlite3.Connection, documents: Collection[int]) -> dict[int, Work]:
    """All that was made from any of these documents, by key; damaged rows are left out. Raises `sqlite3.Error`."""
    wanted = set(documents)
    rows = connection.execute("SELECT key, kind, documents, data, seal FROM work ORDER BY key").fetchall() if wanted else []
    found = {row[0]: Work(row[1], tuple(json.loads(row[2])), json.loads(row[3])) for row in rows if is_whole(*row)}
    return {key: work for key, work in found.items() if not wanted.isdisjoint(work.documents)}


def put(connection: sqlite3.Connection, made: Mapping[int, Work]) -> None:
    """Keep what was made, by its keys. Raises `sqlite3.Error`."""
    rows = [(key, one.kind, dump(sorted(one.documents)), dump(one.data)) for key, one in sorted(made.items())]
    connection.executemany("INSERT OR REPLACE INTO work VALUES (?,?,?,?,?)", [(*row, check(*row)) for row in rows])


def drop(connection: sqlite3.Connection, documents: Collection[int]) -> None:
    """Forget what was made from any of these documents. Raises `sqlite3.Error`."""
    gone = set(documents)
    forget(connection, (key for key, made_of in _rows(connection) if not gone.isdisjoint(made_of)))


def strays(connection: sqlite3.Connection) -> list[int]:
    """The keys of what was made from documents that are gone. Raises `sqlite3.Error`."""
    known = {number for (number,) in connection.execute("SELECT number FROM documents")}
    return [key for key, made_of in _rows(connection) if not known.issuperset(made_of)]


def keep_only_living(connection: sqlite3.Connection) -> None:
    """Forget what was made from documents that are gone. Raises `sqlite3.Error`."""
    forget(connection, strays(connection))


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How much is kept, by kind. Raises `sqlite3.Error`."""
    return dict(connection.execute("SELECT kind, count(*) FROM work GROUP BY kind ORDER BY kind").fetchall())


def is_whole(key: int, kind: str, documents: str, data: str, seal: int) -> bool:
    """Whether a row is as it was written."""
    return seal == check(key, kind, documents, data)


def _rows(connection: sqlite3.Connection) -> list[tuple[int, list[int]]]:
    """The key of each row and the documents that it was made from; a damaged row counts as made from one that is gone."""
    rows = connection.execute("SELECT key, kind, documents, data, seal FROM work").fetchall()
    return [(row[0], json.loads(row[2]) if is_whole(*row) else [-1]) for row in rows]


def forget(connection: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Forget what is kept under these keys. Raises `sqlite3.Error`."""
    connection.executemany("DELETE FROM work WHERE key=?", [(key,) for key in keys])
