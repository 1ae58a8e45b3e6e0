"""Index files and what they survive; which family is chosen; the bench of families."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from grainline.bench import index as bench
from grainline.bench.picture import plot
from grainline.errors import DamagedError, NotFoundError, StorageError, UnreadableError, UsageError
from grainline.vectors import file
from grainline.vectors.choose import Measured, choose, decide
from grainline.vectors.distance import COSINE, L1
from grainline.vectors.families import FAMILIES, available, build, open_index
from grainline.vectors.index import FIT
from vector_samples import COUNT, DIMENSION, EFFORT, IDS, QUERIES, VECTORS, clustered, each_family

# --- files


@each_family
@pytest.mark.parametrize("count", [0, 40, COUNT])
def test_saved_and_opened_it_answers_the_same(name: str, count: int, tmp_path: Path) -> None:
    index = build(name, VECTORS[:count].reshape(-1, DIMENSION), IDS[:count], L1)
    index.effort = EFFORT.get(name, 1.0)
    index.remove(IDS[:5])
    index.save(tmp_path / "a", {"sequence": 17, "模型": "e5"})
    opened = open_index(tmp_path / "a")
    assert (opened.family.name, opened.distance, opened.dimension, opened.effort) == (name, L1, DIMENSION, index.effort)
    assert opened.about == {"sequence": 17, "模型": "e5"}
    assert opened.ids.tolist() == index.ids.tolist()
    for query in QUERIES[:5]:
        assert opened.search(query, 10).ids.tolist() == index.search(query, 10).ids.tolist()
    added = clustered(30, seed=77)
    opened.add(added, np.arange(30) + 10**7)
    assert opened.search(added[3], 1).ids.tolist() == [10**7 + 3]
    opened.remove(opened.ids[:20])
    opened.save(tmp_path / "a")
    assert open_index(tmp_path / "a").ids.tolist() == opened.ids.tolist()
    assert [path.name for path in (tmp_path / "a").iterdir()] == [file.NAME]


@each_family
def test_damage_is_found(name: str, tmp_path: Path) -> None:
    index = build(name, VECTORS[:FIT], None, COSINE)
    index.save(tmp_path)
    path = tmp_path / file.NAME
    good = path.read_bytes()
    expected = index.search(QUERIES[0], 10).ids.tolist()
    found = 0
    places = [0, 7, 9, 13, 20, 60, 200, *np.random.default_rng(4).integers(0, len(good), 60).tolist()]
    for place in places:
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        try:
            assert open_index(tmp_path).search(QUERIES[0], 10).ids.tolist() == expected  # in the gaps, where nothing is
        except DamagedError as error:
            assert "build the index again" in str(error)
            found += 1
    assert found >= len(places) - 3
    for cut in (b"", good[:10], good[:100], good[: len(good) // 2], good[:-1], good + b"\0", b"x" * 500):
        path.write_bytes(cut)
        with pytest.raises(DamagedError):
            open_index(tmp_path)


def test_no_index_and_no_way_to_write(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no vector index here"):
        open_index(tmp_path / "none")
    index = build("exact", VECTORS[:10])
    (tmp_path / "a" / file.NAME).mkdir(parents=True)
    with pytest.raises(StorageError):
        index.save(tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").iterdir()] == [file.NAME]
    with pytest.raises(StorageError):
        open_index(tmp_path / "a")


@pytest.mark.skipif(os.name != "posix", reason="limits on files are POSIX")
def test_a_full_disk_leaves_the_index_that_was_there(tmp_path: Path) -> None:
    import resource

    build("exact", VECTORS[:10]).save(tmp_path)
    larger = build("exact", VECTORS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageError, match="what was there before is unchanged"):
            larger.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(open_index(tmp_path)) == 10
    assert [path.name for path in tmp_path.iterdir()] == [file.NAME]


def test_a_killed_writer_leaves_the_index_that_was_there(tmp_path: Path) -> None:
    build("exact", VECTORS[:10]).save(tmp_path)
    code = (
        "import os, numpy as np\nfrom pathlib import Path\nfrom grainline.vectors.families import build\n"
        "index = build('exact', np.ones((500, 4)))\n"
        "os.fsync = lambda number: os._exit(9)\n"  # dies between writing and renaming
        f"index.save(Path({str(tmp_path)!r}))\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert len([*tmp_path.iterdir()]) == 2
    assert len(open_index(tmp_path)) == 10
    build("exact", VECTORS[:20]).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file.NAME]


# --- packages, memory, choice, bench


@pytest.mark.parametrize("name", [name for name, found in FAMILIES.items() if found.package])
def test_without_its_package_a_family_says_what_to_install(name: str, tmp_path: Path) -> None:
    build(name, VECTORS[:10]).save(tmp_path)
    code = (
        "import sys; sys.modules.update(faiss=None, voyager=None)\n"
        "from pathlib import Path\n"
        "from grainline.errors import MissingExtraError\n"
        "from grainline.vectors.families import available, build, open_index\n"
        "print(available())\n"
        f"for call in (lambda: build({name!r}, [[1.0]]), lambda: open_index(Path({str(tmp_path)!r}))):\n"
        "    try: call()\n"
        "    except MissingExtraError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        "['exact', 'binary', 'tree']",
        *[f"{FAMILIES[name].package} is not installed: pip install 'grainline[vectors]'"] * 2,
    ]


def test_memory_in_order() -> None:
    wide = clustered(FIT, dimension=384)
    held = {name: build(name, wide).memory_bytes() for name in FAMILIES}
    assert held["binary"] < 0.35 * held["exact"]
    assert min(held, key=lambda name: held[name]) == "binary" or held["ivfpq"] <= held["binary"] * 1.5
    assert all(size > wide.nbytes / 5 for size in held.values())


def test_few_vectors_are_all_compared() -> None:
    choice = choose(VECTORS, QUERIES)
    assert (choice.name, choice.measured, len(choice.index)) == ("exact", (), COUNT)
    assert "3,000 vectors are few enough" in choice.reason


def test_a_choice_is_measured_on_the_vectors_themselves() -> None:
    many = clustered(10_500)
    choice = choose(many, ids=np.arange(10_500) + 5)
    assert choice.name == "binary" and choice.measured[-1].recall >= 0.95
    assert sorted(choice.index.ids.tolist()) == list(range(5, 10_505))  # also those that were asked for
    given = choose(many, QUERIES, families=["exact", "ivf"])
    assert given.name == ("ivf" if given.measured[-1].recall >= 0.95 else "exact")
    assert len(given.index) == 10_500 and given.index.effort == given.measured[-1].effort
    for wrong in ({"target_recall": 1.5}, {"ids": [1]}, {"families": ["annoy"]}):
        with pytest.raises(UsageError):
            choose(many, **wrong)


def test_decisions() -> None:
    def run(name: str, recall: float, p50: float, effort: float = 1) -> Measured:
        return Measured(name, effort, recall, p50, p50, 10**6)

    assert decide(50_000, [run("binary", 0.99, 2), run("graph", 0.99, 0.2)], 0.95)[0] == "binary"
    assert decide(50_000, [run("binary", 0.90, 2), run("graph", 0.96, 0.2)], 0.95)[0] == "graph"
    assert decide(900_000, [run("binary", 0.99, 20), run("ivf", 0.9, 1), run("ivf", 0.97, 2, 4)], 0.95)[:2] == ("ivf", 4)
    assert decide(900_000, [run("ivf", 0.9, 1)], 0.95)[0] == "exact"
    assert "0.900" in decide(900_000, [run("ivf", 0.9, 1)], 0.95)[2]


def test_bench_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    told: list[str] = []
    result = bench.run_index(tmp_path / "v.npy", ["exact", "binary", "tree"], queries=15, distance="l2", progress=told.append)
    assert told == ["exact", "binary", "tree"]
    assert (result["vectors"], result["dimension"], result["queries"], result["held_out"]) == (COUNT - 15, 16, 15, True)
    assert result["families"]["exact"]["runs"][0]["recall@10"] == 1
    assert len(result["families"]["binary"]["runs"]) == 3
    assert result["families"]["binary"]["runs"][-1]["recall@10"] >= 0.95
    assert result["missing"] == {name: found.package for name, found in FAMILIES.items() if name not in available()}
    assert bench.table(result).count("\n") == 1 + 1 + 3 + 3
    assert bench.conclusion(result) == "Choice: exact: 2,985 vectors are few enough to compare them all (under 10,000)."
    drawn = ElementTree.fromstring(bench.picture(result))
    assert {"exact", "binary", "tree"} <= {node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")}


def test_bench_with_queries_of_its_own_and_bad_input(tmp_path: Path) -> None:
    result = bench.run_index(VECTORS, ["exact"], QUERIES)
    assert (result["vectors"], result["held_out"]) == (COUNT, False)
    (tmp_path / "bad.npy").write_bytes(b"PK\x03\x04")
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    for name, error in (("none.npy", NotFoundError), ("bad.npy", UnreadableError), ("objects.npy", UnreadableError)):
        with pytest.raises(error):
            bench.run_index(tmp_path / name)
    for wrong in ({"families": []}, {"queries": 0}, {"distance": "x"}, {"queries": np.empty((0, 16))}):
        with pytest.raises(UsageError):
            bench.run_index(VECTORS, **wrong)


def test_a_picture_escapes_and_takes_one_point() -> None:
    drawn = ElementTree.fromstring(plot({"a<b": [(5.0, 0.5)], "语": []}, "R & D", "ms", "share"))
    assert "a<b" in [node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")]
