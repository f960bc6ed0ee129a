"""What the database itself refuses, whatever the code does: each constraint, by a row that breaks it and no other."""

import re
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from db import migrations, sql
from db.context import Capacity, Role
from db.models import (
    AccountStatus,
    DecidedBy,
    DeliveryState,
    GuardianshipStatus,
    IdDocument,
    KeyState,
    LetterState,
    Outcome,
    PausedWhy,
    Purpose,
    SsnState,
    TokenKind,
    TokenState,
    VerificationState,
)

#: As written in the migrations: table, name and definition; name and definition.
CONSTRAINTS: dict[str, dict[str, str]] = {}
INDEXES: dict[str, str] = {}
for _module in sorted(module.name for module in iter_modules(migrations.__path__)):
    _written = import_module(f"db.migrations.{_module}")
    for _table, _named in getattr(_written, "CONSTRAINTS", {}).items():
        CONSTRAINTS.setdefault(_table, {}).update(_named)
    INDEXES.update(getattr(_written, "INDEXES", {}))

#: A small district in good order, as SQL: the bad rows below differ from these in one respect each.
GOOD = """
INSERT INTO person (given, family, source_id) VALUES
    ('Maria', 'Quimby', 'p1'), ('Nora', 'Quimby', 'p2'), ('Dana', 'Ito', 'p3'), ('Theo', 'Quimby', 'p4');
INSERT INTO school (name, source_id) VALUES ('Lakeside', 's1'), ('Hillside', 's2');
INSERT INTO student (id, student_number, number_is_shared, ssn_state) VALUES
    (2, '001', false, 'NOT_ON_FILE'), (4, '002', false, 'NOT_ON_FILE');
INSERT INTO household (name, source_id) VALUES ('Quimby', 'h1'), ('Ito', 'h2');
INSERT INTO household_member (household_id, person_id, is_secondary) VALUES (1, 1, false), (1, 2, false);
INSERT INTO enrolment (student_id, school_id, begins_on, ends_on) VALUES
    (2, 1, '2026-08-15', '2027-06-01'), (4, 1, NULL, NULL);
INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by)
    VALUES (1, 2, 'mother', 'CLAIMED', false, false, 'ROSTER');
INSERT INTO restriction (guardianship_id, kind, begins_on, decided_by)
    VALUES (1, 'no contact', '2026-01-01', 'REGISTRAR');
INSERT INTO role_assignment (person_id, role, school_id) VALUES (3, 'registrar', NULL);
INSERT INTO account (person_id, capacity, status, must_change_password, username, username_folded, activated_at)
    VALUES (1, 'GUARDIAN', 'ACTIVE', false, 'Maria', 'maria', now());
INSERT INTO account (person_id, capacity, status, must_change_password) VALUES
    (2, 'STUDENT', 'NOT_ACTIVATED', false), (3, 'STAFF', 'NOT_ACTIVATED', false);
INSERT INTO activation_key (account_id, nonce, secret_version, digest, state, issued_at, expires_at)
    VALUES (2, repeat('n', 16)::bytea, 1, repeat('d', 32)::bytea, 'CURRENT', now(), now() + interval '1 day');
INSERT INTO device (account_id, digest, first_seen_at, last_seen_at, expires_at)
    VALUES (1, repeat('d', 32)::bytea, now(), now(), now());
INSERT INTO session (account_id, device_id, digest, started_at, last_seen_at, expires_at)
    VALUES (1, 1, repeat('d', 32)::bytea, now(), now(), now() + interval '1 day');
INSERT INTO second_factor (account_id, sealed, secret_version, offered_at, confirmed_at, last_step) VALUES
    (3, repeat('s', 60)::bytea, 1, now(), now(), 7), (3, repeat('s', 60)::bytea, 1, now(), NULL, 0);
INSERT INTO recovery_code (account_id, digest, secret_version) VALUES (3, repeat('d', 32)::bytea, 1);
INSERT INTO letter (kind, person_id, address, facts, message_id, state, promised_at, due_at, attempts)
    VALUES ('WELCOME', 1, 'maria@example.org', '{}', '<1@x>', 'WAITING', now(), now(), 0);
INSERT INTO trail_entry (at, step, outcome, address, request_id, details, uid, secret_version, mac)
    VALUES (now(), 'session:login', 'DONE', '', '', '{}', repeat('u', 16)::bytea, 1, repeat('m', 32)::bytea);
INSERT INTO attempt_budget (id, spent, ends_at) VALUES ('a', 0, now());
INSERT INTO verification (designee_id, requester_id, student_id, purpose, questions, attempts_left, state, started_at,
                          expires_at)
    VALUES (3, 1, 2, 'RESET', '[]', 3, 'OPEN', now(), now() + interval '1 hour');
INSERT INTO recovery_token (account_id, kind, secret_version, digest, state, issued_at, expires_at)
    VALUES (1, 'CODE', 1, repeat('d', 32)::bytea, 'CURRENT', now(), now() + interval '1 day');
INSERT INTO person (given, family, merged_into_id) VALUES ('Mary', 'Quimby', 1);
INSERT INTO person_merge (kept_id, merged_id, merged_at, merged_by_id, reason, before)
    VALUES (1, 5, now(), 3, 'Twice on record', '{}');
INSERT INTO household_version (household_id, name, decided_by, replaced_at, replaced_by_id, reason)
    VALUES (1, 'Quimby', 'ROSTER', now(), 3, 'Moved');
INSERT INTO work_order (status, opened_at, opened_by_id, problem) VALUES ('OPEN', now(), 3, 'No parent on record');
INSERT INTO grade (source_id, student_id, course, title) VALUES ('g1', 2, 'Art', 'Piece'), ('g2', 2, 'Art', 'Other');
INSERT INTO attendance_event (source_id, student_id, school_id, happened_on, category)
    VALUES ('a1', 2, 1, '2026-10-05', 'Tardy'), ('a2', 2, 1, '2026-10-05', 'Tardy');
INSERT INTO service_client (name, kind, public_id, roles, origins, created_at)
    VALUES ('Reports', 'REPORTING', 'pac_1', '{reporter}', '{}', now());
INSERT INTO client_key (client_id, digest, beginning, issued_at) VALUES (1, repeat('d', 32)::bytea, 'pak_1', now());
INSERT INTO account_feed (id, numbered, forgotten) VALUES (1, 0, 0);
INSERT INTO saved_report (school_id, name, definition, created_by_id, created_at, changed_at)
    VALUES (1, 'Ours', '{}', 3, now(), now()), (NULL, 'Ours', '{}', 3, now(), now());
INSERT INTO webhook (client_id, url, nonce, secret_version, created_at, taken_in, failures)
    VALUES (1, 'https://a.example', repeat('n', 16)::bytea, 1, now(), 0, 0);
INSERT INTO webhook_delivery (webhook_id, message_id, number, account_id, at, status, state, attempts, due_at,
                              waits_since)
    VALUES (1, gen_random_uuid(), 7, 1, now(), 'ACTIVE', 'WAITING', 0, now(), now());
"""

