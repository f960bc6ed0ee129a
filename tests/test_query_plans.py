"""The named queries on a filled district: each uses the indexes that its comment names; none reads a table whole."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import orjson
import pytest
from tortoise.context import TortoiseContext

from db import queries, sql
from db.queries import account_pages, directory, registrar
from db.queries.account_counts import ALL_PLACES
from db.queries.account_pages import COLUMNS
from db.queries.account_parts import ALIVE, AT, LOGIN, STATUS, WANTED, Asked, Statement
from db.queries.accounts_wanted import AccountOrder
from db.queries.attempts import ONE_MORE
from db.queries.guardianships import KEPT_AWAY, RESTRICTED
from db.queries.letters import OF_AGE
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import CURRENT, PLACES, SCHOOLS, SEEN, AccountReach, Reach
from db.queries.sessions import SESSION

#: Four thousand families: enough that reading a whole table is never the cheaper way.
DISTRICT = """
INSERT INTO person (id, given, family) SELECT n, 'Given' || n, 'Family' || n FROM generate_series(1, 8000) n;
INSERT INTO school (id, name, phone) SELECT n, 'School ' || n, '555' FROM generate_series(1, 40) n;
INSERT INTO student (id, student_number, number_is_shared, ssn_state, birth_date)
    SELECT n, '00' || n, false, 'NOT_ON_FILE', '2013-04-09' FROM generate_series(1, 4000) n;
INSERT INTO enrolment (student_id, school_id) SELECT n, n % 40 + 1 FROM generate_series(1, 4000) n;
INSERT INTO guardianship (id, guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
    SELECT n, 4000 + n, n, 'mother', 'CONFIRMED', true, false, 'ROSTER', now() FROM generate_series(1, 4000) n;
INSERT INTO restriction (guardianship_id, kind, begins_on, decided_by)
    SELECT n, 'no contact', '2026-01-01', 'REGISTRAR' FROM generate_series(1, 4000) n;
INSERT INTO account (id, person_id, capacity, status, must_change_password, username, username_folded, activated_at)
    SELECT n, n, CASE WHEN n <= 4000 THEN 'STUDENT' ELSE 'GUARDIAN' END, 'ACTIVE', false, 'user' || n, 'user' || n,
           now()
    FROM generate_series(1, 8000) n;
INSERT INTO role_assignment (person_id, role) SELECT n, 'registrar' FROM generate_series(1, 4000) n;
INSERT INTO activation_key (account_id, nonce, secret_version, digest, state, issued_at)
    SELECT n, substr(sha256(n::text::bytea), 1, 16), 1, sha256(n::text::bytea), 'CURRENT', now()
    FROM generate_series(1, 8000) n;
INSERT INTO device (id, account_id, digest, first_seen_at, last_seen_at, expires_at)
    SELECT n, n / 5 + 1, sha256(n::text::bytea), now(), now(), now() FROM generate_series(1, 8000) n;
INSERT INTO session (id, account_id, device_id, digest, started_at, last_seen_at, expires_at)
    SELECT n, n, n, sha256(n::text::bytea), now(), now(), now() + interval '1 hour' FROM generate_series(1, 8000) n;
INSERT INTO second_factor (id, account_id, sealed, secret_version, offered_at, confirmed_at, last_step)
    SELECT n, (n + 1) / 2, repeat('s', 60)::bytea, 1, now(), CASE WHEN n % 2 = 0 THEN now() END, 1 - n % 2
    FROM generate_series(1, 8000) n;
INSERT INTO recovery_code (account_id, digest, secret_version)
    SELECT n % 1000 + 1, sha256(n::text::bytea), 1 FROM generate_series(1, 10000) n;
INSERT INTO grade (student_id, course, title, scored_on)
    SELECT n % 4000 + 1, 'Art', 'Piece', date '2020-01-01' + n / 40 FROM generate_series(1, 40000) n;
INSERT INTO attendance_event (student_id, school_id, happened_on, category)
    SELECT n % 4000 + 1, n % 40 + 1, date '2020-01-01' + n / 40, 'Tardy' FROM generate_series(1, 40000) n;
INSERT INTO attempt_budget (id, spent, ends_at)
    SELECT 'login:' || n, 1, now() + n * interval '1 minute' FROM generate_series(1, 8000) n;
INSERT INTO login_streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version, wait_until)
    SELECT CASE WHEN n <= 4000 THEN 'account:' || n ELSE 'device:' || n END, CASE WHEN n <= 4000 THEN n END, 5, 5,
           now(), now() + n * interval '1 minute', 1, CASE WHEN n % 4 = 0 THEN now() + n * interval '1 second' END
    FROM generate_series(1, 8000) n;
INSERT INTO idempotent_answer (id, account_id, sealed, expires_at)
    SELECT n::text, n, '', now() + n * interval '1 minute' FROM generate_series(1, 4000) n;
