"""Merges that nobody can undo any more are found by their age."""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: name -> definition
INDEXES: dict[str, str] = {
    "person_merge_age": "INDEX {name} ON person_merge (merged_at)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0013_people_twice")]

    initial = False

    operations = [
        ops.RunSQL(
            [f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()],
            reverse_sql=[f"DROP INDEX {name}" for name in INDEXES],
        ),
    ]