_KEY = (
    "INSERT INTO activation_key (account_id, nonce, secret_version, digest, state, issued_at, used_at) "
    "VALUES ({account}, repeat('n', {nonce})::bytea, 1, repeat('{digest}', {length})::bytea, '{state}', now(), NULL)"
)
#: Rows of the trail cannot be changed, so that a bad one is a new one.
_ENTRY = (
    "INSERT INTO trail_entry (at, step, outcome, refusal, address, request_id, details, uid, secret_version, mac) "
    "VALUES (now(), '', '{outcome}', {refusal}, '', '', '{{}}', repeat('{uid}', {length})::bytea, 1, "
    "repeat('m', {mac})::bytea)"
)
_SEAL = (
    "INSERT INTO trail_seal (number, previous, digest, secret_version, sealed_at, entry_ids, macs) VALUES "
    "({number}, repeat('p', {previous})::bytea, repeat('d', {digest})::bytea, 1, now(), '{ids}', "
    "repeat('m', {macs})::bytea)"
)

_STREAK = (
    "INSERT INTO login_streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version, "
    "wait_until) VALUES ('{id}', {account}, {failures}, {in_a_row}, now(), now(), 1, {wait})"
)
_FACTOR = (
    "INSERT INTO second_factor (account_id, sealed, secret_version, offered_at, confirmed_at, last_step) "
    "VALUES (3, repeat('t', 60)::bytea, 1, now(), {confirmed}, {step})"
)

