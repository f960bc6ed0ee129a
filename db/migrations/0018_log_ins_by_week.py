"""Log-ins are counted by the week without reading the rest of the trail."""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: name -> definition
INDEXES: dict[str, str] = {
    "trail_entry_log_in": "INDEX {name} ON trail_entry (at) INCLUDE (about_account_id) "
    "WHERE step = 'session:login' AND outcome = 'DONE'",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0017_locks_are_changes")]

    initial = False

    operations = [
        ops.RunSQL(
            [f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()],
            reverse_sql=[f"DROP INDEX {name}" for name in INDEXES],
        ),
    ]
