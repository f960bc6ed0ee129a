"""Whose rights pass to the student soon is found by birth date."""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: name -> definition
INDEXES: dict[str, str] = {
    "student_birth_date": "INDEX {name} ON student (birth_date)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0011_registrars_desk")]

    initial = False

    operations = [
        ops.RunSQL(
            [f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()],
            reverse_sql=[f"DROP INDEX {name}" for name in INDEXES],
        ),
    ]