_CLIENT = (
    "INSERT INTO service_client (name, kind, public_id, roles, origins, created_at) "
    "VALUES ('{name}', 'REPORTING', '{public_id}', '{{reporter}}', '{{}}', now())"
)

_REPORT = (
    "INSERT INTO saved_report (school_id, name, definition, created_by_id, created_by_client_id, created_at, "
    "changed_at) VALUES ({school}, '{name}', '{{}}', {person}, {client}, now(), now())"
)

#: What each constraint and each unique index refuses. Some are broken in more than one way.
BAD: dict[str, list[str]] = {
    "guardianship_consent_says_when": [
        "UPDATE guardianship SET consent_at = now(), consent_evidence = 'Form'",
        "UPDATE guardianship SET consent_at = now(), adult_access = true",
    ],
    "restriction_lifted_says_when": ["UPDATE restriction SET lift_reason = 'Order ended'"],
    "household_decided_by_known": ["UPDATE household SET decided_by = 'SOMEBODY'"],
    "household_member_decided_by_known": ["UPDATE household_member SET decided_by = 'SOMEBODY'"],
    "household_version_decided_by_known": ["UPDATE household_version SET decided_by = 'SOMEBODY'"],
    "person_not_merged_into_oneself": ["UPDATE person SET merged_into_id = 2 WHERE id = 2"],
    "person_merge_of_two": ["UPDATE person_merge SET kept_id = merged_id"],
    "person_merge_undone_says_who": ["UPDATE person_merge SET undone_at = now()"],
    "person_merge_standing": [
        "INSERT INTO person_merge (kept_id, merged_id, merged_at, merged_by_id, reason, before) "
        "VALUES (2, 5, now(), 3, 'Again', '{}')"
    ],
    "work_order_status_known": ["UPDATE work_order SET status = 'LOST'"],
    "work_order_resolved_says_how": [
        "UPDATE work_order SET status = 'RESOLVED', resolved_at = now(), resolved_by_id = 3",
        "UPDATE work_order SET resolution = 'Mended', resolved_at = now(), resolved_by_id = 3",
    ],
    # ---------------------------------------------------------------------------------------- programs that call
    "service_client_name_key": [_CLIENT.format(name="Reports", public_id="pac_2")],
    "service_client_public_id_key": [_CLIENT.format(name="Other reports", public_id="pac_1")],
    "service_client_kind_known": ["UPDATE service_client SET kind = 'OTHER'"],
    "service_client_roles_known": [
        "UPDATE service_client SET roles = '{reporter,janitor}'",
        "UPDATE service_client SET roles = '{}'",
    ],
    "service_client_name_folded": [_CLIENT.format(name="REPORTS", public_id="pac_2")],
    "service_client_roles_of_kind": [
        "UPDATE service_client SET roles = '{registrar}'",
        "UPDATE service_client SET kind = 'DESIGNEE_TOOL'",
        "UPDATE service_client SET kind = 'PORTAL_FRONT_END', roles = '{guardian,designee}'",
    ],
    "service_client_schools_of_kind": [
        "UPDATE service_client SET school_ids = '{}'",
        "UPDATE service_client SET kind = 'PORTAL_FRONT_END', roles = '{guardian}', school_ids = '{1}'",
    ],
    "service_client_origins_of_front_ends": ["UPDATE service_client SET origins = '{https://a.example}'"],
    "client_key_digest_unique": [
        "INSERT INTO client_key (client_id, digest, beginning, issued_at) "
        "VALUES (1, repeat('d', 32)::bytea, 'pak_2', now())"
    ],
    "client_key_digest_length": ["UPDATE client_key SET digest = repeat('d', 31)::bytea"],
    "account_change_number_unique": ["UPDATE account_change SET number = 7"],
    "account_change_status_known": [
        "UPDATE account_change SET status = 'LOCKED'",
        "UPDATE account_change SET status_before = 'LOCKED'",
    ],
    "account_not_activated_has_no_log_in": ["UPDATE account SET last_login_at = now() WHERE id = 2"],
    "account_order_change_says_what": ["INSERT INTO account_order_change (account_id, at) VALUES (1, now())"],
    "account_feed_is_one": ["UPDATE account_feed SET id = 2"],
    "account_feed_forgets_what_was_told": [
        "UPDATE account_feed SET forgotten = 1",
        "UPDATE account_feed SET forgotten = -1",
    ],
    # ---------------------------------------------------------------------------------------- reports
    "saved_report_name_once": [
        _REPORT.format(school=1, name="Ours", person=3, client="NULL"),
        _REPORT.format(school="NULL", name="Ours", person=3, client="NULL"),
    ],
    "saved_report_says_who": [
        _REPORT.format(school=1, name="Another", person=3, client=1),
        _REPORT.format(school=1, name="Another", person="NULL", client="NULL"),
    ],
    "saved_report_is_named": [_REPORT.format(school=1, name=" ", person=3, client="NULL")],
    # ---------------------------------------------------------------------------------------- webhooks
    "webhook_capacity_is_a_familys": ["UPDATE webhook SET capacity = 'STAFF'"],
    "webhook_nonce_length": [
        "UPDATE webhook SET nonce = repeat('n', 15)::bytea",
        "UPDATE webhook SET previous_nonce = repeat('n', 15)::bytea, previous_secret_version = 1, "
        "previous_until = now()",
    ],
    "webhook_previous_secret_is_whole": ["UPDATE webhook SET previous_until = now()"],
    "webhook_paused_why_known": ["UPDATE webhook SET paused_at = now(), paused_why = 'TIRED'"],
    "webhook_paused_says_why": [
        "UPDATE webhook SET paused_at = now()",
        "UPDATE webhook SET paused_why = 'BY_OPERATOR'",
    ],
    "webhook_delivery_once": [
        "INSERT INTO webhook_delivery (webhook_id, message_id, number, account_id, at, status, state, attempts, "
        "due_at, waits_since) VALUES (1, gen_random_uuid(), 7, 2, now(), 'ACTIVE', 'WAITING', 0, now(), now())"
    ],
    "webhook_delivery_state_known": ["UPDATE webhook_delivery SET state = 'LOST', ended_at = now()"],
    "webhook_delivery_status_known": [
        "UPDATE webhook_delivery SET status = 'LOCKED'",
        "UPDATE webhook_delivery SET status_before = 'LOCKED'",
    ],
    "webhook_delivery_ended_says_when": [
        "UPDATE webhook_delivery SET state = 'DELIVERED'",
        "UPDATE webhook_delivery SET ended_at = now()",
    ],
    "webhook_delivery_in_hand_waits": [
        "UPDATE webhook_delivery SET state = 'DELIVERED', ended_at = now(), leased_until = now()"
    ],
    # ---------------------------------------------------------------------------------------- accounts
    "account_one_per_person_and_capacity": [
        "INSERT INTO account (person_id, capacity, status, must_change_password) "
        "VALUES (1, 'GUARDIAN', 'NOT_ACTIVATED', false)"
    ],
    "account_capacity_known": ["UPDATE account SET capacity = 'guardian' WHERE id = 1"],
    "account_status_known": ["UPDATE account SET status = 'LOCKED' WHERE id = 1"],
    "account_active_has_username": [
        "UPDATE account SET username = NULL, username_folded = NULL WHERE id = 1",
        "UPDATE account SET activated_at = NULL WHERE id = 1",
        "UPDATE account SET status = 'ACTIVE' WHERE id = 2",
    ],
    "account_not_activated_is_empty": [
        "UPDATE account SET status = 'NOT_ACTIVATED' WHERE id = 1",
        "UPDATE account SET username = 'nora', username_folded = 'nora' WHERE id = 2",
        "UPDATE account SET password_hash = '' WHERE id = 2",
        "UPDATE account SET activated_at = now() WHERE id = 2",
    ],
    "account_disabled_says_why": [
        "UPDATE account SET status = 'DISABLED' WHERE id = 1",
        "UPDATE account SET disabled_reason = 'STAFF_DECISION' WHERE id = 1",
    ],
    "account_username_has_folded_form": ["UPDATE account SET username_folded = NULL WHERE id = 1"],
    "account_username_folded_key": [
        "UPDATE account SET status = 'ACTIVE', username = 'MARIA', username_folded = 'maria', activated_at = now() "
        "WHERE id = 3"
    ],
    # ---------------------------------------------------------------------------------------- keys
    "activation_key_digest_unique": [_KEY.format(account=3, nonce=16, digest="d", length=32, state="CURRENT")],
    "activation_key_state_known": ["UPDATE activation_key SET state = 'EXPIRED'"],
    "activation_key_used_says_when": [
        "UPDATE activation_key SET state = 'USED'",
        "UPDATE activation_key SET used_at = now()",
    ],
    "activation_key_dates_in_order": ["UPDATE activation_key SET expires_at = issued_at"],
    "activation_key_digest_length": [
        _KEY.format(account=3, nonce=15, digest="e", length=32, state="CURRENT"),
        _KEY.format(account=3, nonce=16, digest="e", length=31, state="CURRENT"),
    ],
    "activation_key_one_current": [_KEY.format(account=2, nonce=16, digest="e", length=32, state="CURRENT")],
    # ---------------------------------------------------------------------------------------- sessions and devices
    "session_digest_unique": [
        "INSERT INTO session (account_id, digest, started_at, last_seen_at, expires_at) "
        "VALUES (1, repeat('d', 32)::bytea, now(), now(), now() + interval '1 day')"
    ],
    "session_digest_length": ["UPDATE session SET digest = 'short'::bytea"],
    "session_dates_in_order": [
        "UPDATE session SET expires_at = started_at",
        "UPDATE session SET last_seen_at = started_at - interval '1 second'",
    ],
    "session_ended_says_why": [
        "UPDATE session SET ended_at = now()",
        "UPDATE session SET end_reason = 'LOGGED_OUT'",
    ],
    "device_digest_unique": [
        "INSERT INTO device (account_id, digest, first_seen_at, last_seen_at, expires_at) "
        "VALUES (1, repeat('d', 32)::bytea, now(), now(), now())"
    ],
    "device_digest_length": ["UPDATE device SET digest = 'short'::bytea"],
    # ---------------------------------------------------------------------------------------- second factors
    "second_factor_is_sealed": [
        "UPDATE second_factor SET sealed = repeat('s', 20)::bytea",
        "UPDATE second_factor SET sealed = repeat('s', 32)::bytea",
    ],
    "second_factor_step_known_when_confirmed": [
        "UPDATE second_factor SET last_step = 0",
        "UPDATE second_factor SET last_step = -1 WHERE confirmed_at IS NOT NULL",
        "UPDATE second_factor SET last_step = 7 WHERE confirmed_at IS NULL",
    ],
    "second_factor_in_use": [_FACTOR.format(confirmed="now()", step=1)],
    "second_factor_offered": [_FACTOR.format(confirmed="NULL", step=0)],
    "recovery_code_digest_unique": [
        "INSERT INTO recovery_code (account_id, digest, secret_version) VALUES (2, repeat('d', 32)::bytea, 1)"
    ],
    "recovery_code_digest_length": ["UPDATE recovery_code SET digest = '7K2QM4XWPN'::bytea"],
    # ---------------------------------------------------------------------------------------- students
    "student_is_a_person": [
        "INSERT INTO student (id, student_number, number_is_shared, ssn_state) VALUES (99, '9', false, 'UNUSABLE')",
        "DELETE FROM household_member; DELETE FROM person WHERE id = 4",
    ],
    "student_number_not_blank": ["UPDATE student SET student_number = '' WHERE id = 2"],
    "student_number_unique": ["UPDATE student SET student_number = '001' WHERE id = 4"],
    "student_ssn_state_known": ["UPDATE student SET ssn_state = 'PLACEHOLDER' WHERE id = 2"],
    "student_ssn_proof_when_on_file": [
        "UPDATE student SET ssn_state = 'ON_FILE' WHERE id = 2",
        "UPDATE student SET ssn_state = 'ON_FILE', ssn_proof = repeat('p', 32)::bytea WHERE id = 2",
        "UPDATE student SET ssn_proof = repeat('p', 32)::bytea, ssn_proof_version = 1 WHERE id = 2",
    ],
    "student_ssn_proof_is_a_digest": [
        "UPDATE student SET ssn_state = 'ON_FILE', ssn_proof = '529456001'::bytea, ssn_proof_version = 1 WHERE id = 2"
    ],
    # ---------------------------------------------------------------------------------------- guardianships
    "guardianship_one_per_pair": [
        "INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, "
        "decided_by) VALUES (1, 2, 'father', 'CLAIMED', false, false, 'ROSTER')"
    ],
    "guardianship_not_of_oneself": ["UPDATE guardianship SET guardian_id = 2"],
    "guardianship_status_known": ["UPDATE guardianship SET status = 'RESTRICTED'"],
    "guardianship_decided_by_known": ["UPDATE guardianship SET decided_by = 'PARENT'"],
    "guardianship_confirmed_says_when": ["UPDATE guardianship SET status = 'CONFIRMED'"],
    "guardianship_revoked_says_when": [
        "UPDATE guardianship SET status = 'REVOKED'",
        "UPDATE guardianship SET revoked_at = now()",
    ],
    "restriction_dates_in_order": ["UPDATE restriction SET ends_on = '2025-12-31'"],
    "restriction_decided_by_known": ["UPDATE restriction SET decided_by = 'PARENT'"],
    # ---------------------------------------------------------------------------------------- households, staff
    "household_member_once": [
        "INSERT INTO household_member (household_id, person_id, is_secondary) VALUES (1, 1, true)"
    ],
    "household_member_dates_in_order": [
        "UPDATE household_member SET begins_on = '2026-02-01', ends_on = '2026-01-31' WHERE person_id = 1"
    ],
    "enrolment_once": [
        "INSERT INTO enrolment (student_id, school_id, begins_on) VALUES (2, 1, '2026-08-15')",
        "INSERT INTO enrolment (student_id, school_id) VALUES (4, 1)",
    ],
    "enrolment_dates_in_order": ["UPDATE enrolment SET ends_on = '2026-08-14' WHERE id = 1"],
    "role_assignment_once": ["INSERT INTO role_assignment (person_id, role, school_id) VALUES (3, 'registrar', NULL)"],
    "role_assignment_role_known": ["UPDATE role_assignment SET role = 'guardian'"],
    "role_assignment_dates_in_order": ["UPDATE role_assignment SET begins_on = '2026-02-01', ends_on = '2026-01-31'"],
    # ---------------------------------------------------------------------------------------- letters, trail, attempts
    "letter_state_known": ["UPDATE letter SET state = 'LOST'"],
    "letter_sent_says_when": ["UPDATE letter SET state = 'SENT'", "UPDATE letter SET sent_at = now()"],
    "letter_address_digest_length": ["UPDATE letter SET address_digest = 'short'"],
    "mail_pace_is_one": ["INSERT INTO mail_pace (id, next_at) VALUES (2, now())"],
    "login_streak_not_negative": [
        _STREAK.format(id="session:1", account="NULL", failures=-1, in_a_row=0, wait="NULL"),
        _STREAK.format(id="session:1", account="NULL", failures=0, in_a_row=-1, wait="NULL"),
    ],
    "login_streak_waits_for_failures": [
        _STREAK.format(id="session:1", account="NULL", failures=0, in_a_row=1, wait="now()")
    ],
    "login_streak_of_account": [
        _STREAK.format(id="account:2", account=1, failures=1, in_a_row=1, wait="NULL"),
        _STREAK.format(id="account:2", account="NULL", failures=1, in_a_row=1, wait="NULL"),
        _STREAK.format(id="device:1", account=1, failures=1, in_a_row=1, wait="NULL"),
    ],
    "trail_entry_outcome_known": [_ENTRY.format(outcome="MAYBE", refusal="NULL", uid="v", length=16, mac=32)],
    "trail_entry_refused_says_why": [
        _ENTRY.format(outcome="REFUSED", refusal="NULL", uid="v", length=16, mac=32),
        _ENTRY.format(outcome="DONE", refusal="'NOT_FOUND'", uid="v", length=16, mac=32),
    ],
    "trail_entry_uid_unique": [_ENTRY.format(outcome="DONE", refusal="NULL", uid="u", length=16, mac=32)],
    "trail_entry_mac_length": [
        _ENTRY.format(outcome="DONE", refusal="NULL", uid="v", length=15, mac=32),
        _ENTRY.format(outcome="DONE", refusal="NULL", uid="v", length=16, mac=31),
    ],
    "trail_unsealed_mac_length": ["INSERT INTO trail_unsealed (entry_id, mac) VALUES (1, 'short')"],
    "trail_seal_number_positive": [_SEAL.format(number=0, previous=32, digest=32, ids="{1}", macs=32)],
    "trail_seal_digest_length": [
        _SEAL.format(number=1, previous=31, digest=32, ids="{1}", macs=32),
        _SEAL.format(number=1, previous=32, digest=33, ids="{1}", macs=32),
    ],
    "trail_seal_macs_length": [
        _SEAL.format(number=1, previous=32, digest=32, ids="{1,2}", macs=32),
        _SEAL.format(number=1, previous=32, digest=32, ids="{}", macs=0),
    ],
    # ---------------------------------------------------------------------------------------- the desk
    "verification_purpose_known": ["UPDATE verification SET purpose = 'CHAT'"],
    "verification_state_known": ["UPDATE verification SET state = 'FAILED', passed_at = now()"],
    "verification_document_known": ["UPDATE verification SET document = 'LIBRARY_CARD'"],
    "verification_attempts_not_negative": ["UPDATE verification SET attempts_left = -1"],
    "verification_passed_says_when": [
        "UPDATE verification SET state = 'PASSED'",
        "UPDATE verification SET passed_at = now()",
    ],
    "verification_used_says_when": [
        "UPDATE verification SET state = 'USED', passed_at = now()",
        "UPDATE verification SET used_at = now()",
    ],
    "verification_dates_in_order": ["UPDATE verification SET expires_at = started_at"],
    "verification_not_of_oneself": [
        "UPDATE verification SET designee_id = 1",
        "UPDATE verification SET designee_id = 2",
    ],
    "recovery_token_digest_unique": [
        "INSERT INTO recovery_token (account_id, kind, secret_version, digest, state, issued_at, expires_at) "
        "VALUES (1, 'CODE', 1, repeat('d', 32)::bytea, 'REPLACED', now(), now() + interval '1 day')"
    ],
    "recovery_token_kind_known": ["UPDATE recovery_token SET kind = 'PIGEON'"],
    "recovery_token_state_known": ["UPDATE recovery_token SET state = 'EXPIRED'"],
    "recovery_token_digest_length": [
        "UPDATE recovery_token SET digest = 'short'::bytea",
        "UPDATE recovery_token SET kind = 'LINK', nonce = 'short'::bytea",
    ],
    "recovery_token_link_has_nonce": [
        "UPDATE recovery_token SET kind = 'LINK'",
        "UPDATE recovery_token SET nonce = repeat('n', 16)::bytea",
    ],
    "recovery_token_used_says_when": [
        "UPDATE recovery_token SET state = 'USED'",
        "UPDATE recovery_token SET used_at = now()",
    ],
    "recovery_token_dates_in_order": ["UPDATE recovery_token SET expires_at = issued_at"],
    "attempt_budget_spent_positive": ["UPDATE attempt_budget SET spent = -1"],
    # ---------------------------------------------------------------------------------------- the roster's own names
    **{
        f"{table}_source_id_key": [f"UPDATE {table} SET source_id = 'same'"]
        for table in ("person", "school", "household", "grade", "attendance_event")
    },
    "letter_message_id_key": [
        "INSERT INTO letter (kind, person_id, address, facts, message_id, state, promised_at, due_at, attempts) "
        "VALUES ('WELCOME', 1, '', '{}', '<1@x>', 'WAITING', now(), now(), 0)"
    ],
}

