"""reStructuredText, Sphinx's too: sections become headings, directives become the text that they hold."""

from __future__ import annotations

from collections.abc import Iterator

from grainline.errors import UnreadableError
from grainline.readers.build import Layout, decode, document
from grainline.types import Document, Limits


class Rst:
    """Reads `.rst`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; raises `UnreadableError` where the bytes are not text or docutils fails on it."""
        # docutils takes 50 ms to import
        from grainline.readers.rst_layout import write_tree
        from grainline.readers.rst_parser import parse_rst

        text = decode(data)
        layout = Layout()
        try:
            write_tree(parse_rst(text, source), layout)
        except UnreadableError:
            raise
        except RecursionError as error:
            raise UnreadableError("nested too deeply") from error
        except Exception as error:  # docutils raises whatever its directives run into
            raise UnreadableError(f"reStructuredText that docutils cannot parse: {error}") from error
        title = next((part.name for part in layout.parts() if part.kind == "heading"), "")
        yield document(source, title, layout.text(), limits, parts=layout.parts(), lines=layout.lines())
