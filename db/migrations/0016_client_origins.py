"""What a service client is given fits its kind, none is named as another but for capitals, and a front end is found by
the origin of its pages."""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "service_client": {
        "service_client_roles_of_kind": "CHECK ((kind <> 'REPORTING' OR roles <@ ARRAY['reporter']) "
        "AND (kind <> 'DESIGNEE_TOOL' OR roles <@ ARRAY['designee', 'registrar', 'technology']) "
        "AND (kind <> 'PORTAL_FRONT_END' OR roles <@ ARRAY['guardian', 'student']))",
        "service_client_schools_of_kind": "CHECK (school_ids IS NULL "
        "OR (school_ids <> '{}' AND kind <> 'PORTAL_FRONT_END'))",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "service_client_name_folded": "UNIQUE INDEX {name} ON service_client (lower(name))",
    "service_client_origin": "INDEX {name} ON service_client USING gin (origins) WHERE revoked_at IS NULL",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0015_changes_and_clients")]

    initial = False

    operations = [
        ops.RunSQL(
            [
                *(
                    f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {definition}'
                    for table, named in CONSTRAINTS.items()
                    for name, definition in named.items()
                ),
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
            ],
            reverse_sql=[
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
            ],
        ),
    ]