INSERT INTO household (id, name) SELECT n, 'Home ' || n FROM generate_series(1, 4000) n;
INSERT INTO household_member (household_id, person_id, is_secondary)
    SELECT (n - 1) % 4000 + 1, n, false FROM generate_series(1, 8000) n;
INSERT INTO household_version (household_id, name, decided_by, replaced_at, replaced_by_id, reason)
    SELECT n, 'Home', 'ROSTER', now(), 1, 'Moved' FROM generate_series(1, 4000) n;
INSERT INTO verification (designee_id, requester_id, student_id, purpose, questions, attempts_left, state, started_at,
                          expires_at)
    SELECT 8000, n, n, 'RESET', '[]', 3, 'OPEN', now(), now() + n * interval '1 minute' FROM generate_series(1, 4000) n;
INSERT INTO trail_entry (at, step, outcome, address, request_id, details, uid, secret_version, mac, actor_account_id,
                         actor_person_id, about_account_id, about_person_id, about_student_id)
    SELECT now() - n * interval '1 minute', 'account:details', 'DONE', '', '', '{}',
           substr(sha256(n::text::bytea), 1, 16), 1, sha256(n::text::bytea), n, n, n, n, n % 4000 + 1
    FROM generate_series(1, 8000) n;
INSERT INTO letter (id, kind, person_id, address, address_digest, facts, message_id, state, promised_at, due_at,
                    sent_at, attempts)
    SELECT n, 'WELCOME', n, n || '@example.org', substr(sha256(n::text::bytea), 1, 16), '{}', '<' || n || '@x>',
           CASE WHEN n % 100 = 0 THEN 'WAITING' WHEN n % 100 = 50 THEN 'FAILED' ELSE 'SENT' END,
           now() - n * interval '1 minute', now() - n * interval '1 minute',
           CASE WHEN n % 50 <> 0 THEN now() END, 0
    FROM generate_series(1, 8000) n;
INSERT INTO undeliverable_address (email_folded, since, reason)
    SELECT n || '@example.org', now(), '550 No such user' FROM generate_series(1, 8000) n;
INSERT INTO recovery_token (account_id, kind, secret_version, digest, state, issued_at, expires_at, nonce, letter_id)
    SELECT n, 'LINK', 1, sha256(n::text::bytea), 'CURRENT', now(), now() + n * interval '1 minute',
           substr(sha256(n::text::bytea), 1, 16), n
    FROM generate_series(1, 8000) n;
INSERT INTO person_merge (id, kept_id, merged_id, merged_at, merged_by_id, reason, before)
    SELECT n, 4000 + n, n, now(), 8000, 'One person', '{"kind": "GUARDIAN"}' FROM generate_series(1, 3999) n;
INSERT INTO work_order (id, status, opened_at, opened_by_id, guardian_id, student_id, problem, resolution, resolved_at,
                        resolved_by_id)
    SELECT n, CASE WHEN n % 50 = 0 THEN 'OPEN' ELSE 'RESOLVED' END, now(), n, 4000 + n, n, 'Not seen',
           CASE WHEN n % 50 <> 0 THEN 'Done' END, CASE WHEN n % 50 <> 0 THEN now() END, CASE WHEN n % 50 <> 0 THEN n END
    FROM generate_series(1, 4000) n;
INSERT INTO saved_report (id, school_id, name, definition, created_by_id, created_at, changed_at)
    SELECT n, n % 40 + 1, 'Ours ' || n, '{}', n, now(), now() FROM generate_series(1, 4000) n;
INSERT INTO service_client (id, name, kind, public_id, roles, origins, created_at)
    SELECT n, 'Client ' || n, 'PORTAL_FRONT_END', 'pac_' || n, '{guardian}', ARRAY['https://' || n || '.example'], now()
    FROM generate_series(1, 4000) n;
INSERT INTO client_key (client_id, digest, beginning, issued_at)
    SELECT n, sha256(n::text::bytea), 'pak_', now() FROM generate_series(1, 4000) n;
INSERT INTO account_order_change (account_id, at, name_before, login_before)
    SELECT n, now() - n * interval '1 second', 'family' || n, now() - n * interval '1 day'
    FROM generate_series(1, 8000) n;
INSERT INTO letter_tally (id, n) VALUES ('SENT:WELCOME', 7840);
INSERT INTO mail_pace (id, next_at) VALUES (1, now());
UPDATE account_change SET number = id WHERE id <= 8995;
INSERT INTO account_feed (id, numbered, forgotten) VALUES (1, 8995, 0);
INSERT INTO webhook (id, client_id, url, nonce, secret_version, created_at, taken_in, failures)
    SELECT n, n, 'https://a.example', repeat('n', 16)::bytea, 1, now(), 4000, 0 FROM generate_series(1, 20) n;
