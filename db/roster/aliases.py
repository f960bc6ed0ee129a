"""A set from the roster knows nothing of records that were merged: what it says of the one is said of the other.

Whatever a staged row says of a person who was merged away is rewritten to the record that goes on. Doubles that arise
are joined as `db/merge_plan.py` joins what is on record, so that an import after a merge changes nothing by itself.
"""

from asyncpg import Connection

#: source id of a merged record -> that of the record that goes on, however often it was merged. In the order in which
#: their ties were joined: whoever was merged before, with all whom that one had taken in, goes before.
_ALIASES = """
    CREATE TEMPORARY TABLE staged_alias ON COMMIT DROP AS
    WITH RECURSIVE way AS (
        SELECT p.id AS merged_id, p.source_id, p.merged_into_id AS id, ARRAY[m.id] AS merges
        FROM person p JOIN person_merge m ON m.merged_id = p.id AND m.undone_at IS NULL
        WHERE p.merged_into_id IS NOT NULL AND p.source_id IS NOT NULL
        UNION ALL
        SELECT way.merged_id, way.source_id, p.merged_into_id, m.id || way.merges
        FROM way JOIN person p ON p.id = way.id JOIN person_merge m ON m.merged_id = p.id AND m.undone_at IS NULL
        WHERE p.merged_into_id IS NOT NULL
    )
    SELECT way.merged_id, way.source_id, p.source_id AS goes_on, row_number() OVER (ORDER BY way.merges) AS place
    FROM way JOIN person p ON p.id = way.id
    WHERE p.merged_into_id IS NULL AND p.source_id IS NOT NULL"""

#: table -> the columns that name people
_NAMED = {
    "staged_account": ("person",),
    "staged_member": ("person",),
    "staged_guardianship": ("guardian", "student"),
    "staged_restriction": ("guardian", "student"),
    "staged_enrolment": ("student",),
    "staged_grade": ("student",),
    "staged_attendance": ("student",),
}

# What goes before what: the record that goes on before one that was merged.
_OWN = "(SELECT coalesce(max(a.place), 0) FROM staged_alias a WHERE a.source_id = {0})"

_REWRITE = (
    # A merged record stays as it is: its row says what is on record.
    """
    UPDATE staged_person s
    SET given = p.given, middle = p.middle, family = p.family, suffix = p.suffix, preferred = p.preferred,
        email = p.email, email_folded = p.email_folded
    FROM staged_alias a JOIN person p ON p.id = a.merged_id
    WHERE s.source_id = a.source_id""",
    # A proof is taken over where the record that goes on has none that can be used.
    """
    UPDATE staged_student s
    SET ssn_state = m.ssn_state, ssn_proof = m.ssn_proof, ssn_proof_version = m.ssn_proof_version
    FROM (
        SELECT DISTINCT ON (a.goes_on) a.goes_on, t.ssn_state, t.ssn_proof, t.ssn_proof_version
        FROM staged_alias a JOIN staged_student t ON t.source_id = a.source_id
        WHERE t.ssn_state = 'ON_FILE' ORDER BY a.goes_on, a.place
    ) m
    WHERE s.source_id = m.goes_on AND s.ssn_state <> 'ON_FILE'""",
    "DELETE FROM staged_student s USING staged_alias a WHERE s.source_id = a.source_id",
)

