"""What is drawn on a page of a PDF besides its letters: pictures, and ruling lines. The side of pdfium, see `readers.apart`.

A rule is [x0, y0, x1, y1] in points from the lower left corner of the page, level (y0 = y1) or upright (x0 = x1): a line, a side of a
rectangle that is outlined, or a rectangle so thin that it is a line to the eye.
"""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import byref, c_float, c_int
from itertools import pairwise
from typing import Any, TypeAlias

OBJECTS = 5_000  #: things drawn on a page that are looked at
DEEPEST = 3  #: forms in forms that are looked into
PICTURES = 200  #: pictures of a page
SMALLEST = 12.0  #: points that a picture has in both directions
SEGMENTS = 2_000  #: corners of one path that are looked at
RULES = 6_000  #: rules of a page; one with more is a drawing
THIN = 3.0  #: points across a rectangle that is a line to the eye
SHORTEST = 3.0  #: points of a rule; a dash is shorter than what it makes up
SLANT = 0.7  #: points by which a level line may rise

Box: TypeAlias = list[float]
#: how a form maps its own points to those of the page: x' = a x + c y + e, y' = b x + d y + f
_Matrix: TypeAlias = tuple[float, float, float, float, float, float]
_SAME: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def drawn_on(page: Any) -> tuple[list[Box], list[Box]]:
    """The boxes of images and of drawings that came as one piece, in the order of the page's content; and its rules."""
    from pypdfium2 import raw

    pictures: list[Box] = []
    rules: list[Box] = []
    for number, (each, kind, depth, matrix) in enumerate(_objects(page)):
        if number >= OBJECTS:
            break
        if kind == raw.FPDF_PAGEOBJ_PATH and len(rules) <= RULES:
            rules += _rules(each, matrix)
        elif kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM) and not depth:
            box = _bounds(each, matrix)
            if box and min(box[2] - box[0], box[3] - box[1]) >= SMALLEST and len(pictures) < PICTURES:
                pictures.append([round(side, 1) for side in box])
    return pictures, rules if len(rules) <= RULES else []


def _objects(page: Any) -> Iterator[tuple[Any, int, int, _Matrix]]:
    """What is drawn on a page, that in its forms included: the thing, its kind, how deep in forms it stands, and their matrix."""
    from pypdfium2 import raw

    top = (raw.FPDFPage_GetObject(page.raw, number) for number in range(raw.FPDFPage_CountObjects(page.raw)))
    waiting: list[tuple[Iterator[Any], _Matrix]] = [(top, _SAME)]
    while waiting:
        objects, matrix = waiting[-1]
        each = next(objects, None)
        if each is None:
            waiting.pop()
            continue
        kind = raw.FPDFPageObj_GetType(each)
        yield each, kind, len(waiting) - 1, matrix
        if kind == raw.FPDF_PAGEOBJ_FORM and len(waiting) <= DEEPEST:
            waiting.append((_held(each), _chained(_matrix(each), matrix)))


def _held(form: Any) -> Iterator[Any]:
    """What a form draws."""
    from pypdfium2 import raw

    for number in range(max(0, raw.FPDFFormObj_CountObjects(form))):
        yield raw.FPDFFormObj_GetObject(form, number)


def _matrix(thing: Any) -> _Matrix:
    from pypdfium2 import raw

    found = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(thing, byref(found)):
        return _SAME
    return found.a, found.b, found.c, found.d, found.e, found.f


def _chained(first: _Matrix, then: _Matrix) -> _Matrix:
    """The matrix that maps as one does and then another."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _mapped(x: float, y: float, matrix: _Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _bounds(thing: Any, matrix: _Matrix) -> Box | None:
    """The box around a thing on the page."""
    from pypdfium2 import raw

    sides = [c_float() for _ in range(4)]
    if not raw.FPDFPageObj_GetBounds(thing, *sides):
        return None
    left, bottom, right, top = (side.value for side in sides)
    if matrix == _SAME:
        return [left, bottom, right, top]
    return _around([_mapped(x, y, matrix) for x in (left, right) for y in (bottom, top)])


def _around(points: list[tuple[float, float]]) -> Box:
    across, up = [x for x, _ in points], [y for _, y in points]
    return [min(across), min(up), max(across), max(up)]


def _rules(path: Any, matrix: _Matrix) -> Iterator[Box]:
    """The rules that a path draws."""
    from pypdfium2 import raw

    box = _bounds(path, matrix)
    fill, stroke = c_int(), c_int()
    if box is None or not raw.FPDFPath_GetDrawMode(path, byref(fill), byref(stroke)) or not (fill.value or stroke.value):
        return
    if min(box[2] - box[0], box[3] - box[1]) <= THIN:
        yield from _line(box)
        return
    for points in _outlines(path, _chained(_matrix(path), matrix)):
        around = _around(points)
        if min(around[2] - around[0], around[3] - around[1]) <= THIN:
            yield from _line(around)
        elif stroke.value:
            for (x0, y0), (x1, y1) in pairwise(points):
                if min(abs(x1 - x0), abs(y1 - y0)) <= SLANT:
                    yield from _line([min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)])


def _line(box: Box) -> Iterator[Box]:
    """The rule in the middle of a thin box, if it is long enough and longer than it is thick."""
    left, bottom, right, top = box
    wide, high = right - left, top - bottom
    if max(wide, high) < max(SHORTEST, 2 * min(wide, high)):
        return
    if wide >= high:
        left, right, bottom, top = left, right, (bottom + top) / 2, (bottom + top) / 2
    else:
        left, right = (left + right) / 2, (left + right) / 2
    yield [round(side, 1) for side in (left, bottom, right, top)]


def _outlines(path: Any, matrix: _Matrix) -> Iterator[list[tuple[float, float]]]:
    """The corners of each piece of a path, closed ones with the first corner again at their end; pieces with curves are left out."""
    from pypdfium2 import raw

    points: list[tuple[float, float]] = []
    curved = False
    x, y = c_float(), c_float()
    for number in range(min(raw.FPDFPath_CountSegments(path), SEGMENTS)):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            if len(points) > 1 and not curved:
                yield points
            points, curved = [], False
        curved |= kind == raw.FPDF_SEGMENT_BEZIERTO
        if raw.FPDFPathSegment_GetPoint(segment, byref(x), byref(y)):
            points.append(_mapped(x.value, y.value, matrix))
        if raw.FPDFPathSegment_GetClose(segment) and points:
            points.append(points[0])
    if len(points) > 1 and not curved:
        yield points
