"""Policy tables as a district might write them: the rows that come with the product, and words to make others of."""

from db.context import Role
from policies.guardianship import Standing
from policies.table import SHIPPED, Row, TableRefused, read_table
from policies.words import Action, Proof, Scope

TITLE, *ROWS = SHIPPED.read_text(encoding="utf-8").splitlines()
#: All words by column, those included that may not stand there.
WORDS = {
    "role": [*Role],
    "scope": [*Scope],
    "action": [*Action],
    "guardianship": [*Standing, "any"],
    "verification": [*Proof, "any"],
}
RESET = "designee,same_school,account:reset,confirmed,passed"


def table(*rows: str) -> str:
    """The text of a table with these rows."""
    return "\n".join([TITLE, *rows]) + "\n"


def read(text: str) -> tuple[Row, ...] | TableRefused:
    """The rows of a table, or the refusal of it."""
    try:
        return read_table(text)
    except TableRefused as problem:
        return problem
