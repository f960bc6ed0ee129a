"""The statements that bring schools, people, students and their accounts from a staged set into the tables."""

from db.roster.merge import Merge

SCHOOLS = Merge(
    "schools",
    "staged_school",
    change="""
        UPDATE school t SET name = s.name, phone = s.phone
        FROM staged_school s
        WHERE t.source_id = s.source_id AND (t.name, t.phone) IS DISTINCT FROM (s.name, s.phone)""",
    add="""
        INSERT INTO school (source_id, name, phone)
        SELECT s.source_id, s.name, s.phone FROM staged_school s
        WHERE NOT EXISTS (SELECT FROM school t WHERE t.source_id = s.source_id)""",
    missing="""
        SELECT count(*) FROM school t
        WHERE t.source_id IS NOT NULL AND NOT EXISTS (SELECT FROM staged_school s WHERE s.source_id = t.source_id)""",
)

PEOPLE = Merge(
    "people",
    "staged_person",
    change="""
        UPDATE person p
        SET given = s.given, middle = s.middle, family = s.family, suffix = s.suffix, preferred = s.preferred,
            email = s.email, email_folded = s.email_folded
        FROM staged_person s
        WHERE p.source_id = s.source_id
          AND (p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.email_folded)
              IS DISTINCT FROM (s.given, s.middle, s.family, s.suffix, s.preferred, s.email, s.email_folded)""",
    add="""
        INSERT INTO person (source_id, given, middle, family, suffix, preferred, email, email_folded)
        SELECT s.source_id, s.given, s.middle, s.family, s.suffix, s.preferred, s.email, s.email_folded
        FROM staged_person s
        WHERE NOT EXISTS (SELECT FROM person p WHERE p.source_id = s.source_id)""",
    missing="""
        SELECT count(*) FROM person p
        WHERE p.source_id IS NOT NULL AND NOT EXISTS (SELECT FROM staged_person s WHERE s.source_id = p.source_id)""",
)

#: Staged students whose number belongs to somebody on record who is not in the set.
NUMBERS_TAKEN = """
    SELECT s.row
    FROM staged_student s
    JOIN student t ON t.student_number = s.student_number
    JOIN person p ON p.id = t.id
    WHERE NOT t.number_is_shared
      AND NOT EXISTS (SELECT FROM staged_student other WHERE other.source_id = p.source_id)
    GROUP BY s.row ORDER BY s.row"""

SET_STAGED_NUMBERS_APART = """
    UPDATE staged_student s SET number_is_shared = TRUE
    FROM student t JOIN person p ON p.id = t.id
    WHERE t.student_number = s.student_number AND NOT s.number_is_shared
      AND NOT EXISTS (SELECT FROM staged_student other WHERE other.source_id = p.source_id)"""

STUDENTS = Merge(
    "students",
    "staged_student",
    prepare=(
        # Two students may have swapped numbers, and the unique index looks at each row as it changes: numbers that
        # are about to change step out of it first.
        """
        UPDATE student t SET number_is_shared = TRUE
        FROM staged_student s JOIN person p ON p.source_id = s.source_id
        WHERE t.id = p.id AND t.student_number <> s.student_number AND NOT t.number_is_shared""",
        # Somebody on record who is not in the set has the number too: then it proves neither of them.
        """
        UPDATE student t SET number_is_shared = TRUE
        FROM staged_student s, person p
        WHERE p.id = t.id AND t.student_number = s.student_number AND NOT t.number_is_shared
          AND NOT EXISTS (SELECT FROM staged_student other WHERE other.source_id = p.source_id)""",
    ),
    change="""
        UPDATE student t
        SET student_number = s.student_number, number_is_shared = s.number_is_shared, birth_date = s.birth_date,
            ssn_state = s.ssn_state, ssn_proof = s.ssn_proof, ssn_proof_version = s.ssn_proof_version
        FROM staged_student s JOIN person p ON p.source_id = s.source_id
        WHERE t.id = p.id
          AND (t.student_number, t.number_is_shared, t.birth_date, t.ssn_state, t.ssn_proof, t.ssn_proof_version)
              IS DISTINCT FROM
              (s.student_number, s.number_is_shared, s.birth_date, s.ssn_state, s.ssn_proof, s.ssn_proof_version)""",
    add="""
        INSERT INTO student
            (id, student_number, number_is_shared, birth_date, ssn_state, ssn_proof, ssn_proof_version)
        SELECT p.id, s.student_number, s.number_is_shared, s.birth_date, s.ssn_state, s.ssn_proof, s.ssn_proof_version
        FROM staged_student s JOIN person p ON p.source_id = s.source_id
        WHERE NOT EXISTS (SELECT FROM student t WHERE t.id = p.id)""",
    missing="""
        SELECT count(*) FROM student t JOIN person p USING (id)
        WHERE p.source_id IS NOT NULL AND NOT EXISTS (SELECT FROM staged_student s WHERE s.source_id = p.source_id)""",
)

#: Accounts are only ever added: what happens to them afterwards is no matter of the roster.
ACCOUNTS = Merge(
    "accounts",
    "staged_account",
    add="""
        INSERT INTO account (person_id, capacity, status, must_change_password)
        SELECT p.id, s.capacity, 'NOT_ACTIVATED', FALSE
        FROM staged_account s JOIN person p ON p.source_id = s.person
        WHERE NOT EXISTS (SELECT FROM account a WHERE a.person_id = p.id AND a.capacity = s.capacity)""",
)