#: Constraints that allow the words of an enumeration and no other.
WORDS: dict[str, type[StrEnum]] = {
    "account_capacity_known": Capacity,
    "account_status_known": AccountStatus,
    "activation_key_state_known": KeyState,
    "student_ssn_state_known": SsnState,
    "guardianship_status_known": GuardianshipStatus,
    "guardianship_decided_by_known": DecidedBy,
    "restriction_decided_by_known": DecidedBy,
    "letter_state_known": LetterState,
    "webhook_paused_why_known": PausedWhy,
    "webhook_delivery_state_known": DeliveryState,
    "trail_entry_outcome_known": Outcome,
    "verification_purpose_known": Purpose,
    "verification_state_known": VerificationState,
    "verification_document_known": IdDocument,
    "recovery_token_kind_known": TokenKind,
    "recovery_token_state_known": TokenState,
}


@pytest.fixture
async def filled(database: TortoiseContext) -> None:
    await sql.connection().execute_script(GOOD)


async def _catalogue() -> dict[str, dict[str, str]]:
    """Table, name and definition of all constraints but those that a primary key or an ordinary relation brings."""
    held: dict[str, dict[str, str]] = {}
    for row in await sql.rows(
        "SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'f', 'x') "
        "AND conname !~ '_fkey$' AND conrelid <> 'tortoise_migrations'::regclass"
    ):
        held.setdefault(row["table"], {})[row["name"]] = row["definition"]
    return held


