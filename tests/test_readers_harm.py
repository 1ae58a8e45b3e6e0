"""Files that are broken, or made to do harm: a reader gives documents or `UnreadableError`, in bounded time and memory."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import document_samples as samples
from document_samples import read
from grainline.errors import LimitError, UnreadableError
from grainline.readers.archive import OLE, Archive, parse_xml
from grainline.types import Limits

MIB = 1 << 20
SAMPLES: dict[str, Callable[[], bytes]] = {
    "a.docx": samples.word,
    "a.pptx": samples.slides,
    "a.epub": samples.book,
    "a.html": lambda: (
        "<title>t</title><h1>一</h1><p>text<ul><li>a</ul><table><tr><th>a<th>b<tr><td>1<td>2</table><pre>x\n y</pre>".encode()
    ),
    "a.rst": lambda: (
        "一\n==\n\ntext *em* |a|\n\n- item\n\n.. note:: x\n\n== ==\na  b\n== ==\n1  2\n== ==\n\n::\n\n  code\n".encode()
    ),
    "a.xlsx": samples.sheets,
    "a.ods": samples.open_sheets,
    "a.pdf": samples.manual,
}
APART = ("a.xlsx", "a.ods", "a.pdf")  #: each read takes a process
ZIPPED = ("a.docx", "a.pptx", "a.xlsx", "a.ods", "a.epub")
#: what replaces bytes: single ones, and pieces that mean something to a parser
PIECES = st.one_of(
    st.binary(max_size=3), st.sampled_from([b"<", b">", b"&", b'"', b"0", b"-1", b"99999999", b"</w:p>", b"\xff" * 4])
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4)


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        start = int(place * len(data))
        data = data[:start] + piece + data[start + length :]
    return data


def survives(name: str, data: bytes) -> bool:
    """Whether a reader gives a sound document, the same each time, or a reason; other errors go through."""
    try:
        document = read(name, data)
    except UnreadableError as error:
        return bool(str(error))
    return name in APART or read(name, data) == document


@pytest.mark.parametrize("name", SAMPLES)
def test_edited_bytes_give_documents_or_a_reason(name: str) -> None:
    sample = SAMPLES[name]()

    @settings(max_examples=8 if name in APART else 25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def run(edits: list[tuple[float, int, bytes]]) -> None:
        assert survives(name, edited(sample, edits))

    run()


@pytest.mark.parametrize("name", ZIPPED)
def test_edited_entries_give_documents_or_a_reason(name: str) -> None:
    entries = samples.unpacked(SAMPLES[name]())
    texts = [entry for entry in entries if entry.endswith((".xml", ".rels", ".opf", ".xhtml"))]

    @settings(max_examples=8 if name in APART else 25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(texts), EDITS)
    def run(entry: str, edits: list[tuple[float, int, bytes]]) -> None:
        assert survives(name, samples.packed({**entries, entry: edited(entries[entry], edits)}, zipfile.ZIP_STORED))

    run()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated(name: str, share: float) -> None:
    data = SAMPLES[name]()
    assert survives(name, data[: int(len(data) * share)])


@pytest.mark.parametrize("name", ZIPPED)
def test_not_what_the_name_says(name: str) -> None:
    with pytest.raises(UnreadableError):
        read(name, b"just some words")
    with pytest.raises(UnreadableError, match="encrypted Office file: it needs a password"):
        read(name, OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(UnreadableError):
        read(name, samples.packed({"other.txt": "a zip of something else"}))


def test_an_open_document_that_is_encrypted_says_so() -> None:
    entries = samples.unpacked(samples.open_sheets())
    entries["META-INF/manifest.xml"] = b"<manifest><file-entry><encryption-data/></file-entry></manifest>"
    with pytest.raises(UnreadableError, match="password"):
        read("a.ods", samples.packed(entries))


# Zip bombs


def test_archive_within_its_limits_opens() -> None:
    archive = Archive(samples.packed({"a.txt": "words", "b/c.txt": "more"}), Limits())
    assert (archive.names(), archive.read("b/c.txt")) == (("a.txt", "b/c.txt"), b"more")
    with pytest.raises(UnreadableError, match="missing"):
        archive.read("../../etc/passwd")


@pytest.mark.parametrize("name", ZIPPED)
def test_unpacked_size_is_bounded(name: str) -> None:
    entries = {**samples.unpacked(SAMPLES[name]()), "extra.bin": bytes(5 * MIB)}
    with pytest.raises(LimitError, match="unpacked bytes"):
        read(name, samples.packed(entries), Limits(unpacked_bytes=4 * MIB))


def test_a_bomb_is_one_by_its_ratio() -> None:
    with pytest.raises(UnreadableError, match="zip bomb"):
        Archive(samples.packed({"a": bytes(20 * MIB)}), Limits())


def test_a_directory_that_lies_is_found_out_while_unpacking() -> None:
    data = bytearray(samples.packed({"a": bytes(3 * MIB)}))
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<L", data, entry + 24, 10)  # unpacked size in the directory
    struct.pack_into("<L", data, 22, 10)  # and before the data
    with pytest.raises(UnreadableError, match="corrupt"):
        Archive(bytes(data), Limits(unpacked_bytes=MIB))


def test_entries_that_share_their_bytes_are_counted_each() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = packed.compress(bytes(MIB)) + packed.flush()
    local = (
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(bytes(MIB)), len(content), MIB, 1, 0)
        + b"a"
        + content
    )
    place = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, zlib.crc32(bytes(MIB)), len(content), MIB, 1, 0, 0, 0, 0, 0, 0
    )
    directory = (place + b"a") * 300
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 300, 300, len(directory), len(local), 0)
    with pytest.raises(LimitError, match="unpacked bytes"):
        Archive(local + directory + end, Limits())


def test_too_many_entries_odd_packing_and_passwords() -> None:
    with pytest.raises(UnreadableError, match="10,001 files"):
        Archive(samples.packed({str(number): b"" for number in range(10_001)}, zipfile.ZIP_STORED), Limits())
    with pytest.raises(UnreadableError, match="method"):
        Archive(samples.packed({"a": b"words"}, zipfile.ZIP_LZMA), Limits())
    data = bytearray(samples.packed({"a": b"words"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableError, match="password"):
        Archive(bytes(data), Limits())


# Entities

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
DECLARED = f'<!DOCTYPE x [<!ENTITY a0 "ha"><!ENTITY file SYSTEM "file:///etc/passwd">{LAUGHS}]>'


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("a.docx", "word/document.xml"),
        ("a.docx", "word/styles.xml"),
        ("a.pptx", "ppt/slides/slide1.xml"),
        ("a.xlsx", "xl/worksheets/sheet1.xml"),
        ("a.xlsx", "xl/sharedStrings.xml"),
        ("a.ods", "content.xml"),
        ("a.epub", "OPS/book.opf"),
        ("a.epub", "OPS/text/two.xhtml"),
    ],
)
@pytest.mark.parametrize("place", ["text", "attribute"])
def test_entities_neither_explode_nor_read_files(name: str, entry: str, place: str) -> None:
    entries = samples.unpacked(SAMPLES[name]())
    head, _, body = entries[entry].decode().rpartition("?>")
    body = body.partition("]>")[2] if body.lstrip().startswith("<!DOCTYPE") and "]>" in body else body
    body = (
        body.replace("</", "&a9;&file;</")
        if place == "text"
        else body.replace('="', '="&a9;', 40).replace('xmlns="&a9;', 'xmlns="')
    )
    entries[entry] = f"{head}{'?>' if head else ''}{DECLARED}{body}".encode()
    try:
        text = read(name, samples.packed(entries)).text
    except UnreadableError:
        return
    assert "root:" not in text and "hahaha" not in text


def test_parse_xml_leaves_entities_alone() -> None:
    root = parse_xml(f"<?xml version='1.0'?>{DECLARED}<x>&a1;&file;</x>".encode())
    assert "".join(str(piece) for piece in root.itertext()).strip() in ("", "&a1;&file;")
    with pytest.raises(UnreadableError, match="amplification"):
        parse_xml(f"<?xml version='1.0'?>{DECLARED}<x>&a9;</x>".encode())
    with pytest.raises(UnreadableError, match="broken XML"):
        parse_xml(b"<a>" * 400 + b"</a>" * 400)
    with pytest.raises(UnreadableError, match="broken XML"):
        parse_xml(b"<a><b></a>")


# Parsers that must run apart


def test_two_far_cells_do_not_take_the_process_with_them() -> None:
    with pytest.raises(UnreadableError, match="more memory or time"):
        read("a.xlsx", samples.far_sheet())


def test_forms_that_draw_forms_end() -> None:
    with pytest.raises(UnreadableError, match="more memory or time"):
        read("a.pdf", samples.pdf_of_forms(12, 12), Limits(file_bytes=MIB, unpacked_bytes=MIB))
