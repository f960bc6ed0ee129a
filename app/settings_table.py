"""The table of settings in docs/settings.md, made from the code so that neither can lack what the other has."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from app.settings import Settings

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"
_BEGIN, _END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def table() -> str:
    """One row a setting: variable, default, what it is for."""
    lines = ["| variable | default | what it is for |", "|---|---|---|"]
    for name, field in sorted(Settings.model_fields.items()):
        default = field.get_default()
        shown = "" if default in (None, (), PydanticUndefined) else f"`{default}`"
        lines.append(f"| `PORTAL_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def with_table(document: str) -> str:
    """The document with the table as it is now."""
    head, _, rest = document.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
