"""Districts of a size, filled by the database itself: schools of one size, one student to two guardians."""

from dataclasses import replace

import asyncpg

from bench.ground import Ground

#: Students at each school, in any district: a larger one has more schools.
AT_SCHOOL = 1000
#: The staff who read: of the district, and of one school.
REPORTERS = {"district": "reporter.district", "school": "reporter.school"}

#: What an import would have worked out is written down as it is, and nobody is told of the accounts: filling is not
#: what is measured. Six in ten are active, two in a hundred disabled; three students in a hundred are at no school.
_FILL = """
ALTER TABLE account DISABLE TRIGGER USER;
DROP INDEX person_name_words;
ALTER TABLE person ALTER COLUMN name_words DROP EXPRESSION;
ALTER TABLE person ALTER COLUMN name_key DROP EXPRESSION;
INSERT INTO school (id, name, phone)
    SELECT n, 'School ' || lpad((n * 37 % 10007)::text, 5, '0'), '555' FROM generate_series(1, {schools}) n;
INSERT INTO person (id, given, family, name_key)
    SELECT n, given, family, lower(family) || ' ' || lower(given)
    FROM (SELECT n, initcap(translate(substr(md5('g' || n), 1, 3), '0123456789', 'ghijklmnop')) AS given,
                 initcap(translate(substr(md5('f' || n), 1, 3), '0123456789', 'ghijklmnop')) || 'er' AS family
          FROM generate_series(1, {accounts}) n) AS named;
INSERT INTO student (id, student_number, number_is_shared, ssn_state)
    SELECT n, n::text, false, 'NOT_ON_FILE' FROM generate_series(1, {students}) n;
INSERT INTO enrolment (student_id, school_id, grade_level, ends_on)
    SELECT n, 1 + n % {schools}, lpad((1 + n / 7 % 12)::text, 2, '0'), CASE WHEN n % 33 = 0 THEN date '2020-06-01' END
    FROM generate_series(1, {students}) n;
INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
    SELECT {students} + n, 1 + n / 2 % {students}, 'mother', 'CONFIRMED', true, false, 'ROSTER', now()
    FROM generate_series(1, {accounts} - {students}) n;
INSERT INTO account (id, person_id, capacity, status, disabled_reason, must_change_password, username, username_folded,
                     activated_at, last_login_at, name_key)
    SELECT p.id, p.id, CASE WHEN p.id <= {students} THEN 'STUDENT' ELSE 'GUARDIAN' END,
           CASE WHEN way < 60 THEN 'ACTIVE' WHEN way < 98 THEN 'NOT_ACTIVATED' ELSE 'DISABLED' END,
           CASE WHEN way >= 98 THEN 'STAFF_DECISION' END, false,
           CASE WHEN way < 60 THEN 'user' || p.id END, CASE WHEN way < 60 THEN 'user' || p.id END,
           CASE WHEN way < 60 OR way >= 98 THEN now() END,
           CASE WHEN way < 60 OR way >= 98 THEN now() - p.id * 7919 % 31536000 * interval '1 second' END, p.name_key
    FROM (SELECT person.*, person.id * 61 % 997 % 100 AS way FROM person) AS p;
ALTER TABLE account ENABLE TRIGGER USER;
SELECT setval('person_id_seq', {accounts}), setval('account_id_seq', {accounts}), setval('school_id_seq', {schools});
"""
_STAFF = """
WITH who AS (INSERT INTO person (given, family) VALUES ('Rita', 'Porter') RETURNING id),
role AS (INSERT INTO role_assignment (person_id, role, school_id) SELECT id, 'reporter', $1 FROM who)
INSERT INTO account (person_id, capacity, status, must_change_password, username, username_folded, password_hash,
                     activated_at)
SELECT id, 'STAFF', 'ACTIVE', false, $2, $2, $3, now() FROM who
"""


async def filled(ground: Ground, accounts: int) -> Ground:
    """A ground like this one, with so many accounts of students and guardians, and the two who read them."""
    made = replace(ground, url=ground.another(f"accounts_{accounts}"))
    connection = await asyncpg.connect(made.url, timeout=60)
    try:
        students = accounts // 3
        schools = max(1, students // AT_SCHOOL)
        await connection.execute(_FILL.format(accounts=accounts, students=students, schools=schools))
        for at, username in REPORTERS.items():
            await connection.execute(_STAFF, 1 if at == "school" else None, username, ground.password_hash)
        for table in ("person", "account", "student", "enrolment", "guardianship"):
            await connection.execute(f"VACUUM (ANALYZE) {table}")
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return made
