"""Names of tables and columns as words: cut at underscores, capitals and digits, stemmed, English and Chinese."""

from __future__ import annotations

from functools import lru_cache

from grainline.keys.names import words_of
from grainline.text import CJK_RUN, fold, stem

#: abbreviations that names of columns are made of, and the words that people say
SHORT = {
    "num": "number", "no": "number", "nbr": "number", "qty": "quantity", "amt": "amount", "desc": "description", "addr": "address",
    "dept": "department", "emp": "employee", "fname": "first name", "lname": "last name", "dob": "birth date", "tel": "telephone",
    "yr": "year", "avg": "average", "max": "maximum", "min": "minimum", "pct": "percent", "ref": "reference", "mpg": "miles per gallon",
    "gdp": "gross domestic product", "sqft": "square feet", "cat": "category", "lang": "language", "pop": "population",
    "temp": "temperature",
}  # fmt: skip


#: words in the names of columns that identify and say nothing of what
IDENTIFYING = frozenset(("id", "code", "no", "num", "number", "key", "编号", "号", "代码", "标识"))
#: words that people use for each other when they speak of columns
SYNONYMS = {
    "country": "nation", "nationality": "citizenship", "citizenship": "nationality", "sex": "gender", "gender": "sex", "salary": "wage",
    "price": "cost", "cost": "price", "phone": "telephone", "telephone": "phone", "movie": "film", "film": "movie", "surname": "last name",
    "location": "place", "birthday": "birth date", "employee": "staff", "staff": "employee", "customer": "client", "client": "customer",
    "company": "firm", "city": "town", "email": "mail", "picture": "photo", "team": "club", "product": "item", "item": "product",
    "begin": "start", "start": "begin", "manufacturer": "maker", "maker": "manufacturer", "car": "vehicle", "vehicle": "car",
}  # fmt: skip


@lru_cache(maxsize=100_000)
def pieces(name: str) -> tuple[str, ...]:
    """The words of a name, stemmed; a run of Chinese is one.

    >>> pieces("Song_releaseYear2"), pieces("客户ID")
    (('song', 'releas', 'year', '2'), ('客户', 'id'))
    """
    return tuple(stem(fold(piece)) for piece in words_of(name))


@lru_cache(maxsize=100_000)
def spoken(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a name, each as stemmed words: as it is, and with its abbreviations spelled out, and in other words."""
    own = pieces(name)
    long = tuple(stem(word) for piece in own for word in SHORT.get(piece, piece).split())
    plain = {stem(word): word for word in SYNONYMS}
    other = tuple(stem(word) for piece in long for word in (SYNONYMS[plain[piece]] if piece in plain else piece).split())
    return tuple(dict.fromkeys((own, long, other)))


def is_chinese(text: str) -> bool:
    """Whether a text has Chinese characters in it."""
    return bool(CJK_RUN.search(text))
