"""Spreadsheets (Excel, OpenDocument): each sheet a heading and a table, rows as people see them, without what is empty.

calamine lays a sheet out densely, so it runs apart, see `readers.apart`. It knows no number formats but dates: 0.5 shown as
50% is 0.5 here. Formulas stand as their last values.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.apart import Exceeded, parse_apart
from grainline.readers.archive import OLE, Archive, check_xml, say_encrypted
from grainline.readers.build import Layout, document
from grainline.readers.csv import SAMPLE_ROWS, header_of
from grainline.types import Document, Limits

_MANIFEST = "META-INF/manifest.xml"
_OPEN_DOCUMENT = "content.xml"  #: the table in an OpenDocument file; calamine waits for ever where a tag in it is not closed


class Xlsx:
    """Reads `.xlsx`, `.xlsm`, `.xls` and `.ods`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; a row's part has its sheet and its number there (1-based) in `meta`.

        Raises `UnreadableError` for what is damaged, encrypted or no spreadsheet, and `LimitError` for more than `limits.rows` rows
        that are not empty, all sheets together.
        """
        if not data.startswith(OLE):
            archive = Archive(data, limits)
            if _MANIFEST in archive.names() and b"encryption-data" in archive.read(_MANIFEST):
                raise UnreadableError("encrypted spreadsheet: it needs a password")
            if _OPEN_DOCUMENT in archive.names():
                check_xml(archive.read(_OPEN_DOCUMENT))
        elif reason := say_encrypted(data):
            raise UnreadableError(reason)
        layout = Layout()
        sheets = parse_apart("grainline.readers.xlsx:sheets_of", data, limits)
        for name, numbers, rows in sheets:
            _write_sheet(layout, name, numbers, rows)
        title = sheets[0][0] if len(sheets) == 1 and not sheets[0][0].lower().startswith(("sheet", "工作表")) else ""
        yield document(
            source, title, layout.text(), limits, parts=layout.parts(), meta={"sheets": [name for name, _, _ in sheets]}
        )


def _write_sheet(layout: Layout, name: str, numbers: list[int], rows: list[list[str]]) -> None:
    layout.add(name, "heading", name=name, level=1)
    above = 0
    while above < len(rows) - 1 and sum(map(bool, rows[above])) == 1 < len(rows[above]):  # a title over the table
        layout.add("".join(rows[above]), "prose", meta={"sheet": name, "row": numbers[above]})
        above += 1
    rows, numbers = rows[above:], numbers[above:]
    has_header = len(rows) > 1 and header_of(rows[:SAMPLE_ROWS])
    meta = {"sheet": name, "columns": rows[0] if has_header else []}
    row_meta = [{"sheet": name, "row": number} for number in numbers]
    layout.add_table(rows, headers=int(has_header), name=name, row_meta=row_meta, meta=meta)


def sheets_of(data: bytes, limits: Limits) -> list[tuple[str, list[int], list[list[str]]]]:
    """The name of each sheet that is not empty, the numbers (1-based) of its rows that are not, and the cells of those as text.

    Raises `UnreadableError`, and `Exceeded` for more than `limits.rows` rows or `limits.characters` characters.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    sheets = []
    count = size = 0
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for entry in workbook.sheets_metadata:
            if entry.typ != SheetTypeEnum.WorkSheet or entry.visible == SheetVisibleEnum.VeryHidden:
                continue  # a chart, or what add-ins keep for themselves and no one can see
            name = entry.name
            numbers: list[int] = []
            rows: list[list[str]] = []
            for number, row in enumerate(workbook.get_sheet_by_name(name).iter_rows(), 1):
                if row.count("") == len(row):  # nearly all rows of a sheet with one far cell
                    continue
                cells = [_cell(value) for value in row]
                if not any(cells):
                    continue
                numbers.append(number)
                rows.append(cells)
                count += 1
                size += sum(map(len, cells))
                if count > limits.rows:
                    raise Exceeded("rows", count, limits.rows)
                if size > limits.characters:
                    raise Exceeded("characters", size, limits.characters)
            if rows:
                sheets.append((name, numbers, _narrow(rows)))
    except PasswordError:
        raise UnreadableError("encrypted spreadsheet: it needs a password") from None
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableError(f"damaged, or no spreadsheet: {error}") from error
    return sheets


def _cell(value: Any) -> str:
    """A value as text.

    >>> [_cell(value) for value in (3.0, 0.1, True, "a  b\\n", datetime.datetime(2024, 5, 1), datetime.timedelta(hours=30))]
    ['3', '0.1', 'TRUE', 'a b', '2024-05-01', '30:00:00']
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return " ".join(str(value).split())


def _narrow(rows: list[list[str]]) -> list[list[str]]:
    """The rows without the columns that are empty in all of them."""
    width = max(map(len, rows))
    used = [column for column in range(width) if any(column < len(row) and row[column] for row in rows)]
    return [[row[column] if column < len(row) else "" for column in used] for row in rows]
