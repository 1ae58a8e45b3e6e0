"""Vectors of texts, kept so that no text is embedded twice.

They are a cache: a row that is lost or damaged is embedded again, and keeping more changes no sequence number. But they go when the
last key goes that says their text, in the same transaction. A row has the number of its encoder and a key made of this and the hash of the
text; what its bytes mean is for who wrote them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from grainline.store.seal import check

#: rows asked for in one statement; SQLite takes some thousand values
AT_ONCE = 500
TOP = 1 << 63


@lru_cache(maxsize=64)
def number_of(identity: str) -> int:
    """The 64-bit number of an encoder, signed as SQLite keeps it."""
    return _signed(int.from_bytes(blake2b(identity.encode("utf-8"), digest_size=8).digest(), "little"))


def key_of(encoder: int, text: int) -> int:
    """The key of the vector that an encoder gave the text with this hash; the other way round, the hash from the key.

    >>> key = key_of(number_of("e5"), 2**64 - 1)
    >>> key != key_of(number_of("other"), 2**64 - 1), key_of(number_of("e5"), key) % 2**64 == 2**64 - 1
    (True, True)
    """
    return _signed((encoder ^ text) % (2 * TOP))


def _signed(value: int) -> int:
    return value - 2 * TOP if value >= TOP else value


def read(connection: sqlite3.Connection, identity: str, texts: Sequence[int]) -> dict[int, bytes]:
    """The vectors that are kept of the texts with these hashes, by hash; damaged ones are left out. Raises `sqlite3.Error`."""
    encoder = number_of(identity)
    wanted = {key_of(encoder, text): text for text in texts}
    keys = sorted(wanted)
    found = {}
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        rows = connection.execute(
            f"SELECT key, encoder, data, seal FROM vectors WHERE key IN ({','.join('?' * len(some))})", some
        )
        found.update({wanted[row[0]]: row[2] for row in rows if row[1] == encoder and is_whole(*row)})
    return found


def scan(connection: sqlite3.Connection, identity: str) -> Iterator[tuple[int, bytes]]:
    """(hash of the text, vector) of all that an encoder's vectors are; damaged ones are left out. Raises `sqlite3.Error`."""
    encoder = number_of(identity)
    for row in connection.execute("SELECT key, encoder, data, seal FROM vectors WHERE encoder=?", (encoder,)):
        if is_whole(*row):
            yield key_of(encoder, row[0]) % (2 * TOP), row[2]


def is_whole(key: int, encoder: int, data: bytes, seal: int) -> bool:
    """Whether a row is as it was written."""
    return isinstance(data, bytes) and seal == check(key, encoder, data)


def encoders(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """By the identity of each encoder how many vectors of it are kept, and their bytes. Raises `sqlite3.Error`."""
    names = {number: identity for identity, number in connection.execute("SELECT identity, number FROM encoders")}
    rows = connection.execute("SELECT encoder, count(*), sum(length(data)) FROM vectors GROUP BY encoder")
    return {names.get(number, "unknown"): (count, size) for number, count, size in rows}


def put(connection: sqlite3.Connection, identity: str, vectors: Mapping[int, bytes]) -> None:
    """Keep an encoder's vectors of texts, given by their hashes. Raises `sqlite3.Error`."""
    encoder = number_of(identity)
    connection.execute("INSERT OR REPLACE INTO encoders VALUES (?,?,?)", (identity, encoder, check(identity, encoder)))
    rows = sorted((key_of(encoder, text), data) for text, data in vectors.items())
    connection.executemany(
        "INSERT OR REPLACE INTO vectors VALUES (?,?,?,?)",
        [(key, encoder, data, check(key, encoder, data)) for key, data in rows],
    )


def drop(connection: sqlite3.Connection, texts: Iterable[int]) -> None:
    """Forget every encoder's vectors of the texts with these hashes. Raises `sqlite3.Error`."""
    gone = list(texts)
    for (encoder,) in connection.execute("SELECT number FROM encoders").fetchall():
        connection.executemany("DELETE FROM vectors WHERE key=?", [(key_of(encoder, text),) for text in gone])


def strays(connection: sqlite3.Connection, texts: set[int]) -> list[int]:
    """The keys of the vectors of all texts but those with these hashes. Raises `sqlite3.Error`."""
    rows = connection.execute("SELECT key, encoder FROM vectors")
    return [key for key, encoder in rows if key_of(encoder, key) % (2 * TOP) not in texts]


def keep_only(connection: sqlite3.Connection, texts: set[int]) -> None:
    """Forget all vectors but those of the texts with these hashes, and those of no known encoder. Raises `sqlite3.Error`."""
    connection.executemany("DELETE FROM vectors WHERE key=?", [(key,) for key in strays(connection, texts)])
    connection.execute("DELETE FROM vectors WHERE encoder NOT IN (SELECT number FROM encoders)")


def drop_encoders(connection: sqlite3.Connection, kept: str) -> None:
    """Forget the vectors of every encoder but one. Raises `sqlite3.Error`."""
    connection.execute("DELETE FROM vectors WHERE encoder<>?", (number_of(kept),))
    connection.execute("DELETE FROM encoders WHERE identity<>?", (kept,))
