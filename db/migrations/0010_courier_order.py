"""Letters that somebody waits for go first; and since when the mail relay cannot be used, for all couriers together."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

#: When a letter is to be taken: as if it had been due for longer, where somebody sits and waits for it. So no kind ever
#: stands still for others: whatever is older than that goes before them. In UTC, so that the answer never changes.
TURN = """
CREATE FUNCTION letter_turn(kind text, due_at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (due_at AT TIME ZONE 'UTC' - CASE
        WHEN kind IN ('RESET_LINK', 'ACTIVATION_KEY') THEN interval '1 day'
        WHEN kind = 'LOG_ON_INFORMATION' THEN interval '1 hour'
        ELSE interval '0'
    END) AT TIME ZONE 'UTC'
$$
"""

#: name -> definition
INDEXES: dict[str, str] = {
    "letter_next": "INDEX {name} ON letter (letter_turn(kind, due_at)) WHERE state = 'WAITING'",
    # With all that is counted of those that wait.
    "letter_waiting": "INDEX {name} ON letter (due_at) INCLUDE (promised_at, retried_at) WHERE state = 'WAITING'",
}
#: What letter_waiting was before.
WAITING = "INDEX letter_waiting ON letter (due_at) WHERE state = 'WAITING'"


class Migration(migrations.Migration):
    dependencies = [("db", "0009_log_in_waits")]

    initial = False

    operations = [
        ops.AddField(
            model_name="MailPace",
            name="trouble_since",
            field=fields.DatetimeField(
                null=True,
                description="Since when the mail relay cannot be used, as far as couriers know.",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.RunSQL(
            [
                TURN,
                "DROP INDEX letter_waiting",
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
            ],
            reverse_sql=[
                *(f"DROP INDEX {name}" for name in INDEXES),
                f"CREATE {WAITING}",
                "DROP FUNCTION letter_turn(text, timestamptz)",
            ],
        ),
    ]