async def _unique() -> set[str]:
    """All unique indexes, those of constraints included, but primary keys."""
    return {
        row["name"]
        for row in await sql.rows(
            "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indisunique AND NOT indisprimary "
            "AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) "
            "AND indrelid <> 'tortoise_migrations'::regclass"
        )
    }


def _bare(definition: str) -> str:
    """A definition without what PostgreSQL adds when it writes it down again."""
    return re.sub(r"[()\s]|::\w+|public\.|USING btree", "", definition)


# ------------------------------------------------------------------------------------------------ the catalogue
async def test_each_constraint_that_was_written_is_in_the_catalogue(database: TortoiseContext) -> None:
    held = await _catalogue()
    for table, named in CONSTRAINTS.items():
        for name, definition in named.items():
            assert name in held[table], f"{table} lacks {name}"
            if not definition.startswith("CHECK"):
                assert _bare(held[table][name]) == _bare(definition)


async def test_each_index_that_was_written_is_in_the_catalogue_as_it_was_written(database: TortoiseContext) -> None:
    held = {
        row["name"]: row["definition"]
        for row in await sql.rows(
            "SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = 'public'"
        )
    }
    for name, definition in INDEXES.items():
        assert _bare(held[name]) == _bare(f"CREATE {definition.format(name=name)}")


