"""The gates between a guardian and a student, as staff read them."""

from collections.abc import Mapping
from enum import Enum

import strawberry

from db import models
from db.languages import Language
from policies.findings import Found
from schema.people import Role
from schema.wording import worded


@strawberry.enum(description="What stands between a guardian and the sight of a student, in the order of looking.")
class GateName(Enum):
    PERSON = strawberry.enum_value("PERSON", description="Both are on record, the guardian with an account row.")
    HOUSEHOLD = strawberry.enum_value("HOUSEHOLD", description="They share a household. Sight never depends on it.")
    GUARDIANSHIP_RECORDED = strawberry.enum_value("GUARDIANSHIP_RECORDED", description="A guardianship is on record.")
    GUARDIANSHIP_CONFIRMED = strawberry.enum_value(
        "GUARDIANSHIP_CONFIRMED", description="The roster or a registrar has confirmed it."
    )
    PORTAL_ACCESS = strawberry.enum_value("PORTAL_ACCESS", description="The portal mark is set.")
    NO_RESTRICTION = strawberry.enum_value("NO_RESTRICTION", description="No restriction is in force.")
    RIGHTS_NOT_TRANSFERRED = strawberry.enum_value(
        "RIGHTS_NOT_TRANSFERRED", description="The student is under age, or has consented."
    )
    STUDENT_ENROLLED = strawberry.enum_value(
        "STUDENT_ENROLLED", description="The student is at a school. Sight does not depend on it."
    )
    KEY_ISSUED = strawberry.enum_value("KEY_ISSUED", description="A key waits for an account that is not open yet.")
    ACCOUNT_ACTIVATED = strawberry.enum_value("ACCOUNT_ACTIVATED", description="The account was opened.")
    ACCOUNT_ENABLED = strawberry.enum_value("ACCOUNT_ENABLED", description="The account is not disabled.")
    PASSWORD_SET = strawberry.enum_value("PASSWORD_SET", description="No new password has to be set first.")
    NOT_LOCKED = strawberry.enum_value("NOT_LOCKED", description="Signing in does not have to wait.")


@strawberry.enum(description="Whether a gate lets through. The student is seen when none fails.")
class GateState(Enum):
    HOLDS = strawberry.enum_value("HOLDS", description="It lets through.")
    FAILS = strawberry.enum_value("FAILS", description="It keeps the guardian from seeing the student.")
    NOT_APPLICABLE = strawberry.enum_value("NOT_APPLICABLE", description="It does not matter as things stand.")


@strawberry.type(description="One gate, and how to open it.")
class Gate:
    name: GateName = strawberry.field(description="Which one.")
    state: GateState = strawberry.field(description="Whether it lets through.")
    finding: str = strawberry.field(description="What is so, in the language of `Accept-Language`.")
    remedy: str | None = strawberry.field(description="What to do, and by which mutation; null unless it fails.")
    owner: Role | None = strawberry.field(description="Who can do it; null unless it fails.")

    @classmethod
    def all_of(cls, gates: Mapping[models.GateName, Found], language: Language) -> list["Gate"]:
        """The gates in this language, in the order of looking."""
        return [
            cls(
                name=GateName[name.name],
                state=GateState[found.state.name],
                finding=worded(found.finding, language),
                remedy=worded(found.remedy, language) if found.remedy else None,
                owner=Role[found.owner.name] if found.owner else None,
            )
            for name, found in gates.items()
        ]
