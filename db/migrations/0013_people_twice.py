"""People of one name are found together, however the name is written."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FUNCTIONS = {
    # Family and given name, each run together and folded as people's words are in `0006_people_search`; null where
    # neither has a letter.
    "portal_name_key(text, text)": """
        CREATE FUNCTION portal_name_key(given text, family text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN nullif(
            coalesce((portal_endings(portal_words(family)))[1], '') || ' '
            || coalesce((portal_endings(portal_words(given)))[1], ''), ' ')""",
}

INDEXES: dict[str, str] = {
    "person_name_key": "INDEX {name} ON person (name_key, id)",
    # For whatever refers to a record that is merged.
    "verification_requester": "INDEX {name} ON verification (requester_id)",
    "verification_student": "INDEX {name} ON verification (student_id)",
    "work_order_guardian": "INDEX {name} ON work_order (guardian_id) WHERE guardian_id IS NOT NULL",
    "restriction_lifted": "INDEX {name} ON restriction (guardianship_id) WHERE lifted_at IS NOT NULL",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0012_birth_dates")]

    initial = False

    operations = [
        ops.RunSQL(
            [
                *FUNCTIONS.values(),
                "ALTER TABLE person ADD COLUMN name_key text GENERATED ALWAYS AS (portal_name_key(given, family)) STORED",
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
            ],
            reverse_sql=[
                *(f"DROP INDEX {name}" for name in INDEXES),
                "ALTER TABLE person DROP COLUMN name_key",
                *(f"DROP FUNCTION {name}" for name in reversed(FUNCTIONS)),
            ],
        )
    ]
