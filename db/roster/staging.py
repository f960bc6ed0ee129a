"""Lays a checked set down beside the district's tables, in tables of its own that vanish with the transaction."""

from collections.abc import Iterable, Iterator
from typing import Any

from asyncpg import Connection

from db.context import Context
from db.roster.records import CheckedSet, Student

#: table -> columns with their types, in the order in which the rows are made below
STAGED: dict[str, dict[str, str]] = {
    "staged_run": {"at": "timestamptz", "today": "date"},
    "staged_school": {"source_id": "text", "name": "text", "phone": "text"},
    "staged_person": {
        "source_id": "text",
        "given": "text",
        "middle": "text",
        "family": "text",
        "suffix": "text",
        "preferred": "text",
        "email": "text",
        "email_folded": "text",
    },
    "staged_account": {"person": "text", "capacity": "text"},
    "staged_student": {
        "source_id": "text",
        "student_number": "text",
        "number_is_shared": "boolean",
        "birth_date": "date",
        "ssn_state": "text",
        "ssn_proof": "bytea",
        "ssn_proof_version": "integer",
        "row": "integer",
    },
    "staged_household": {
        "source_id": "text",
        "name": "text",
        "street": "text",
        "city": "text",
        "state": "text",
        "postal_code": "text",
        "phone": "text",
    },
    "staged_member": {
        "household": "text",
        "person": "text",
        "is_secondary": "boolean",
        "begins_on": "date",
        "ends_on": "date",
    },
    "staged_guardianship": {
        "guardian": "text",
        "student": "text",
        "relationship": "text",
        "legal_guardian": "boolean",
        "portal": "boolean",
        "lives_with": "boolean",
    },
    "staged_restriction": {"guardian": "text", "student": "text", "begins_on": "date", "ends_on": "date"},
    "staged_enrolment": {
        "student": "text",
        "school": "text",
        "grade_level": "text",
        "begins_on": "date",
        "ends_on": "date",
    },
    "staged_grade": {
        "source_id": "text",
        "student": "text",
        "course": "text",
        "title": "text",
        "score": "text",
        "maximum": "text",
        "scored_on": "date",
    },
    "staged_attendance": {
        "source_id": "text",
        "student": "text",
        "school": "text",
        "happened_on": "date",
        "category": "text",
        "reason": "text",
    },
}

_Rows = Iterable[tuple[Any, ...]]


async def stage(connection: Connection, ctx: Context, records: CheckedSet) -> dict[str, int]:
    """Fills the staging tables of the connection's transaction by COPY. Numbers that prove something become proofs
    here, before anything reaches the database. Returns the number of rows of each table."""
    staged: dict[str, int] = {}
    rows = _rows(ctx, records)
    for table, columns in STAGED.items():
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        await connection.execute(f"CREATE TEMPORARY TABLE {table} ({listed}) ON COMMIT DROP")
        copied = await connection.copy_records_to_table(table, records=rows[table], columns=list(columns))
        staged[table] = int(copied.removeprefix("COPY "))
        # Nothing gathers statistics of a temporary table by itself, and without them large sets are joined badly.
        await connection.execute(f"ANALYZE {table}")
    return staged


def _rows(ctx: Context, records: CheckedSet) -> dict[str, _Rows]:
    return {
        "staged_run": [(ctx.now, ctx.today)],
        "staged_school": ((one.source_id, one.name, one.phone) for one in records.schools.values()),
        "staged_person": (
            (
                one.source_id,
                one.given,
                one.middle,
                one.family,
                one.suffix,
                one.preferred,
                one.email,
                one.email_folded,
            )
            for one in records.people.values()
        ),
        "staged_account": (
            (one.source_id, capacity.value) for one in records.people.values() for capacity in sorted(one.capacities)
        ),
        "staged_student": _students(ctx, records.students.values()),
        "staged_household": (
            (one.source_id, one.name, one.street, one.city, one.state, one.postal_code, one.phone)
            for one in records.households.values()
        ),
        "staged_member": (
            (one.household, one.person, one.is_secondary, one.begins_on, one.ends_on) for one in records.members
        ),
        "staged_guardianship": (
            (one.guardian, one.student, one.relationship, one.legal_guardian, one.portal, one.lives_with)
            for one in records.guardianships
        ),
        "staged_restriction": (
            (one.guardian, one.student, one.restricted_from, one.restricted_until)
            for one in records.guardianships
            if one.restricted
        ),
        "staged_enrolment": (
            (one.student, one.school, one.grade_level, one.begins_on, one.ends_on) for one in records.enrolments
        ),
        "staged_grade": (
            (one.source_id, one.student, one.course, one.title, one.score, one.maximum, one.scored_on)
            for one in records.grades
        ),
        "staged_attendance": (
            (one.source_id, one.student, one.school, one.happened_on, one.category, one.reason)
            for one in records.attendance
        ),
    }


def _students(ctx: Context, students: Iterable[Student]) -> Iterator[tuple[Any, ...]]:
    version = ctx.keys.current
    for one in students:
        proof = ctx.keys.ssn_proof(one.ssn.digits) if one.ssn.digits else None
        yield (
            one.source_id,
            one.number,
            one.number_is_shared,
            one.birth_date,
            one.ssn.state.value,
            proof,
            version if proof else None,
            one.row,
        )
