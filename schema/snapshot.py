"""Keeps schema/schema.graphql, which front ends read and reviews compare, equal to the schema."""

import sys

from schema.build import SNAPSHOT, schema


def text() -> str:
    """The schema in its definition language."""
    return schema.as_str() + "\n"


def main() -> None:
    """Writes the snapshot; with `--check`, only says whether it is up to date (exit code 1 when it is not)."""
    if "--check" not in sys.argv[1:]:
        SNAPSHOT.write_text(text(), encoding="utf-8")
    elif not SNAPSHOT.exists() or SNAPSHOT.read_text(encoding="utf-8") != text():
        sys.exit("schema/schema.graphql is out of date: run `make schema` and look at what changed.")


if __name__ == "__main__":
    main()
