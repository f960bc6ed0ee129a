"""The ground to measure on: a PostgreSQL of its own with a few hundred families, thrown away afterwards."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from nacl.pwhash import argon2id

from app import embedded
from bench.processes import Family
from db import sql
from db.connection import database, migrate
from db.context import Capacity
from db.models import (
    Account,
    AccountStatus,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    Person,
    School,
    SsnState,
    Student,
)
from db.secrets import Keyring
from policies.usernames import folded

#: A database that is migrated and has nothing in it.
EMPTY = "empty"
PASSWORD = "lantern orchard seven kites"
FAMILIES = 300
#: People with an address who have forgotten how to sign in: as many as are asked for, since letters alike are withheld.
FORGETFUL = 800
STUDENTS_EACH = 2
SCHOOLS = 3
MEMORY_KIB, PASSES = 19456, 2
BORN = date(2013, 4, 9)
#: Far more than any measurement spends: the counting is measured, and never refuses.
PLENTY = "100000000"
BUDGETS = (
    "PROOFS_PER_STUDENT",
    "PROOFS_PER_CLIENT",
    "PROOFS_PER_DISTRICT",
    "LOGIN_FREE_GUESSES",
    "LOGINS_PER_CLIENT",
    "LOGINS_PER_DISTRICT",
    "RECOVERIES_PER_CLIENT",
    "RECOVERIES_PER_DISTRICT",
)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the database is, who has an account in it, and the environment in which a portal runs on it."""

    url: str
    #: Of PostgreSQL, such as 18.1.
    version: str
    secrets: str
    postgres: Family
    #: Password hash of every account, at the default cost.
    password_hash: str
    cluster: embedded.Cluster

    def another(self, name: str) -> str:
        """The address of a further database, as empty as this one was when it had been migrated."""
        self.cluster.create_database(name, template=EMPTY)
        return self.cluster.url_for(name)

    def username(self, number: int) -> str:
        """A guardian's, of as many as there are; numbers beyond begin anew."""
        return f"guardian.{number % FAMILIES}"

    def student_number(self, number: int) -> str:
        """A student's, of as many as there are; numbers beyond begin anew."""
        return f"00{100_000 + number % (FAMILIES * STUDENTS_EACH)}"

    def address(self, number: int) -> str:
        """Of somebody who has forgotten the log-on, of as many as there are; numbers beyond begin anew."""
        return f"forgetful.{number % FORGETFUL}@families.example"

    def environment(self, *, workers: int, mail_port: int) -> dict[str, str]:
        """As in production, with budgets that are never used up and a proxy in front that names the clients."""
        others = {name: value for name, value in os.environ.items() if not name.upper().startswith("PORTAL_")}
        return others | {
            "PORTAL_ENVIRONMENT": "production",
            "PORTAL_SECRETS": self.secrets,
            "PORTAL_DATABASE_URL": self.url,
            "PORTAL_PUBLIC_URL": "https://portal.test",
            "PORTAL_HOST": "127.0.0.1",
            "PORTAL_PORT": "0",
            "PORTAL_WORKERS": str(workers),
            "PORTAL_TRUSTED_PROXIES": "127.0.0.1",
            "PORTAL_HASH_MEMORY_KIB": str(MEMORY_KIB),
            "PORTAL_HASH_PASSES": str(PASSES),
            "PORTAL_SMTP_HOST": "127.0.0.1",
            "PORTAL_SMTP_PORT": str(mail_port),
            "PORTAL_SMTP_SECURITY": "none",
            # Ten a second: the courier is at work all the while, and takes no more of a worker than in a district.
            "PORTAL_MAIL_PER_MINUTE": "600",
            # Those who read accounts sign in with a password alone: the codes are no part of what is measured.
            "PORTAL_SECOND_FACTOR": "optional",
            **{f"PORTAL_{name}": PLENTY for name in BUDGETS},
        }


@contextlib.contextmanager
def prepared(folder: Path) -> Iterator[Ground]:
    """A migrated database with families in it; PostgreSQL stops and its data goes at the end."""
    with embedded.start(folder / "var", throwaway=True) as running:
        secrets = Keyring.generate()
        password_hash = argon2id.str(PASSWORD.encode(), opslimit=PASSES, memlimit=MEMORY_KIB * 1024).decode()
        running.cluster.create_database(EMPTY)
        asyncio.run(_migrate(running.cluster.url_for(EMPTY)))
        version = asyncio.run(_fill(running.cluster.url, Keyring.parse(secrets), password_hash))
        postmaster = int((running.cluster.data / "postmaster.pid").read_text().splitlines()[0])
        yield Ground(running.cluster.url, version, secrets, Family(postmaster), password_hash, running.cluster)


async def _migrate(url: str) -> None:
    async with database(url, everywhere=False):
        await migrate()


async def _fill(url: str, keys: Keyring, password_hash: str) -> str:
    """Guardians with an open account, each with students at one of the schools. Returns PostgreSQL's version."""
    now = datetime.now(UTC)
    pupils = range(1, FAMILIES * STUDENTS_EACH + 1)
    parents = range(len(pupils) + 1, len(pupils) + FAMILIES + 1)
    async with database(url, everywhere=False):
        await migrate()
        await School.bulk_create(
            [School(id=n, name=f"School {n}", phone="(555) 555-0100") for n in range(1, SCHOOLS + 1)]
        )
        await Person.bulk_create([Person(id=n, given=f"Given {n}", family=f"Family {n}") for n in (*pupils, *parents)])
        await Student.bulk_create(
            Student(
                id=n,
                student_number=f"00{100_000 + n - 1}",
                birth_date=BORN,
                ssn_state=SsnState.ON_FILE,
                ssn_proof=keys.ssn_proof(f"{520_000_000 + n}"),
                ssn_proof_version=keys.current,
            )
            for n in pupils
        )
        await Enrolment.bulk_create(
            Enrolment(student_id=n, school_id=n % SCHOOLS + 1, grade_level="07") for n in pupils
        )
        await Guardianship.bulk_create(
            Guardianship(
                guardian_id=parents[(n - 1) % FAMILIES],
                student_id=n,
                relationship="mother",
                status=GuardianshipStatus.CONFIRMED,
                portal_access=True,
                confirmed_at=now,
            )
            for n in pupils
        )
        await Account.bulk_create(
            Account(
                person_id=n,
                capacity=Capacity.GUARDIAN,
                status=AccountStatus.ACTIVE,
                username=f"guardian.{place}",
                username_folded=folded(f"guardian.{place}"),
                password_hash=password_hash,
                activated_at=now,
            )
            for place, n in enumerate(parents)
        )
        await _fill_forgetful(parents[-1] + 1, password_hash, now)
        shown = await sql.rows("SHOW server_version")
    return str(shown[0]["server_version"])


async def _fill_forgetful(first: int, password_hash: str, now: datetime) -> None:
    """People with an open account and an address, with ids from `first` on."""
    people = range(first, first + FORGETFUL)
    addresses = [f"forgetful.{n}@families.example" for n in range(FORGETFUL)]
    await Person.bulk_create(
        Person(id=n, given=f"Given {n}", family=f"Family {n}", email=address, email_folded=address)
        for n, address in zip(people, addresses, strict=True)
    )
    await Account.bulk_create(
        Account(
            person_id=n,
            capacity=Capacity.GUARDIAN,
            status=AccountStatus.ACTIVE,
            username=f"forgetful.{place}",
            username_folded=folded(f"forgetful.{place}"),
            password_hash=password_hash,
            activated_at=now,
        )
        for place, n in enumerate(people)
    )
