"""The statements that bring enrolments, grades and attendance from a staged set into the tables."""

from db.roster.merge import Merge

ENROLMENTS = Merge(
    "enrolments",
    "staged_enrolment",
    prepare=(
        """
        CREATE TEMPORARY TABLE matched_enrolment ON COMMIT DROP AS
        SELECT p.id AS student_id, c.id AS school_id, s.grade_level, s.begins_on, s.ends_on,
               coalesce(same.id, alone.id) AS id
        FROM staged_enrolment s
        JOIN person p ON p.source_id = s.student
        JOIN school c ON c.source_id = s.school
        LEFT JOIN enrolment same
          ON same.student_id = p.id AND same.school_id = c.id AND same.begins_on IS NOT DISTINCT FROM s.begins_on
        LEFT JOIN (
            SELECT student_id, school_id, min(id) AS id FROM enrolment WHERE ends_on IS NULL
            GROUP BY student_id, school_id HAVING count(*) = 1
        ) alone ON alone.student_id = p.id AND alone.school_id = c.id""",
        "ANALYZE matched_enrolment",
    ),
    change="""
        UPDATE enrolment e SET grade_level = s.grade_level, begins_on = s.begins_on, ends_on = s.ends_on
        FROM matched_enrolment s
        WHERE e.id = s.id
          AND (e.grade_level, e.begins_on, e.ends_on) IS DISTINCT FROM (s.grade_level, s.begins_on, s.ends_on)""",
    add="""
        INSERT INTO enrolment (student_id, school_id, grade_level, begins_on, ends_on)
        SELECT s.student_id, s.school_id, s.grade_level, s.begins_on, s.ends_on
        FROM matched_enrolment s WHERE s.id IS NULL""",
    missing="""
        SELECT count(*) FROM enrolment e
        JOIN person p ON p.id = e.student_id
        JOIN school c ON c.id = e.school_id
        WHERE p.source_id IS NOT NULL AND c.source_id IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM staged_enrolment s WHERE s.student = p.source_id AND s.school = c.source_id)""",
)

GRADES = Merge(
    "grades",
    "staged_grade",
    change="""
        UPDATE grade g
        SET student_id = p.id, course = s.course, title = s.title, score = s.score, maximum = s.maximum,
            scored_on = s.scored_on
        FROM staged_grade s JOIN person p ON p.source_id = s.student
        WHERE g.source_id = s.source_id
          AND (g.student_id, g.course, g.title, g.score, g.maximum, g.scored_on)
              IS DISTINCT FROM (p.id, s.course, s.title, s.score, s.maximum, s.scored_on)""",
    add="""
        INSERT INTO grade (source_id, student_id, course, title, score, maximum, scored_on)
        SELECT s.source_id, p.id, s.course, s.title, s.score, s.maximum, s.scored_on
        FROM staged_grade s JOIN person p ON p.source_id = s.student
        WHERE NOT EXISTS (SELECT FROM grade g WHERE g.source_id = s.source_id)""",
    missing="""
        SELECT count(*) FROM grade g
        WHERE g.source_id IS NOT NULL AND NOT EXISTS (SELECT FROM staged_grade s WHERE s.source_id = g.source_id)""",
)

ATTENDANCE = Merge(
    "attendance events",
    "staged_attendance",
    change="""
        UPDATE attendance_event e
        SET student_id = p.id, school_id = c.id, happened_on = s.happened_on, category = s.category, reason = s.reason
        FROM staged_attendance s
        JOIN person p ON p.source_id = s.student
        JOIN school c ON c.source_id = s.school
        WHERE e.source_id = s.source_id
          AND (e.student_id, e.school_id, e.happened_on, e.category, e.reason)
              IS DISTINCT FROM (p.id, c.id, s.happened_on, s.category, s.reason)""",
    add="""
        INSERT INTO attendance_event (source_id, student_id, school_id, happened_on, category, reason)
        SELECT s.source_id, p.id, c.id, s.happened_on, s.category, s.reason
        FROM staged_attendance s
        JOIN person p ON p.source_id = s.student
        JOIN school c ON c.source_id = s.school
        WHERE NOT EXISTS (SELECT FROM attendance_event e WHERE e.source_id = s.source_id)""",
    missing="""
        SELECT count(*) FROM attendance_event e
        WHERE e.source_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM staged_attendance s WHERE s.source_id = e.source_id)""",
)
