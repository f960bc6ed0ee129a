"""What must hold whatever the code does: checks, partial indexes and the indexes of the named queries.

Written by hand, because Tortoise silently drops `Meta.constraints` of a new model and cannot say most of these.
`tests/test_database.py` reads them back from the catalogue.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "account": {
        "account_one_per_person_and_capacity": "UNIQUE (person_id, capacity)",
        "account_capacity_known": "CHECK (capacity IN ('GUARDIAN', 'STUDENT', 'STAFF'))",
        "account_status_known": "CHECK (status IN ('NOT_ACTIVATED', 'ACTIVE', 'DISABLED'))",
        "account_active_has_username": "CHECK (status <> 'ACTIVE' OR (username IS NOT NULL AND activated_at IS NOT NULL))",
        "account_not_activated_is_empty": (
            "CHECK (status <> 'NOT_ACTIVATED'"
            " OR (username IS NULL AND username_folded IS NULL AND password_hash IS NULL AND activated_at IS NULL))"
        ),
        "account_disabled_says_why": "CHECK ((status = 'DISABLED') = (disabled_reason IS NOT NULL))",
        "account_username_has_folded_form": "CHECK ((username IS NULL) = (username_folded IS NULL))",
    },
    "activation_key": {
        "activation_key_digest_unique": "UNIQUE (digest)",
        "activation_key_state_known": "CHECK (state IN ('CURRENT', 'USED', 'REPLACED'))",
        "activation_key_used_says_when": "CHECK ((state = 'USED') = (used_at IS NOT NULL))",
        "activation_key_dates_in_order": "CHECK (expires_at > issued_at)",
        "activation_key_digest_length": "CHECK (length(digest) = 32 AND length(nonce) = 16)",
    },
    "session": {
        "session_digest_unique": "UNIQUE (digest)",
        "session_digest_length": "CHECK (length(digest) = 32)",
        "session_dates_in_order": "CHECK (expires_at > started_at AND last_seen_at >= started_at)",
        "session_ended_says_why": "CHECK ((ended_at IS NULL) = (end_reason IS NULL))",
    },
    "device": {
        "device_digest_unique": "UNIQUE (digest)",
        "device_digest_length": "CHECK (length(digest) = 32)",
    },
    "student": {
        "student_is_a_person": "FOREIGN KEY (id) REFERENCES person (id) ON DELETE RESTRICT",
        "student_number_not_blank": "CHECK (student_number <> '')",
        "student_ssn_state_known": "CHECK (ssn_state IN ('ON_FILE', 'UNUSABLE', 'NOT_ON_FILE'))",
        "student_ssn_proof_when_on_file": (
            "CHECK ((ssn_state = 'ON_FILE') = (ssn_proof IS NOT NULL AND ssn_proof_version IS NOT NULL))"
        ),
        "student_ssn_proof_is_a_digest": "CHECK (ssn_proof IS NULL OR length(ssn_proof) = 32)",
    },
    "guardianship": {
        "guardianship_one_per_pair": "UNIQUE (guardian_id, student_id)",
        "guardianship_not_of_oneself": "CHECK (guardian_id <> student_id)",
        "guardianship_status_known": "CHECK (status IN ('CLAIMED', 'CONFIRMED', 'REVOKED'))",
        "guardianship_decided_by_known": "CHECK (decided_by IN ('ROSTER', 'REGISTRAR'))",
        "guardianship_confirmed_says_when": "CHECK (status <> 'CONFIRMED' OR confirmed_at IS NOT NULL)",
        "guardianship_revoked_says_when": "CHECK ((status = 'REVOKED') = (revoked_at IS NOT NULL))",
    },
    "restriction": {
        "restriction_dates_in_order": "CHECK (ends_on >= begins_on)",
        "restriction_decided_by_known": "CHECK (decided_by IN ('ROSTER', 'REGISTRAR'))",
    },
    "household_member": {
        "household_member_once": "UNIQUE NULLS NOT DISTINCT (household_id, person_id, begins_on)",
        "household_member_dates_in_order": "CHECK (ends_on >= begins_on)",
    },
    "enrolment": {
        "enrolment_once": "UNIQUE NULLS NOT DISTINCT (student_id, school_id, begins_on)",
        "enrolment_dates_in_order": "CHECK (ends_on >= begins_on)",
    },
    "role_assignment": {
        "role_assignment_once": "UNIQUE NULLS NOT DISTINCT (person_id, role, school_id, begins_on)",
        "role_assignment_role_known": (
            "CHECK (role IN ('designee', 'registrar', 'technology', 'reporter', 'administrator'))"
        ),
        "role_assignment_dates_in_order": "CHECK (ends_on >= begins_on)",
    },
    "letter": {
        "letter_state_known": "CHECK (state IN ('WAITING', 'SENT', 'FAILED', 'CANCELLED'))",
        "letter_sent_says_when": "CHECK ((state = 'SENT') = (sent_at IS NOT NULL))",
    },
    "trail_entry": {
        "trail_entry_outcome_known": "CHECK (outcome IN ('DONE', 'REFUSED'))",
        "trail_entry_refused_says_why": "CHECK ((outcome = 'REFUSED') = (refusal IS NOT NULL))",
    },
    "attempt_budget": {"attempt_budget_spent_positive": "CHECK (spent >= 0)"},
}

#: name -> definition
INDEXES: dict[str, str] = {
    "activation_key_one_current": "UNIQUE INDEX {name} ON activation_key (account_id) WHERE state = 'CURRENT'",
    "student_number_unique": "UNIQUE INDEX {name} ON student (student_number) WHERE NOT number_is_shared",
    # Leading zeros count, unless the short form is unique: this finds the long form from the short one.
    "student_number_without_zeros": "INDEX {name} ON student (ltrim(student_number, '0'))",
    "person_email": "INDEX {name} ON person (email_folded) WHERE email_folded IS NOT NULL",
    "household_member_person": "INDEX {name} ON household_member (person_id)",
    "enrolment_school": "INDEX {name} ON enrolment (school_id)",
    "guardianship_student": "INDEX {name} ON guardianship (student_id)",
    "restriction_in_force": "INDEX {name} ON restriction (guardianship_id) WHERE lifted_at IS NULL",
    # For forgetting a device: its sessions let go of it.
    "session_device": "INDEX {name} ON session (device_id) WHERE device_id IS NOT NULL",
    "session_of_account": "INDEX {name} ON session (account_id) WHERE ended_at IS NULL",
    "device_ends": "INDEX {name} ON device (expires_at)",
    "device_of_account": "INDEX {name} ON device (account_id)",
    "grade_page": "INDEX {name} ON grade (student_id, scored_on DESC NULLS LAST, id DESC)",
    "attendance_page": "INDEX {name} ON attendance_event (student_id, happened_on DESC, id DESC)",
    "letter_waiting": "INDEX {name} ON letter (due_at) WHERE state = 'WAITING'",
    "letter_person": "INDEX {name} ON letter (person_id)",
    "trail_entry_student": "INDEX {name} ON trail_entry (about_student_id, at) WHERE about_student_id IS NOT NULL",
    "trail_entry_person": "INDEX {name} ON trail_entry (about_person_id, at) WHERE about_person_id IS NOT NULL",
    "trail_entry_actor": "INDEX {name} ON trail_entry (actor_person_id, at) WHERE actor_person_id IS NOT NULL",
    "attempt_budget_ends": "INDEX {name} ON attempt_budget (ends_at)",
    "idempotent_answer_ends": "INDEX {name} ON idempotent_answer (expires_at)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0001_people_and_access")]

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
        )
    ]
