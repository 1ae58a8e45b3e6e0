"""HTML, reStructuredText and EPUB: what their readers see in them."""

from __future__ import annotations

import re

import pytest

import document_samples as samples
from document_samples import headings, kinds, read
from grainline.errors import UnreadableError
from grainline.readers.build import Layout, flow
from grainline.readers.html import decode_page
from grainline.types import Document, Part


def line_of(document: Document, part: Part) -> int:
    return document.lines[document.text.count("\n", 0, part.start)]


# HTML

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>The Title &amp; more</title><style>p {}</style></head>
<body><nav><a href="/">Home</a></nav>
<div class="sidebar">Elsewhere</div>
<main>
<h1>Top <a href="#top">¶</a></h1>
<p>First
  paragraph with <b>bold</b><script>var x</script> text.</p>
<h2>第二节</h2>
<p>检索
增强生成<br>另一行</p>
<ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul>
<ol start="3"><li>three</li></ol>
<pre><code class="language-rust">
fn main() {
    owl();
}
</code></pre>
<table><caption>城市</caption><tr><th>name</th><th>year</th></tr>
<tr><td rowspan=2>北京</td><td>1</td></tr>
<tr><td>2</td></tr></table>
<p>See <img src="owl.png" alt="an owl"> here.</p>
<figure><img src="m.png" alt="a map"><figcaption>图1 地图</figcaption></figure>
</main><footer>Copyright</footer></body></html>"""


def test_html_keeps_the_page_and_drops_what_is_around_it() -> None:
    document = read("a.html", PAGE)
    assert document.title == "The Title & more"
    assert document.meta == {"lang": "en"}
    assert headings(document) == [(1, "Top"), (2, "第二节")]
    assert not re.search("Home|Elsewhere|Copyright|var x|¶", document.text)
    assert kinds(document, "prose")[:3] == [
        "First paragraph with bold text.",
        "检索增强生成\n另一行",
        "- one\n  - inner\n- two",
    ]
    assert "3. three" in kinds(document, "prose")
    assert kinds(document, "code") == ["fn main() {\n    owl();\n}"]
    assert kinds(document, "header", "row") == ["name | year", "北京 | 1", "北京 | 2"]
    images = [(part.name, part.meta) for part in document.parts if part.kind == "image"]
    assert images == [("an owl", {"src": "owl.png"}), ("图1 地图", {"src": "m.png", "number": "1"})]
    assert [part.name for part in document.parts if part.kind in ("code", "table")] == ["rust", "城市"]


def test_html_lines_are_those_of_the_source() -> None:
    document = read("a.html", PAGE)
    source = PAGE.split("\n")
    placed = list(zip(document.text.split("\n"), document.lines, strict=True))
    checked = [(line, number) for line, number in placed if line and " | " not in line]
    assert len(checked) > 15
    for line, number in checked:
        assert line == "}" or re.findall(r"\w+", line)[0][:2] in source[number - 1]
    rows = [line_of(document, part) for part in document.parts if part.kind in ("header", "row")]
    assert rows == [19, 20, 21]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize(
    "declared", ["", '<meta charset="{}">', '<meta http-equiv="Content-Type" content="text/html; charset={}">']
)
def test_html_encodings(encoding: str, declared: str) -> None:
    page = f"{declared.format('gb2312' if encoding == 'gbk' else encoding)}<p>盗窃公私财物，数额较大的</p>"
    assert read("a.html", page.encode(encoding)).text == "盗窃公私财物，数额较大的"


def test_html_that_lies_about_its_encoding_or_has_a_slip() -> None:
    assert "检索" in decode_page('<meta charset="utf-8"><p>检索增强</p>'.encode("gb18030"))
    slip = b'<meta charset="utf-8">' + "检索".encode() * 1000 + b"\xff"
    assert decode_page(slip).endswith("检索\ufffd")
    with pytest.raises(UnreadableError, match="binary"):
        read("a.html", b"<p>\0\1\2</p>")


def test_html_without_text_nested_deep_or_all_navigation() -> None:
    assert read("a.html", "<html><script>go()</script></html>").text == ""
    assert read("empty.html", b"").title == "empty"
    assert "deep" in read("a.html", "<div>" * 600 + "deep" + "</div>" * 600).text
    assert read("a.html", "<nav>only links</nav>").text == "only links"
    with pytest.raises(UnreadableError, match="nested"):
        read("a.html", "<div>" * 5000)


def test_xhtml_entities_are_harmless() -> None:
    entities = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    body = "<body><p>before &x; &b;&nbsp;after</p></body>"
    page = f'<?xml version="1.0"?>{entities}<html xmlns="http://www.w3.org/1999/xhtml">{body}</html>'
    for data in (page, page.replace("</p>", "")):  # as XML, and as the HTML that it then is
        text = read("a.xhtml", data).text
        assert "root:" not in text and len(text) < 40
        assert text.startswith("before") and text.endswith("after")


# reStructuredText

RST = """\
手册
====

