"""The statements that bring households, guardianships and restrictions from a staged set into the tables."""

from db.roster.merge import Merge

HOUSEHOLDS = Merge(
    "households",
    "staged_household",
    change="""
        UPDATE household h
        SET name = s.name, street = s.street, city = s.city, state = s.state, postal_code = s.postal_code,
            phone = s.phone
        FROM staged_household s
        WHERE h.source_id = s.source_id
          -- what a registrar corrected stays corrected
          AND h.decided_by = 'ROSTER'
          AND (h.name, h.street, h.city, h.state, h.postal_code, h.phone)
              IS DISTINCT FROM (s.name, s.street, s.city, s.state, s.postal_code, s.phone)""",
    add="""
        INSERT INTO household (source_id, name, street, city, state, postal_code, phone)
        SELECT s.source_id, s.name, s.street, s.city, s.state, s.postal_code, s.phone FROM staged_household s
        WHERE NOT EXISTS (SELECT FROM household h WHERE h.source_id = s.source_id)""",
    missing="""
        SELECT count(*) FROM household h
        WHERE h.source_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM staged_household s WHERE s.source_id = h.source_id)""",
)

MEMBERS = Merge(
    "household members",
    "staged_member",
    prepare=(
        # The row with the same first day is the same membership; so is the only open one on record when the set has
        # only one, whose first day was then corrected.
        """
        CREATE TEMPORARY TABLE matched_member ON COMMIT DROP AS
        SELECT h.id AS household_id, p.id AS person_id, s.is_secondary, s.begins_on, s.ends_on,
               coalesce(same.id, CASE WHEN count(*) OVER (PARTITION BY h.id, p.id) = 1 THEN alone.id END) AS id
        FROM staged_member s
        JOIN household h ON h.source_id = s.household
        JOIN person p ON p.source_id = s.person
        LEFT JOIN household_member same
          ON same.household_id = h.id AND same.person_id = p.id AND same.begins_on IS NOT DISTINCT FROM s.begins_on
        LEFT JOIN (
            SELECT household_id, person_id, min(id) AS id FROM household_member WHERE ends_on IS NULL
            GROUP BY household_id, person_id HAVING count(*) = 1
        ) alone ON alone.household_id = h.id AND alone.person_id = p.id""",
        "ANALYZE matched_member",
    ),
    change="""
        UPDATE household_member m SET is_secondary = s.is_secondary, begins_on = s.begins_on, ends_on = s.ends_on
        FROM matched_member s
        WHERE m.id = s.id AND m.decided_by = 'ROSTER'
          AND (m.is_secondary, m.begins_on, m.ends_on) IS DISTINCT FROM (s.is_secondary, s.begins_on, s.ends_on)""",
    add="""
        INSERT INTO household_member (household_id, person_id, is_secondary, begins_on, ends_on)
        SELECT s.household_id, s.person_id, s.is_secondary, s.begins_on, s.ends_on
        FROM matched_member s
        WHERE s.id IS NULL
          -- Where a registrar linked somebody, or ended it, a set counts again only from a later day on.
          AND NOT EXISTS (
              SELECT FROM household_member r
              WHERE r.household_id = s.household_id AND r.person_id = s.person_id AND r.decided_by = 'REGISTRAR'
                AND (s.begins_on > r.ends_on) IS NOT TRUE)""",
    missing="""
        SELECT count(*) FROM household_member m
        JOIN household h ON h.id = m.household_id
        JOIN person p ON p.id = m.person_id
        WHERE m.decided_by = 'ROSTER' AND h.source_id IS NOT NULL AND p.source_id IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM staged_member s
              WHERE s.household = h.source_id AND s.person = p.source_id
                AND s.begins_on IS NOT DISTINCT FROM m.begins_on)""",
)

_CHANGE_GUARDIANSHIPS = """
    UPDATE guardianship g
    SET relationship = w.relationship, lives_with = w.lives_with, portal_access = w.portal_access, status = w.status,
        confirmed_at = CASE
            WHEN w.status = g.status THEN g.confirmed_at WHEN w.status = 'CONFIRMED' THEN run.at END,
        evidence = CASE
            WHEN w.status = g.status THEN g.evidence WHEN w.status = 'CONFIRMED' THEN 'Legal guardian in the roster' END
    FROM wished_guardianship w CROSS JOIN staged_run run
    WHERE g.id = w.id
      -- once more, for a registrar who decides while an import runs
      AND g.decided_by = 'ROSTER' AND g.status <> 'REVOKED'
      AND (g.relationship, g.lives_with, g.portal_access, g.status)
          IS DISTINCT FROM (w.relationship, w.lives_with, w.portal_access, w.status)
"""

