"""The families by name: `build` one over vectors, `open_index` a saved one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from grainline.errors import DamagedError, MissingExtraError, UsageError
from grainline.vectors import file
from grainline.vectors.distance import COSINE, DISTANCES, Distance, rows_of
from grainline.vectors.forest import DEPTH as TREE_DEPTH
from grainline.vectors.forest import Forest
from grainline.vectors.graph import Graph
from grainline.vectors.index import Family, Index
from grainline.vectors.inverted import DEPTH, PRODUCT_DEPTH, Hashed, Inverted
from grainline.vectors.signs import SignCodes

FAMILIES = {
    family.name: family
    for family in (
        Family("exact", "every vector, in float32"),
        Family(
            "binary", "every vector by one bit a dimension, the best by int8", "", SignCodes.start, SignCodes, 500, refit=False
        ),
        Family("graph", "a graph of near neighbours (HNSW)", "voyager", Graph.start, Graph, 96, refit=False),
        Family("ivf", "inverted file", "faiss-cpu", Inverted.start, Inverted, DEPTH),
        Family(
            "ivfpq", "inverted file with product quantisation", "faiss-cpu", Inverted.start_product, Inverted, PRODUCT_DEPTH
        ),
        Family("hash", "locality-sensitive hashing", "faiss-cpu", Hashed.start, Hashed, 1000),
        Family("tree", "a forest of random-projection trees", "", Forest.start, Forest, TREE_DEPTH),
    )
}
MODULES = {"faiss-cpu": "faiss", "voyager": "voyager"}


def family(name: str) -> Family:
    """The family of this name; raises `UsageError`, and `MissingExtraError` where its package is not installed."""
    if name not in FAMILIES:
        raise UsageError(f"no index family {name}; there are: {', '.join(FAMILIES)}")
    found = FAMILIES[name]
    if not _is_there(found):
        raise MissingExtraError(found.package, "vectors")
    return found


def available() -> list[str]:
    """The names of the families whose packages are installed."""
    return [name for name, found in FAMILIES.items() if _is_there(found)]


def _is_there(found: Family) -> bool:
    return not found.package or find_spec(MODULES[found.package]) is not None


def build(name: str, vectors: ArrayLike, ids: ArrayLike | None = None, distance: Distance = COSINE) -> Index:
    """An index of a family over the rows of `vectors`, under `ids` (None: their numbers). Raises `UsageError`, `MissingExtraError`."""
    matrix = rows_of(vectors, "vectors")
    made = Index(family(name), distance, matrix.shape[1])
    made.add(matrix, np.arange(len(matrix)) if ids is None else ids)
    return made


def open_index(folder: Path) -> Index:
    """What `save` wrote into `folder`. Raises `NotFoundError`, `DamagedError`, `MissingExtraError` and `StorageError`."""
    meta, arrays = file.read(folder)
    if meta["family"] not in FAMILIES or meta["distance"] not in DISTANCES:
        raise DamagedError(f"{folder}: this release has no {meta['family']} index by {meta['distance']}; build the index again")
    opened = Index(family(meta["family"]), DISTANCES[meta["distance"]], meta["dimension"])
    opened.load(meta, arrays)
    return opened
