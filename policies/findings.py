"""What is found at one gate, and what the gates are looked at with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from db.context import Role
from db.languages import Sentence
from db.models import GateName, GateState
from policies.access_record import AccessRecord


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a gate lets through, in words; and where it does not, what to do about it and who can do it."""

    state: GateState
    finding: Sentence
    remedy: Sentence | None = None
    owner: Role | None = None

    def as_kept(self, name: GateName) -> dict[str, object]:
        """For a work order: what can be read again in any language, long after."""
        return {
            "name": name.value,
            "state": self.state.value,
            "finding": self.finding.as_plain(),
            "remedy": self.remedy.as_plain() if self.remedy else None,
            "owner": self.owner.value if self.owner else None,
        }

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any]) -> tuple[GateName, Self]:
        """What was kept by `as_kept`."""
        remedy, owner = kept["remedy"], kept["owner"]
        return GateName(kept["name"]), cls(
            GateState(kept["state"]),
            Sentence.of_plain(kept["finding"]),
            Sentence.of_plain(remedy) if remedy else None,
            Role(owner) if owner else None,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What is on record, and the day and the moment on which it is looked at."""

    record: AccessRecord
    on: date
    at: datetime
    zone: ZoneInfo
    #: The schools that may be named; None for all.
    schools_shown: frozenset[int] | None
    #: False where the policy table keeps out a guardian with whom nothing is amiss.
    lets_in: bool
    #: Those gates of the guardianship that are shut, each for itself.
    shut: frozenset[GateName]

    def time(self, moment: datetime) -> str:
        """A moment in the district's time zone, written alike in all languages."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def day(self, moment: datetime) -> str:
        """Its day, likewise."""
        return f"{moment.astimezone(self.zone):%Y-%m-%d}"


def holds(finding: Sentence) -> Found:
    return Found(GateState.HOLDS, finding)


def beside_the_point(finding: Sentence) -> Found:
    return Found(GateState.NOT_APPLICABLE, finding)


def fails(finding: Sentence, remedy: Sentence, owner: Role) -> Found:
    return Found(GateState.FAILS, finding, remedy, owner)
