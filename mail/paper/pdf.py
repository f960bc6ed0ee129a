"""Letters as PDF: one US Letter sheet a person, to be folded in three for an envelope with one window.

The window of a number 10 envelope shows what stands 2.04 to 3.63 inches from the sheet's upper edge, wherever the sheet
slides to: nothing but name and address may stand there.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from io import BytesIO
from typing import IO, Any, Final

import pymupdf_fonts
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from mail.paper.qr import QUIET, square
from mail.paper.text import Page, Section, tidy

PLAIN, BOLD, MONO = "Letter", "Letter-Bold", "Letter-Key"
#: Noto Sans has all letters of Latin, Greek and Cyrillic names; in Cascadia Mono nobody takes 0 for O (SIL OFL 1.1).
_FONTS: Final = {PLAIN: "notos", BOLD: "notosbo", MONO: "cascadiab"}
#: In points.
INCH: Final = 72.0
_WIDTH: Final = 8.5 * INCH
_HEIGHT: Final = 11 * INCH
_MARGIN: Final = 0.9 * INCH
_ADDRESS: Final = (1.0 * INCH, 2.5 * INCH)
#: What is sure to be seen through the window.
_ADDRESS_WIDTH: Final = 3.3 * INCH
_ADDRESS_HEIGHT: Final = 0.7 * INCH
#: Below the upper fold.
_TEXT_TOP: Final = 3.85 * INCH
_TEXT_END: Final = _HEIGHT - 0.5 * INCH
_SQUARE: Final = 1.5 * INCH
_GUTTER: Final = 0.3 * INCH
#: Points; smaller where there is more to say than fits.
_SIZES: Final = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0)
#: A line of a column: the text, font, indent, and the space above it as a share of the size.
_Line = tuple[str, str, float, float]


@cache
def _load_fonts() -> None:
    for name, code in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, BytesIO(pymupdf_fonts.myfont(code))))


@cache
def _letters() -> frozenset[int]:
    """What both fonts for texts have."""
    _load_fonts()
    plain, bold = (set(pdfmetrics.getFont(name).face.charToGlyph) for name in (PLAIN, BOLD))
    return frozenset(plain & bold)


def printable(text: str) -> bool:
    """Whether the fonts have each of its letters. They have none of scripts that run from right to left or join."""
    return all(ord(sign) in _letters() for sign in tidy(text))


def draw_pdf(file: IO[bytes], pages: Iterable[Page]) -> None:
    """Writes the letters, one a sheet."""
    _load_fonts()
    # Bytes as they are: written as text, they would be slower to write and a quarter longer.
    rl_config.useA85 = 0
    canvas = Canvas(file, pagesize=(_WIDTH, _HEIGHT), pageCompression=1, lang="en")
    canvas.setTitle("Activation letters")
    for page in pages:
        _draw_page(canvas, page)
        canvas.showPage()
    canvas.save()


# ------------------------------------------------------------------------------------------------ one sheet
def _draw_page(canvas: Any, page: Page) -> None:
    _say(canvas, page.sender, BOLD, 13, (_MARGIN, 0.75 * INCH), width=_WIDTH - 2 * _MARGIN)
    dates = " / ".join(section.date for section in page.sections)
    _say(canvas, dates, PLAIN, 10, (_MARGIN, 1.0 * INCH), width=_WIDTH - 2 * _MARGIN)
    _draw_address(canvas, page)
    top = _TEXT_TOP
    for place, section in enumerate(page.sections):
        size = 11 if place else 15
        top += size * 1.3
        _say(canvas, section.title, BOLD, size, (_MARGIN, top), width=_WIDTH - 2 * _MARGIN)
    top = _draw_key(canvas, page, top + 9)
    _draw_columns(canvas, page.sections, top + 14)


def _draw_address(canvas: Any, page: Page) -> None:
    left, top = _ADDRESS
    for size in (11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0):
        lines = _address_lines(page, size)
        if len(lines) * size * 1.15 <= _ADDRESS_HEIGHT:
            break
    for line in lines:
        top += size * 1.15
        _say(canvas, line, PLAIN, size, (left, top), width=_ADDRESS_WIDTH)
    if not page.address:
        _say(canvas, " / ".join(one.by_hand for one in page.sections), PLAIN, 8, (left, top + 12), width=_ADDRESS_WIDTH)


def _address_lines(page: Page, size: float) -> list[str]:
    return [line for text in (page.name, *page.address) for line in _wrapped_at(text, PLAIN, size, _ADDRESS_WIDTH)]


def _draw_key(canvas: Any, page: Page, top: float) -> float:
    """The key and its square, in a frame; returns where the frame ends."""
    height = _SQUARE + 8
    canvas.setLineWidth(0.7)
    canvas.setStrokeGray(0.5)
    canvas.roundRect(_MARGIN, _HEIGHT - top - height, _WIDTH - 2 * _MARGIN, height, 6)
    _draw_square(canvas, page.link, _MARGIN + 4, top + 4)
    left = _MARGIN + _SQUARE + 12
    width = _WIDTH - _MARGIN - left - 8
    untils = [section.until for section in page.sections if section.until]
    line = top + height / 2 - 6 * len(untils) - 16
    _say(canvas, " / ".join(section.key_label for section in page.sections), PLAIN, 9.5, (left, line), width=width)
    _say(canvas, page.key, MONO, 15, (left, line + 21), width=width)
    _say(canvas, page.where, PLAIN, 9.5, (left, line + 39), width=width)
    for place, until in enumerate(untils):
        _say(canvas, until, PLAIN, 9.5, (left, line + 55 + 13 * place), width=width)
    return top + height


def _draw_square(canvas: Any, text: str, left: float, top: float) -> None:
    # On a grid of modules, which is quicker to write than points; and all of it as one path (ISO 32000, 8.5.2), so that
    # no hairlines show between its parts.
    rows = square(text)
    size = len(rows) + 2 * QUIET
    canvas.saveState()
    canvas.translate(left, _HEIGHT - top - _SQUARE)
    canvas.scale(_SQUARE / size, _SQUARE / size)
    parts = [
        f"{QUIET + start} {size - QUIET - y - 1} {length} 1 re" for y, row in enumerate(rows) for start, length in row
    ]
    canvas.addLiteral(f"{' '.join(parts)} f")
    canvas.restoreState()


def _draw_columns(canvas: Any, sections: tuple[Section, ...], top: float) -> None:
    width = (_WIDTH - 2 * _MARGIN - _GUTTER * (len(sections) - 1)) / len(sections)
    room = _TEXT_END - top
    for size in _SIZES:
        columns = [_column(section, size, width) for section in sections]
        if max(_column_height(column, size) for column in columns) <= room:
            break
    for place, column in enumerate(columns):
        left, line = _MARGIN + place * (width + _GUTTER), top
        for text, font, indent, above in column:
            line += size * (above + 1.25)
            canvas.setFont(font, size)
            canvas.drawString(left + indent, _HEIGHT - line, text)


def _column_height(column: list[_Line], size: float) -> float:
    return sum(size * (above + 1.25) for _, _, _, above in column)


def _column(section: Section, size: float, width: float) -> list[_Line]:
    """All lines of the letter in one language."""
    lines: list[_Line] = []

    def add(text: str, *, mark: str = "", font: str = PLAIN, above: float = 0.6) -> None:
        indent = 1.4 * size if mark else 0.0
        for place, line in enumerate(_wrapped_at(text, font, size, width - indent)):
            if mark and not place:
                lines.append((mark, font, 0.3 * size, above))
                # The text stands on the line of its mark.
                lines.append((line, font, indent, -1.25))
            else:
                lines.append((line, font, indent, 0.0 if place else above))

    add(section.greeting, above=0.0)
    add(section.opening)
    for place, student in enumerate(section.students):
        add(student, mark="•", font=BOLD, above=0.0 if place else 0.2)
    for place, step in enumerate(section.steps):
        add(step, mark=f"{place + 1}.", above=0.2 if place else 0.6)
    add(section.questions)
    for phone in section.phones:
        add(phone, above=0.0)
    for place, warning in enumerate(section.warnings):
        add(warning, font=PLAIN if place else BOLD, above=0.2 if place else 0.6)
    return lines


# ------------------------------------------------------------------------------------------------ lines
def _say(canvas: Any, text: str, font: str, size: float, at: tuple[float, float], *, width: float) -> None:
    """One line, smaller where it would be longer than there is room."""
    wide = pdfmetrics.stringWidth(text, font, size)
    if wide > width:
        size *= width / wide
    canvas.setFont(font, size)
    canvas.drawString(at[0], _HEIGHT - at[1], text)


@lru_cache(maxsize=4096)
def _wrapped_at(text: str, font: str, size: float, width: float) -> tuple[str, ...]:
    """The lines of a text; a word that is longer than a line is cut."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if pdfmetrics.stringWidth(longer, font, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while pdfmetrics.stringWidth(line, font, size) > width:
            fits = next(n for n in range(len(line) - 1, 0, -1) if pdfmetrics.stringWidth(line[:n], font, size) <= width)
            lines.append(line[:fits])
            line = line[fits:]
    return (*lines, line)
