"""Letters as one page for a browser, which prints each on a sheet of its own. Nothing is loaded from elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mail.paper.qr import svg_path
from mail.paper.text import Page

HERE: Final = Path(__file__).parent


def draw_html(file: IO[bytes], pages: Iterable[Page]) -> None:
    """Writes the letters, one after the other."""
    # Whatever is put in is escaped: a name cannot be markup.
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["svg_path"] = svg_path
    for part in environment.get_template("letters.html").generate(pages=pages):
        file.write(part.encode())