async def test_no_constraint_goes_untried(database: TortoiseContext) -> None:
    """Whatever refuses rows has a row here that it refuses; and the other way round."""
    held = {name for named in (await _catalogue()).values() for name in named}
    assert set(BAD) == held | await _unique()


@pytest.mark.parametrize("name", WORDS)
async def test_a_column_takes_the_words_of_its_enumeration(database: TortoiseContext, name: str) -> None:
    [definition] = [named[name] for named in (await _catalogue()).values() if name in named]
    assert set(re.findall(r"'(\w+)'", definition)) == {word.value for word in WORDS[name]}


async def test_a_role_that_is_assigned_is_one_of_the_staffs(database: TortoiseContext) -> None:
    definition = (await _catalogue())["role_assignment"]["role_assignment_role_known"]
    staff = {role.value for role in Role} - {Role.GUARDIAN, Role.STUDENT}
    assert set(re.findall(r"'(\w+)'", definition)) == staff


# ------------------------------------------------------------------------------------------------ bad rows
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("name", "statement"), [(name, statement) for name, statements in BAD.items() for statement in statements]
)
async def test_a_constraint_refuses_a_bad_row(name: str, statement: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        async with in_transaction() as connection:
            await connection.execute_script(statement)
    cause = refused.value.args[0]
    assert isinstance(cause, asyncpg.IntegrityConstraintViolationError)
    assert cause.constraint_name == name


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "statement",
    [
        # What is unique only among some leaves the others alone.
        "UPDATE student SET student_number = '777', number_is_shared = true",
        "UPDATE activation_key SET state = 'REPLACED';"
        + _KEY.format(account=2, nonce=16, digest="e", length=32, state="CURRENT"),
        "UPDATE person SET source_id = NULL",
        # A person holds an account in each capacity.
        "INSERT INTO account (person_id, capacity, status, must_change_password) "
        "VALUES (1, 'STAFF', 'NOT_ACTIVATED', false)",
        # One day is long enough; the same school again, the same role at another school.
        "UPDATE restriction SET ends_on = begins_on",
        "INSERT INTO enrolment (student_id, school_id, begins_on) VALUES (2, 1, '2027-08-15')",
        "INSERT INTO role_assignment (person_id, role, school_id) VALUES (3, 'registrar', 1)",
        "UPDATE activation_key SET expires_at = NULL",
        # A disabled account keeps its username, and one that was never opened can be disabled.
        "UPDATE account SET status = 'DISABLED', disabled_reason = 'STAFF_DECISION' WHERE id IN (1, 2)",
    ],
)
async def test_a_good_row_is_taken(statement: str) -> None:
    await sql.connection().execute_script(statement)
