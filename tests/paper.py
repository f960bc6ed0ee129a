"""Reads letters on paper as their reader does: what stands on each sheet, and what a camera makes of its square."""

import re
from pathlib import Path
from typing import Any

import html5lib
import pypdfium2
import zxingcpp
from PIL import Image, ImageDraw

_SVG = "{http://www.w3.org/2000/svg}"


def sheets(path: Path) -> list[str]:
    """The text of each sheet of a PDF, as one line."""
    with pypdfium2.PdfDocument(path) as document:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


def squares(path: Path) -> list[str]:
    """What a camera reads on each sheet of a PDF."""
    with pypdfium2.PdfDocument(path) as document:
        return [_read(page.render(scale=2).to_pil()) for page in document]


def in_window(path: Path, sheet: int = 0) -> str:
    """What the window of an envelope may show of a sheet, however the sheet lies in it."""
    with pypdfium2.PdfDocument(path) as document:
        page = document[sheet]
        shown = page.get_textpage().get_text_bounded(
            left=0, top=792 - 2.04 * 72, right=5.4 * 72, bottom=792 - 3.63 * 72
        )
        return " ".join(shown.split())


def articles(path: Path) -> list[Any]:
    """The letters on a page for a browser."""
    page = html5lib.parse(path.read_text(encoding="utf-8"), namespaceHTMLElements=False)
    found: list[Any] = page.findall(".//article")
    return found


def text_of(article: Any) -> str:
    return " ".join("".join(article.itertext()).split())


def square_of(article: Any) -> str:
    """What a camera reads of an SVG path of rectangles."""
    svg = article.find(f".//{_SVG}svg")
    width = int(svg.get("viewBox").split()[2])
    picture = Image.new("L", (width * 6, width * 6), 255)
    pen = ImageDraw.Draw(picture)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg.findall(f"{_SVG}path")[1].get("d")):
        left, top = int(x) * 6, int(y) * 6
        pen.rectangle((left, top, left + int(length) * 6 - 1, top + 5), fill=0)
    return _read(picture)


def _read(picture: Any) -> str:
    [square] = zxingcpp.read_barcodes(picture)
    text: str = square.text
    return text