GUARDIANSHIPS = Merge(
    "guardianships",
    "staged_guardianship",
    prepare=(
        # A blank flag says nothing and changes nothing. What a registrar decided is not in this table at all, and a
        # revoked guardianship comes back only through the registrar.
        """
        CREATE TEMPORARY TABLE wished_guardianship ON COMMIT DROP AS
        SELECT w.*, (g.status = 'CONFIRMED' AND w.status = 'CLAIMED') OR (g.portal_access AND NOT w.portal_access)
               AS takes_away
        FROM (
            SELECT g.id, s.relationship, coalesce(s.lives_with, g.lives_with) AS lives_with,
                   coalesce(s.portal, g.portal_access) AS portal_access,
                   CASE s.legal_guardian
                   WHEN TRUE THEN 'CONFIRMED' WHEN FALSE THEN 'CLAIMED' ELSE g.status END AS status
            FROM staged_guardianship s
            JOIN person a ON a.source_id = s.guardian
            JOIN person b ON b.source_id = s.student
            JOIN guardianship g ON g.guardian_id = a.id AND g.student_id = b.id
            WHERE g.decided_by = 'ROSTER' AND g.status <> 'REVOKED'
        ) w JOIN guardianship g USING (id)""",
        "ANALYZE wished_guardianship",
    ),
    end=_CHANGE_GUARDIANSHIPS + "AND w.takes_away",
    change=_CHANGE_GUARDIANSHIPS + "AND NOT w.takes_away",
    add="""
        INSERT INTO guardianship
            (guardian_id, student_id, relationship, status, portal_access, lives_with, adult_access, decided_by,
             confirmed_at, evidence)
        SELECT a.id, b.id, s.relationship, CASE WHEN s.legal_guardian THEN 'CONFIRMED' ELSE 'CLAIMED' END,
               coalesce(s.portal, FALSE), s.lives_with, FALSE, 'ROSTER',
               CASE WHEN s.legal_guardian THEN run.at END,
               CASE WHEN s.legal_guardian THEN 'Legal guardian in the roster' END
        FROM staged_guardianship s
        CROSS JOIN staged_run run
        JOIN person a ON a.source_id = s.guardian
        JOIN person b ON b.source_id = s.student
        WHERE NOT EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = a.id AND g.student_id = b.id)""",
    missing="""
        SELECT count(*) FROM guardianship g
        JOIN person a ON a.id = g.guardian_id
        JOIN person b ON b.id = g.student_id
        WHERE g.decided_by = 'ROSTER' AND g.status <> 'REVOKED'
          AND NOT EXISTS (
              SELECT FROM staged_guardianship s WHERE s.guardian = a.source_id AND s.student = b.source_id)""",
)

RESTRICTIONS = Merge(
    "restrictions",
    "staged_restriction",
    prepare=(
        # `id` is the restriction in force that came from a roster: one that says as much already, where there are
        # several, as after two records were made one. One that the registrar lifted stays lifted unless the set's
        # begins later than that.
        """
        CREATE TEMPORARY TABLE matched_restriction ON COMMIT DROP AS
        SELECT g.id AS guardianship_id, s.begins_on, s.ends_on,
               (SELECT r.id FROM restriction r
                WHERE r.guardianship_id = g.id AND r.decided_by = 'ROSTER' AND r.lifted_at IS NULL
                ORDER BY r.begins_on <= coalesce(s.begins_on, r.begins_on)
                         AND (r.ends_on IS NULL OR r.ends_on >= s.ends_on) DESC NULLS LAST, r.id DESC
                LIMIT 1) AS id,
               EXISTS (SELECT FROM restriction r
                WHERE r.guardianship_id = g.id AND r.decided_by = 'ROSTER' AND r.lifted_at IS NOT NULL
                  AND (s.begins_on IS NULL OR s.begins_on <= r.lifted_at::date)) AS was_lifted
        FROM staged_restriction s
        JOIN person a ON a.source_id = s.guardian
        JOIN person b ON b.source_id = s.student
        JOIN guardianship g ON g.guardian_id = a.id AND g.student_id = b.id""",
        "ANALYZE matched_restriction",
    ),
    # Only ever made longer: an import lifts no restriction, nor a part of one.
    change="""
        UPDATE restriction r
        SET begins_on = least(r.begins_on, s.begins_on),
            ends_on = CASE WHEN r.ends_on IS NOT NULL AND s.ends_on IS NOT NULL THEN greatest(r.ends_on, s.ends_on) END
        FROM (
            SELECT id, min(begins_on) AS begins_on,
                   CASE WHEN bool_and(ends_on IS NOT NULL) THEN max(ends_on) END AS ends_on
            FROM matched_restriction GROUP BY id
        ) s
        WHERE r.id = s.id AND r.lifted_at IS NULL
          AND (s.begins_on < r.begins_on
               OR (r.ends_on IS NOT NULL AND (s.ends_on IS NULL OR s.ends_on > r.ends_on)))""",
    add="""
        INSERT INTO restriction (guardianship_id, kind, begins_on, ends_on, decided_by)
        SELECT s.guardianship_id, 'restricted in the roster',
               coalesce(s.begins_on, least(run.today, s.ends_on)), s.ends_on, 'ROSTER'
        FROM matched_restriction s CROSS JOIN staged_run run
        WHERE s.id IS NULL AND NOT s.was_lifted""",
    missing="""
        SELECT count(*) FROM restriction r
        JOIN guardianship g ON g.id = r.guardianship_id
        JOIN person a ON a.id = g.guardian_id
        JOIN person b ON b.id = g.student_id
        WHERE r.decided_by = 'ROSTER' AND r.lifted_at IS NULL
          AND NOT EXISTS (
              SELECT FROM staged_restriction s WHERE s.guardian = a.source_id AND s.student = b.source_id)""",
)