INSERT INTO webhook_delivery (webhook_id, message_id, number, account_id, at, status, state, attempts, due_at,
                              waits_since, ended_at)
    SELECT n % 20 + 1, gen_random_uuid(), n, n / 50 + 1, now(), 'ACTIVE',
           CASE WHEN n % 17 = 0 THEN 'WAITING' ELSE 'DELIVERED' END, 0, now(), now(),
           CASE WHEN n % 17 <> 0 THEN now() END
    FROM generate_series(1, 20000) n;
ANALYZE;
"""

#: Letters for numbers: among eight thousand people a name of three letters is a rare one.
NAMES = """
UPDATE person SET family = translate(id::text, '0123456789', 'bdfghklmnp') || 'son'
"""

#: Accounts that stand in all ways and were signed in to at all times.
STANDING = """
UPDATE account SET last_login_at = now() - id * interval '1 hour',
    status = CASE WHEN id % 40 = 7 THEN 'DISABLED' ELSE 'ACTIVE' END,
    disabled_reason = CASE WHEN id % 40 = 7 THEN 'STAFF_DECISION' END
WHERE id % 3 > 0;
UPDATE account SET status = 'NOT_ACTIVATED', username = NULL, username_folded = NULL, activated_at = NULL
WHERE id % 3 = 0;
ANALYZE;
"""
NOW, TODAY = datetime(2026, 10, 5, 17, tzinfo=UTC), date(2026, 10, 5)
DIGEST = b"d" * 32
#: Somebody who sees the accounts of one school, and somebody who sees those of all.
AT_SCHOOL = AccountReach(17, Reach(frozenset({18})), Reach(frozenset({18}))).values(TODAY)
IN_DISTRICT = AccountReach(17, Reach(everywhere=True), Reach(everywhere=True)).values(TODAY)
ANY_GUARDIANSHIP = (None, None, None, None, None)
#: What each named query is asked with.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "activation.STUDENT_AND_GUARDIANS": ("0017", TODAY),
    "activation.LOCK_ACCOUNT": (17,),
    "activation.CURRENT_KEY": (17,),
    "activation.KEY_BY_DIGEST": ([DIGEST],),
    "activation.LOCK_KEY": (17,),
    "activation.NAMES_AROUND": (4017,),
    "activation.ACCOUNT_WITH_USERNAME": ("user17",),
    "activation.IDEMPOTENT_ANSWER": ("17", NOW),
    "activation.SESSION_ID": (DIGEST, 17),
    "attempts.SPENT": (["login:17", "login:new"], NOW),
    "attempts.SPEND": (["login:17", "login:new"], [NOW, NOW], NOW),
    "attempts.REFUND": (["login:17", "login:18"], [NOW, NOW]),
    "changes.HOW_FAR": (),
    "changes.LOCK": (),
    "changes.NUMBER": (8995, 5000),
    "changes.FORGET": (datetime(2020, 1, 1, tzinfo=UTC), 5000),
    "changes.TOLD": (*AT_SCHOOL, 100, 2100, None, None, 50, True),
    "courier.CLAIM": (NOW, NOW, timedelta(seconds=1), timedelta(seconds=9), timedelta(seconds=70)),
    "courier.NEXT": (timedelta(seconds=9), NOW, timedelta(seconds=70)),
    "courier.SENT": (17, NOW, "17@example.org"),
    "courier.FAILED": (17, NOW, "550 No such user", "17@example.org", NOW),
    "courier.WITHDRAWN": (17, NOW, "OUTDATED", timedelta(seconds=1)),
    "courier.LET_GO": (17, NOW, NOW, None),
    "courier.RELAY_IS_IN_TROUBLE": (NOW,),
    "courier.RELAY_IS_THERE": (),
    "courier.HELD_UP": (NOW,),
    "courier.GIVE_UP": (NOW, NOW, "connect: Connection refused"),
    "deliveries.NEXT": (),
    "deliveries.OPEN": (17, NOW),
    "deliveries.CLAIM": (17, NOW, NOW),
    "deliveries.HOLD": (17, NOW),
    "deliveries.CLIENT": (17,),
    "deliveries.ACCOUNT": (*AT_SCHOOL, 17, 18),
    "deliveries.ENDED": (17, 16, NOW, NOW, "DELIVERED"),
    "deliveries.NOT_TAKEN": (17, 16, NOW, NOW, NOW, "HTTP 500", NOW, None, 3, 5.0, 3600.0),
    "deliveries.LET_GO": (17, 16, NOW, NOW),
    "diagnosis.ONE": (4017, TODAY, 17),
    "diagnosis.ALL": (17, TODAY),
    "directory.PEOPLE_AT_SCHOOLS": (*AT_SCHOOL, "dkson", "0017", 10, False, [18]),
    "directory.PEOPLE_IN_DISTRICT": (*IN_DISTRICT, "dkson", "0017", 10, False, None),
    "disclosures.PAGE": ([17, 18], ["account:details"], datetime(2100, 1, 1, tzinfo=UTC), 5, 50),
    "disclosures.ONE": (17, ["account:details"]),
    "housekeeping.BUDGETS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.STREAKS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.ANSWERS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.DEVICES": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.TOKENS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.VERIFICATIONS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "helpdesk.LOCK_HOLDER": (17,),
    "helpdesk.END_SESSIONS": (17, NOW, "RESET_BY_SCHOOL"),
    "helpdesk.COMES_BACK": ("17@example.org",),
    "helpdesk.DEVICES": (17,),
    "helpdesk.FORGET_DEVICES": (17,),
    "helpdesk.REPLACE_TOKENS": (17,),
    "helpdesk.TOKEN_BY_DIGEST": ([DIGEST],),
    "helpdesk.USE_TOKEN": (17, NOW),
    "helpdesk.SET_PASSWORD": (17, "hash", None),
    "letters.STUDENT_OF": (4017, TODAY, 17),
    "letters.PERSON": (17,),
    "letters.MAY_HAVE_KEY": (4017, TODAY),
    "letters.GUARDIANSHIP": (17, TODAY),
    "letters.MEMBER": (4017, TODAY, 17),
    "letters.MERGED": (17,),
    "letters.WORK_ORDER": (17,),
    "housekeeping.DELIVERIES": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.MERGES": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.ORDER_CHANGES": (datetime(2020, 1, 1, tzinfo=UTC),),
    "housekeeping.LETTERS": (datetime(2020, 1, 1, tzinfo=UTC),),
    "logins.COUNT": (
        *("device:4017", "account:17", 17, NOW, NOW, 5, [timedelta(seconds=30)]),
        *(["login:17", "login:new"], [NOW, NOW], [10, 10], 1),
    ),
    "logins.UNCOUNT": ("device:4017", "account:17", ["login:17"], [NOW], NOW, None, 5),
    "logins.CLEAR": ("device:4017", "account:17", ["login:17"], [NOW]),
    "logins.IN_A_ROW": ("account:17",),
    "logins.FORGET": (["account:17", "device:4017"],),
    "outbox.PROMISE": (
        *("WELCOME", [17], ["maria@example.org"], [DIGEST[:16]], [None], ["<17@x>"], "{}"),
        *(NOW, 3, NOW, "ALIKE", NOW),
    ),
    "recovery.ACCOUNTS_OF_ADDRESS": ("4017@example.org", 11),
    "recovery.LINKS_OF_LETTER": (17,),
    "recovery.ADD_LINKS": (17, 1, NOW, NOW, [17], [DIGEST[:16]], [DIGEST]),
    "recovery.PROLONG_LINKS": ([17], NOW),
    "recovery.END_LINKS": ([17],),
    "recovery.END_SIBLINGS": (17,),
    "recovery.LOCK_ACCOUNT": (17,),
    "recovery.LOCK_LINKS": (17, 17),
    "recovery.READDRESS": (17, "", None),
    "outbox.WAIT_FOR_OTHERS": (DIGEST[:16],),
    "outbox.NEWEST": ("SENT", 50, NOW),
    "outbox.NEWEST_FAILED": (50,),
    "outbox.STANDING": (17, NOW),
    "outbox.RETRY": (50, NOW),
    "outbox.RETRY_FAILED": (NOW,),
    "outbox.CANCEL": (100, NOW, "BY_OPERATOR"),
    "outbox.WAITING": (),
    "outbox.TALLY": (),
    "overview.STANDING": (18, TODAY),
    "overview.STANDING_BY_SCHOOL": (18, TODAY),
    "overview.STANDING_BY_GRADE": (18, TODAY),
    "overview.SIGN_INS_BY_WEEK": (18, TODAY, NOW, "America/Chicago"),
    "overview.TROUBLES": (18, TODAY, NOW, NOW),
    "portal.HOLDER": (17,),
    "portal.STUDENTS_OF_GUARDIAN": (4017, TODAY, None),
    "portal.STUDENT_SELF": (17, TODAY, None),
    "portal.GRADES": ([17, 18], TODAY, 5, 50),
    "portal.ATTENDANCE": ([17, 18], TODAY, 5, 50, None, None),
    "portal.GRADE": (17,),
    "portal.ATTENDANCE_EVENT": (17,),
    "portal.SCHOOL": (17,),
    "second_factor.FACTORS": (17,),
    "second_factor.OFFER": (17, b"s" * 60, 1, NOW),
    "second_factor.DROP_IN_USE": (17, 1),
    "second_factor.TAKE_INTO_USE": (17, b"s" * 60, NOW, 1),
    "second_factor.USE_STEP": (17, 1),
    "second_factor.USE_RECOVERY_CODE": (17, [DIGEST], NOW),
    "second_factor.DROP_RECOVERY_CODES": (17,),
    "second_factor.ADD_RECOVERY_CODES": (17, [DIGEST], 1),
    "second_factor.RECOVERY_CODES_LEFT": (17,),
    "second_factor.GIVEN_AT": (17, 17),
    "second_factor.GIVEN_NOW": (17, 17, NOW),
    "second_factor.DROP_OFFERED": (17,),
    "key_desk.HOLDER": (17, "STUDENT"),
    "key_desk.WARDS": (4017, TODAY),
    "key_desk.GUARDIANS_TO_TELL": (17, TODAY),
    "key_desk.STUDENT_TO_TELL": (17,),
    "key_letters.STUDENTS_AT_SCHOOL": (18, TODAY, "07"),
    "key_letters.STUDENTS_WITH_NUMBERS": (["0017", "18"],),
    "key_letters.GUARDIANSHIPS": ([17, 18], TODAY),
    "key_letters.PEOPLE": ([17, 4017], TODAY),
    "key_letters.ACCOUNTS": ([4017, 4018], "GUARDIAN"),
    "key_letters.HOLD_GUARDIANSHIPS": ([4017, 4018],),
    "key_letters.HOLD_ACCOUNTS": ([17, 18],),
    "key_letters.END_KEYS": ([17, 18],),
    "key_letters.ADD_KEYS": ([17], [DIGEST[:16]], [DIGEST], 1, NOW, NOW),
    "guardianships.PAIR": (17,),
    "guardianships.STATUS_OF_PAIR": (4017, 17),
    "guardianships.LOCK_PERSON": (4017,),
    "guardianships.LOCK": (17,),
    "guardianships.ADD_ACCOUNT": (4017,),
    "guardianships.LIFT": (17, TODAY, NOW, 19, "why"),
    "guardianships.GUARDIANS_OF": (17, TODAY),
    "guardianships.REPLACE_KEYS": ([4017, 17], ["GUARDIAN", "STUDENT"]),
    "guardianships.WITHDRAW_LETTERS": (4000, NOW, "OUTDATED", '{"student_id": 17}', True),
    "charge.PLACES": ([17, 4017], TODAY),
    "charge.FAMILY": ([17, 4017], TODAY, 19),
    "guardians.BY_NAME": ("Given4017", "Family4017", 10),
    "guardians.ONE": (4017,),
    "households.ONE": ([18], TODAY, 17),
    "households.OF_PERSON": ([18], TODAY, 17),
    "households.LOCK": (17,),
    "households.LIVING": (17, TODAY),
    "households.TOLD": (17, TODAY),
    "registrar.ONE_AT_SCHOOLS": ([18], TODAY, 17),
    "registrar.OF_PERSON": ([18], TODAY, 4017),
    "registrar.ONE_IN_DISTRICT": (None, TODAY, 17),
    "registrar.PAGE_AT_SCHOOLS": ([18], TODAY, *ANY_GUARDIANSHIP, [18], True, 17, 26),
    "registrar.PAGE_IN_DISTRICT": (None, TODAY, *ANY_GUARDIANSHIP, None, True, 17, 26),
    "registrar.COUNT_AT_SCHOOLS": ([18], TODAY, *ANY_GUARDIANSHIP),
    "registrar.COUNT_IN_DISTRICT": (None, TODAY, *ANY_GUARDIANSHIP),
    "reporting.ONE": (*AT_SCHOOL, 17, True),
    "reporting.SCHOOLS_OF_ONE": (*AT_SCHOOL, 17),
    "service_clients.BY_KEY": (DIGEST, NOW, NOW, TODAY, DIGEST),
    "service_clients.BY_ID": (DIGEST, NOW, NOW, TODAY, "pac_17"),
    "service_clients.AGAIN": (17, NOW, NOW, TODAY, 17, 17),
    "service_clients.USED": (17, NOW, NOW),
    "service_clients.OF_ORIGIN": ("https://17.example",),
    "service_clients.CALLED": ("Client 17",),
    "sessions.BY_TOKEN": (DIGEST, NOW, NOW, TODAY),
    "sessions.TOUCH": (17, NOW),
    "sessions.ACCOUNT_FOR_LOGIN": ("user17", DIGEST, NOW),
    "sessions.LOCK_ACCOUNT": (17,),
    "sessions.LET_IN": (17, "hash", NOW, None),
    "sessions.OPEN_ON_NEW_DEVICE": (17, DIGEST, NOW, NOW, DIGEST, NOW, "client", NOW, 17),
    "sessions.OPEN_ON_KNOWN_DEVICE": (17, 17, NOW, NOW, DIGEST, NOW, "client", None, None),
    "sessions.ROLES": (17, TODAY),
    "sessions.STAFF_STANDING": (17, 17, 17, TODAY),
    "sessions.END_OTHERS": (17, 1, NOW, "PASSWORD_CHANGED"),
    "sessions.END_ONE": (17, 17, NOW, "LOGGED_OUT"),
    "sessions.LIVE": (17, NOW, NOW, None),
    "sessions.SCHOOL_CONTACTS": (4017, TODAY),
    "verification.CASE": (17, TODAY, 4017, 7999),
    "verification.COUNT_ATTEMPT": (17, NOW),
    "verification.PASS": (17, NOW, NOW, None),
    "verification.USE": (17, NOW),
    "duplicates.PAIRS_AT_SCHOOLS": ([18], TODAY, 0, 0, 26, [18]),
    "duplicates.PAIRS_IN_DISTRICT": (None, TODAY, 17, 18, 26, None),
    "merging.PEOPLE": ([17, 4017],),
    "merging.LOCK_PEOPLE": ([17, 4017],),
    "merging.LOCK_VERIFICATIONS": ([17, 4017],),
    "merging.GOES_ON": (17,),
    "merging.STUDENTS_CONCERNED": ([17, 4017],),
    "merging.GUARDIANSHIPS": ([17, 4017],),
    "merging.RESTRICTIONS": ([17, 18],),
    "merging.MEMBERSHIPS": ([17, 4017],),
    "merging.ENROLMENTS": ([17, 18],),
    "merging.STUDENTS": ([17, 18],),
    "merging.ACCOUNTS": ([17, 4017],),
    "merging.PLACE_ACCOUNTS": ([17, 18], [18, 17], ["ACTIVE", "DISABLED"], [None, "MERGED"]),
    "merging.HANGING": ([17, 18], NOW),
    "merging.COUNTS": (17,),
    "merging.VERIFICATIONS": (17, 18),
    "merging.WORK_ORDERS": (17,),
    "merging.COPY_RESTRICTIONS": (17, 18, [17]),
    "merging.GUARDIANSHIP_OF": (4017, 17),
    "merging.LOCK_MERGE": (17,),
    "merging.LATER": (17, [17, 18]),
    "merging.PAGE": ([18], TODAY, 17, 26),
    "merging.ONE": ([18], TODAY, 17),
    "merging.NO_IMPORT": (),
    "staff.MEMBERS": (),
    "trail.PEOPLE": ("0017", "user17"),
    "trail.ALL": (None, 50),
    "trail.BY": ([17], None, 50),
    "trail.ABOUT": ([17], None, 50, None),
    "trail.ENTRIES": ([17, 18],),
    "webhooks.BEHIND": (8995,),
    "webhooks.TAKE_IN": (*AT_SCHOOL, 18, None, 17, NOW, 8995, 50),
    "webhooks.REPLAY": (*AT_SCHOOL, 18, None, 17, NOW, 3950),
    "webhooks.BEFORE": (NOW,),
    "webhooks.LOCK": (17,),
    "webhooks.PAUSE": (17, NOW, "GONE"),
    "webhooks.RESUME": (17, NOW),
    "webhooks.LEAVE_OUT": (17, NOW, NOW),
    "webhooks.REMOVE": (17, NOW),
    "webhooks.WITHHOLD_ALL": (17, NOW),
    "webhooks.ROTATE": (17, DIGEST[:16], 1, NOW),
    "webhooks.LIST": (),
    "webhooks.WAITING": (),
    "webhooks.WAKE": (),
    "work_orders.PAGE_AT_SCHOOLS": ("OPEN", TODAY, 3000, 26, [18], 7999),
    "work_orders.PAGE_IN_DISTRICT": (None, TODAY, 3000, 26),
    "work_orders.PAGE_OF_STATUS": ("OPEN", TODAY, 3000, 26),
    "work_orders.ONE_AT_SCHOOLS": (17, TODAY, [18], 7999),
    "work_orders.ONE": (17,),
    "work_orders.LOCK": (17,),
    "work_orders.RESOLVE": (17, "Done", NOW, 17),
    "work_orders.PARENT": (4017, TODAY),
    "work_orders.PUPIL": (17,),
    "work_orders.TECHNOLOGY": (TODAY,),
    "versions.ONE_KEY_OF_EACH": (),
    "versions.VERSIONS": (NOW,),
    "duplicates.COUNT_AT_SCHOOLS": ([18], TODAY, 0, 0, None, [18]),
    "duplicates.COUNT_IN_DISTRICT": (None, TODAY, 0, 0, None, None),
    "reports.BESIDE": (*AT_SCHOOL, [17, 4017], [18], [18], True),
    **{
        f"reports_students.{report}_AT_SCHOOLS": ([18], TODAY, None, [18], 17, 500)
        for report in ("WITHOUT_GUARDIAN", "UNUSABLE_SSN", "UNMARKED")
    },
    **{
        f"reports_students.{report}_IN_DISTRICT": (None, TODAY, None, None, 17, 500)
        for report in ("WITHOUT_GUARDIAN", "UNUSABLE_SSN", "UNMARKED")
    },
    **{
        f"reports_students.COUNT_{report}_AT_SCHOOLS": ([18], TODAY, None, [18])
        for report in ("WITHOUT_GUARDIAN", "UNUSABLE_SSN", "UNMARKED")
    },
    **{
        f"reports_students.COUNT_{report}_IN_DISTRICT": (None, TODAY, None, None)
        for report in ("WITHOUT_GUARDIAN", "UNUSABLE_SSN", "UNMARKED")
    },
    "reports_saved.ONE": ([18], 17),
    "reports_saved.PAGE": ([18], 17, 26),
    "reports_saved.PAGE_OF_SCHOOL": ([18], 17, 26, 18),
    "reports_saved.COUNT_OF_SCHOOL": (18,),
    "reports_saved.ADD": (18, "Ours", "{}", 17, None, NOW),
    "reports_saved.REPLACE": (18, "Ours 17", "{}", NOW),
    "reports_saved.LOCK": (17,),
    "reports_saved.DELETE": (17,),
}
#: Parts of queries, whose comments hold for the queries made of them.
PART_OF = {
    "portal._STUDENT": "portal.STUDENTS_OF_GUARDIAN",
    "guardianships.RESTRICTED": "portal.STUDENTS_OF_GUARDIAN",
    "guardianships.KEPT_AWAY": "activation.STUDENT_AND_GUARDIANS",
    "letters.OF_AGE": "letters.STUDENT_OF",
    "attempts.ONE_MORE": "attempts.SPEND",
    "logins.LOCKED_UNTIL": "portal.HOLDER",
    "reach.CURRENT": "reporting.ONE",
    "deliveries._FIRST": "deliveries.CLAIM",
    "reach.PLACES": "reporting.ONE",
    "reach.SEEN": "reporting.ONE",
    "reach.SCHOOLS": "reporting.ONE",
    "sessions.SESSION": "service_clients.AGAIN",
    "service_clients._KEY": "service_clients.BY_KEY",
}
#: Forty schools are read as a whole sooner than through an index, and so are a few numbers.
SMALL = {"school", "letter_tally", "mail_pace", "account_feed", "webhook"}
#: Asked once at a start, and no part of a request.
#: Everything in the district is counted: it is read.
COUNTING_ALL = {
    "registrar.COUNT_IN_DISTRICT",
    "duplicates.COUNT_IN_DISTRICT",
    "reports_students.COUNT_WITHOUT_GUARDIAN_IN_DISTRICT",
    "reports_students.COUNT_UNUSABLE_SSN_IN_DISTRICT",
}
AT_START = {"versions.ONE_KEY_OF_EACH", "versions.VERSIONS"}
#: Asked by an operator's command, likewise.
BY_COMMAND = {
    "staff.MEMBERS",
    *("webhooks.BEFORE", "webhooks.LIST"),
    *("overview.STANDING", "overview.STANDING_BY_SCHOOL", "overview.STANDING_BY_GRADE"),
    *("overview.SIGN_INS_BY_WEEK", "overview.TROUBLES"),
}
PARTS = {
    *(RESTRICTED, KEPT_AWAY, OF_AGE, CURRENT, PLACES, SEEN, SCHOOLS, ONE_MORE, LOCKED_UNTIL, SESSION, COLUMNS),
    *(ALIVE, LOGIN, STATUS, ALL_PLACES),
}
#: Roles are read as a whole when a work order is opened: there are as many as the portal has staff.
OF_STAFF = {"work_orders.TECHNOLOGY"}
MODULES = [import_module(f"db.queries.{found.name}") for found in iter_modules(queries.__path__)]


def _queries() -> dict[str, str]:
    """The named queries by module and name. Where a module uses a part of another one, that is no query."""
    return {
        f"{module.__name__.rsplit('.', maxsplit=1)[-1]}.{name}": text
        for module in MODULES
        for name, text in vars(module).items()
        if re.fullmatch(r"[A-Z][A-Z_]+", name) and isinstance(text, str) and text not in PARTS
    }


def _comments(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The name of each module-level assignment, with the comment right above it."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            above: list[str] = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.startswith("#"):
                    break
                above.insert(0, line.lstrip("#: "))
            yield f"{module.__name__.rsplit('.', maxsplit=1)[-1]}.{node.targets[0].id}", " ".join(above)


@pytest.fixture
async def filled(database: TortoiseContext) -> None:
    await sql.connection().execute_script(DISTRICT + NAMES)
    await sql.connection().execute_script("ANALYZE")


async def _plan(query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    """All nodes of the plan that PostgreSQL makes."""
    [row] = await sql.rows(f"EXPLAIN (FORMAT JSON) {query}", *arguments)
    nodes, waiting = [], [orjson.loads(row["QUERY PLAN"])[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        nodes.append(node)
    return nodes


def _indexes(nodes: list[dict[str, Any]]) -> set[str]:
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    return used.union(*(node.get("Conflict Arbiter Indexes", ()) for node in nodes))


def _pages() -> Iterator[tuple[str, Statement, tuple[Any, ...]]]:
    """Each way of asking for a page of accounts: whose, in which order, from where on, and by each filter."""
    # What belongs to one way of standing goes with it; few are locked, or wait for a key, and these are found first.
    among = {"disabled_reason", "not_locked", "locked"}
    filters = [
        frozenset({name, "status"} if name in among else {name} if name else set[str]()) for name in ("", *WANTED, *AT)
    ]
    named = {
        **dict.fromkeys(("school", "school_place"), 18),
        **{"grade": "07", "now": NOW, "capacity": "GUARDIAN", "status": ["DISABLED"], "name": "family5 given5"},
        **{"disabled_reason": ["STAFF_DECISION"], "last_login_before": NOW, "not_signed_in_since": NOW},
        **{"student_schools": [18], "guardian_schools": [18], "limit": 26, "after": 17, "school_name": "School 18"},
        **{"nowhere_name": "family5", "nowhere_after": 17, "last_login_at": NOW, "snapshot": "1000:1000:"},
    }
    for order, descending, later, asked_for in product(AccountOrder, (False, True), (False, True), filters):
        for district in (False, True):
            if district and "school" in asked_for:
                continue
            asked = Asked(district, not district, asked_for, order, descending, later=later, with_schools=True)
            statement = account_pages.page(asked)
            whose = "in the district" if district else "at schools"
            values = statement.values(IN_DISTRICT if district else AT_SCHOOL, named)
            yield f"pages {whose} by {order} {'after a place' if later else ''} {[*asked_for]}", statement, values


@pytest.mark.usefixtures("filled")
async def test_no_way_of_asking_for_a_page_of_accounts_reads_a_table_whole() -> None:
    """Those of a school are gathered, and those of a district read in their order from an index for each way in which
    they can stand; what they were sorted by before they changed, from that of what it was."""
    await sql.connection().execute_script(STANDING)
    by_index = {"ID": "ids", "NAME": "names", "SCHOOL": "names", "LAST_LOGIN": "logins"}
    for name, statement, values in _pages():
        nodes = await _plan(statement.text, values)
        used = _indexes(nodes)
        whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        assert whole <= SMALL, f"{name} reads all of {whole}"
        order = name.split(" by ")[1].split(" ")[0]
        # Who has a place in a grade is at a school; then there is nobody else to read.
        if "in the district" in name and not re.search("locked|key_outstanding|SCHOOL.*grade", name):
            # The few that are disabled may as well be read from another one of these.
            orders = set(by_index.values()) if "disabled" in name else {by_index[order]}
            assert used & {f"account_{kind}{order}" for kind in ("", "never_") for order in orders}, name
            assert "Sort" not in {node["Node Type"] for node in nodes if node.get("Relation Name") == "account"}
        if "at schools" in name:
            assert {"enrolment_school", "guardianship_student", "account_one_per_person_and_capacity"} <= used, name


def test_each_named_query_is_tried() -> None:
    assert set(ARGUMENTS) == set(_queries())


@pytest.mark.usefixtures("filled")
async def test_queries_use_the_indexes_that_their_comments_name_and_read_no_table_whole() -> None:
    known = {row["name"] for row in await sql.rows("SELECT indexname AS name FROM pg_indexes")}
    used: dict[str, set[str]] = {}
    for name, query in _queries().items():
        nodes = await _plan(query, ARGUMENTS[name])
        used[name] = _indexes(nodes)
        whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        assert whole <= SMALL or name in AT_START | BY_COMMAND | COUNTING_ALL | OF_STAFF, f"{name} reads all of {whole}"
    said = 0
    for module in MODULES:
        for name, comment in _comments(module):
            named = {word for word in re.findall(r"\w+", comment.partition("Uses ")[2]) if word in known}
            if "Uses " in comment:
                assert named, f"The comment of {name} names no index that there is."
                assert named <= used[PART_OF.get(name, name)], name
                said += 1
    assert said >= 10


@pytest.mark.usefixtures("filled")
async def test_a_rare_name_is_looked_up_and_a_common_one_is_looked_for_among_the_people_of_the_school() -> None:
    """Everybody in this district has a name that begins with "given"; "dkson" is one person's. A thousand times as
    many would be looked up in a name's index for nothing, as nearly all of them are at other schools."""
    for search, index in (("dkson", "person_name_words"), ("given", "enrolment_school")):
        nodes = await _plan(directory.PEOPLE_AT_SCHOOLS, (*AT_SCHOOL, search, "0017", 10, False, [18]))
        assert index in _indexes(nodes)
        assert ("person_name_words" in _indexes(nodes)) == (search == "dkson")


@pytest.mark.usefixtures("filled")
async def test_whose_rights_pass_soon_is_looked_up_by_birth_date_and_no_queue_is_walked() -> None:
    await sql.rows("UPDATE student SET birth_date = date '2005-01-01' + id::int")
    await sql.rows("ANALYZE student")
    soon = (None, None, None, date(2008, 10, 4), date(2008, 12, 4))
    for query, school, place in (
        (registrar.PAGE_AT_SCHOOLS, [18], "guardianship_student"),
        (registrar.PAGE_IN_DISTRICT, None, "student_birth_date"),
    ):
        nodes = await _plan(query, (school, TODAY, *soon, school, False, 0, 26))
        assert place in _indexes(nodes)
        whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        assert whole <= SMALL