第一段，
换行。 See :ref:`the guide <guide>` and |sub|.

.. |sub| replace:: replaced

Options
-------

* one item
  goes on

  .. code-block:: python
     :linenos:

     def f():
         return 1

.. versionadded:: 2.0 Something.

.. list-table:: 表题
   :header-rows: 1

   * - 城市
     - 人口
   * - 北京
     - 2154

.. figure:: owl.png
   :alt: an owl

   The caption.

.. include:: /etc/passwd
.. raw:: html

   <b>raw</b>

.. |now| date::

Now: |now|, `unclosed
"""


def test_rst_has_sections_code_tables_and_figures(capfd: pytest.CaptureFixture[str]) -> None:
    document = read("a.rst", RST)
    assert capfd.readouterr() == ("", "")
    assert document.title == "手册"
    assert headings(document) == [(1, "手册"), (2, "Options")]
    assert kinds(document, "prose")[:2] == ["第一段，换行。 See the guide and replaced.", "- one item goes on"]
    assert kinds(document, "code") == ["def f():\n    return 1"]
    assert "versionadded: 2.0 Something." in kinds(document, "prose")
    assert kinds(document, "header", "row") == ["城市 | 人口", "北京 | 2154"]
    assert kinds(document, "image") == ["The caption.\nan owl"]
    lines = {part.kind: line_of(document, part) for part in reversed(document.parts)}
    assert (lines["heading"], lines["code"], lines["row"]) == (1, 18, 28)


def test_rst_reads_no_file_runs_nothing_and_stays_the_same() -> None:
    document = read("a.rst", RST)
    assert "root:" not in document.text and "<b>" not in document.text
    assert "Now: " in document.text and not re.search(r"\d{4}-\d\d-\d\d", document.text)
    read("b.rst", ".. role:: shout(raw)\n   :format: html\n\n.. default-role:: math\n\n:shout:`x`")
    assert read("c.rst", ":shout:`x` `y`").text == "x y"
    assert read("a.rst", RST) == document


def test_rst_that_would_cost_too_much() -> None:
    assert len(read("a.rst", "\n".join(["|a *b `c " * 1000] * 40)).text) > 300_000
    with pytest.raises(UnreadableError, match="characters"):
        read("a.rst", "x" * 200_000)
    with pytest.raises(UnreadableError, match="nested"):
        read("a.rst", "- " * 400 + "x")


# EPUB


def test_book_is_its_chapters_in_reading_order() -> None:
    document = read("a.epub", samples.book())
    assert (document.title, document.meta) == ("A Book 一本书", {"creator": "Ann Author"})
    assert headings(document) == [(1, "Chapter One"), (1, "第二章")]
    assert kinds(document, "prose") == ["It was a dark night.", "这是第二章的正文。"]
    files = [part.meta["file"] for part in document.parts if part.kind == "heading"]
    assert files == ["OPS/text/one file.xhtml", "OPS/text/two.xhtml"]


def test_book_with_an_older_table_of_contents() -> None:
    point = '<navPoint><navLabel><text>旧目录</text></navLabel><content src="text/two.xhtml"/></navPoint>'
    package = samples.PACKAGE.replace('properties="nav" media-type="application/xhtml+xml"', 'media-type="x"').replace(
        "<spine>", '<spine toc="n">'
    )
    document = read(
        "a.epub",
        samples.book(**{"OPS/book.opf": package, "OPS/nav.xhtml": f'<?xml version="1.0"?><ncx xmlns="n">{point}</ncx>'}),
    )
    assert headings(document) == [(1, "Chapter One"), (1, "旧目录")]


def test_book_that_is_protected_or_incomplete() -> None:
    cipher = '<CipherData><CipherReference URI="OPS/text/two.xhtml"/></CipherData>'
    data = f'<EncryptedData><EncryptionMethod Algorithm="{{}}"/>{cipher}</EncryptedData>'
    name = "META-INF/encryption.xml"
    with pytest.raises(UnreadableError, match="DRM"):
        read(
            "a.epub",
            samples.book(**{name: f"<encryption>{data.format('http://www.w3.org/2001/04/xmlenc#aes128-cbc')}</encryption>"}),
        )
    assert read(
        "a.epub", samples.book(**{name: f"<encryption>{data.format('http://www.idpf.org/2008/embedding')}</encryption>"})
    ).text
    with pytest.raises(UnreadableError, match="missing"):
        read("a.epub", samples.packed({"mimetype": "application/epub+zip"}))


# What the readers share


def test_layout_joins_layouts_and_tables() -> None:
    inner, outer = Layout(), Layout()
    inner.add("b\nc", "code", line=[7, 8])
    outer.add("a", "prose", line=2)
    outer.extend(inner, {"file": "x"})
    assert (outer.text(), outer.lines()) == ("a\n\nb\nc", (2, 2, 7, 8))
    assert outer.parts()[1] == Part("code", 3, 6, meta={"file": "x"})
    assert flow("“一”\n二 three\nfour") == "“一”二 three four"
