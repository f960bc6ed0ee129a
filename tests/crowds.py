"""Many accounts at once, for tests of pages: families at a few schools, filled by the database itself."""

from db import sql

#: People get ids from here on, and their accounts the same ones; students first, then their guardians, two each.
FIRST = 1_000_000
#: Accounts at each school, about.
AT_SCHOOL = 900

_FILL = """
INSERT INTO school (id, name) SELECT {first} + n, 'School ' || n FROM generate_series(1, {schools}) n;
INSERT INTO person (id, given, family)
    SELECT {first} + n, 'Given' || substr(md5(n::text), 1, 2), initcap(translate(substr(md5('x' || n), 1, 3),
        '0123456789', 'ghijklmnop'))
    FROM generate_series(1, {people}) n;
INSERT INTO student (id, student_number, number_is_shared, ssn_state)
    SELECT {first} + n, 'C' || n, false, 'NOT_ON_FILE' FROM generate_series(1, {students}) n;
INSERT INTO enrolment (student_id, school_id, grade_level)
    SELECT {first} + n, {first} + 1 + n % {schools}, '07' FROM generate_series(1, {students}) n;
INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
    SELECT {first} + {students} + n, {first} + 1 + n / 2 % {students}, 'mother', 'CONFIRMED', true, false,
           'ROSTER', now()
    FROM generate_series(1, {people} - {students}) n;
INSERT INTO account (id, person_id, capacity, status, disabled_reason, username, username_folded, activated_at,
                     last_login_at, must_change_password)
    SELECT {first} + n, {first} + n, CASE WHEN n <= {students} THEN 'STUDENT' ELSE 'GUARDIAN' END,
           CASE WHEN n % 3 = 0 THEN 'NOT_ACTIVATED' WHEN n % 20 = 1 THEN 'DISABLED' ELSE 'ACTIVE' END,
           CASE WHEN n % 3 > 0 AND n % 20 = 1 THEN 'STAFF_DECISION' END,
           CASE WHEN n % 3 > 0 THEN 'crowd' || n END, CASE WHEN n % 3 > 0 THEN 'crowd' || n END,
           CASE WHEN n % 3 > 0 THEN now() END,
           CASE WHEN n % 3 > 0 THEN now() - n % 97 * interval '1 day' END, false
    FROM generate_series(1, {people}) n;
ANALYZE;
"""


async def fill(accounts: int) -> None:
    """So many accounts of students and guardians, one to two, at schools of a size."""
    await sql.connection().execute_script(
        _FILL.format(first=FIRST, people=accounts, students=accounts // 3, schools=max(2, accounts // AT_SCHOOL))
    )