_JOIN = (
    # Nobody is one's own guardian, whatever a set says of two records that are one.
    "DELETE FROM staged_guardianship WHERE guardian = student",
    "DELETE FROM staged_restriction WHERE guardian = student",
    "DELETE FROM staged_account WHERE ctid NOT IN (SELECT min(ctid) FROM staged_account GROUP BY person, capacity)",
    """
    DELETE FROM staged_restriction
    WHERE ctid NOT IN (SELECT min(ctid) FROM staged_restriction GROUP BY guardian, student, begins_on, ends_on)""",
    # Of two guardianships of one pair: the one that is confirmed, then one of which nothing is said, then the own.
    """
    UPDATE staged_guardianship s
    SET relationship = one.relationship, lives_with = one.lives_with, legal_guardian = one.legal_guardian,
        portal = one.portal
    FROM (
        SELECT guardian, student,
               (array_agg(relationship ORDER BY place))[1] AS relationship,
               (array_agg(lives_with ORDER BY lives_with IS NULL, place))[1] AS lives_with,
               (array_agg(legal_guardian ORDER BY rank, place))[1] AS legal_guardian,
               (array_agg(portal ORDER BY rank, place))[1] AS portal
        FROM (
            SELECT *, CASE legal_guardian WHEN TRUE THEN 0 WHEN FALSE THEN 2 ELSE 1 END AS rank FROM staged_guardianship
        ) AS ranked
        GROUP BY guardian, student HAVING count(*) > 1
    ) one
    WHERE s.guardian = one.guardian AND s.student = one.student""",
    """
    DELETE FROM staged_guardianship s USING staged_guardianship o
    WHERE o.guardian = s.guardian AND o.student = s.student AND o.ctid < s.ctid""",
    # All memberships of one household, where they were two people's.
    """
    UPDATE staged_member s
    SET is_secondary = one.is_secondary, begins_on = one.begins_on, ends_on = one.ends_on
    FROM (
        SELECT household, person, bool_and(is_secondary) AS is_secondary,
               CASE WHEN bool_and(begins_on IS NOT NULL) THEN min(begins_on) END AS begins_on,
               CASE WHEN bool_and(ends_on IS NOT NULL) THEN max(ends_on) END AS ends_on
        FROM staged_member GROUP BY household, person HAVING count(DISTINCT place) > 1
    ) one
    WHERE s.household = one.household AND s.person = one.person""",
    """
    DELETE FROM staged_member s USING staged_member o
    WHERE o.household = s.household AND o.person = s.person AND o.begins_on IS NOT DISTINCT FROM s.begins_on
      AND o.ends_on IS NOT DISTINCT FROM s.ends_on AND o.ctid < s.ctid""",
    # Enrolments at one school from one day on.
    """
    UPDATE staged_enrolment s SET grade_level = one.grade_level, ends_on = one.ends_on
    FROM (
        SELECT student, school, begins_on,
               (array_agg(grade_level ORDER BY grade_level IS NULL, place))[1] AS grade_level,
               CASE WHEN bool_and(ends_on IS NOT NULL) THEN max(ends_on) END AS ends_on
        FROM staged_enrolment GROUP BY student, school, begins_on HAVING count(*) > 1
    ) one
    WHERE s.student = one.student AND s.school = one.school AND s.begins_on IS NOT DISTINCT FROM one.begins_on""",
    """
    DELETE FROM staged_enrolment s USING staged_enrolment o
    WHERE o.student = s.student AND o.school = s.school AND o.begins_on IS NOT DISTINCT FROM s.begins_on
      AND o.ctid < s.ctid""",
)

#: Tables of which doubles are joined by whose they were.
_PLACED = {
    "staged_guardianship": ("guardian", "student"),
    "staged_member": ("person",),
    "staged_enrolment": ("student",),
}


async def follow_merges(connection: Connection) -> None:
    """Rewrites the staged rows to the records that go on. Of a district in which nobody was merged nothing is read."""
    await connection.execute(_ALIASES)
    if not await connection.fetchval("SELECT count(*) FROM staged_alias"):
        return
    await connection.execute("ANALYZE staged_alias")
    for statement in _REWRITE:
        await connection.execute(statement)
    for table, columns in _PLACED.items():
        places = " + ".join(_OWN.format(column) for column in columns)
        await connection.execute(f"ALTER TABLE {table} ADD COLUMN place bigint")
        await connection.execute(f"UPDATE {table} SET place = {places}")  # noqa: S608  # all of it stands above
    for table, columns in _NAMED.items():
        for column in columns:
            renamed = f"SET {column} = a.goes_on FROM staged_alias a WHERE s.{column} = a.source_id"
            await connection.execute(f"UPDATE {table} s {renamed}")  # likewise
    for statement in _JOIN:
        await connection.execute(statement)
    for table in (*_NAMED, "staged_student"):
        await connection.execute(f"ANALYZE {table}")
