"""The gates before the account: who the two are, what ties them, and what stands against it."""

from collections.abc import Callable, Mapping
from typing import Final

from db.context import Role
from db.languages import Sentence, say
from db.models import GateName, GuardianshipStatus
from policies.access_record import AccessRecord, TieOnRecord
from policies.findings import Found, Place, beside_the_point, fails, holds
from policies.guardianship import AGE_OF_RIGHTS, of_age

_NO_TIE: Final = say("There is no guardianship of which this could be said.")
_OTHER_RECORD: Final = say("This is to be looked at on the record that goes on.")


def merged_away(record: AccessRecord) -> Mapping[GateName, Found] | None:
    """All gates, where one of the two records is nobody's any more: nothing else about it is worth mending."""
    if not record.merged:
        return None
    if record.guardian_merged:
        finding = say("The guardian's record was merged into another one, which goes on in its place.")
    else:
        finding = say("The student's record was merged into another one, which goes on in its place.")
    remedy = say("Look at the other record. If the two are not one and the same person, undo the merge (undoMerge).")
    elsewhere = {name: beside_the_point(_OTHER_RECORD) for name in GateName}
    return elsewhere | {GateName.PERSON: fails(finding, remedy, Role.REGISTRAR)}


def _person(place: Place) -> Found:
    if place.record.account is not None:
        return holds(say("The guardian and the student are on record."))
    if place.record.tie is None:
        remedy = say("Record the guardianship (recordGuardianship): that adds the account.")
    else:
        remedy = say("Once the guardian may see the student, issue a key (issueActivationKey): that adds the account.")
    return fails(
        say("The guardian is on record, but there is no account that could be opened."), remedy, Role.REGISTRAR
    )


def _household(place: Place) -> Found:
    if any(span.has(place.on) for span in place.record.together):
        return holds(say("They are members of one household."))
    return beside_the_point(
        say(
            "They are members of no common household. Sight does not depend on it: nobody sees a student through a "
            "household alone."
        )
    )


def _recorded(place: Place) -> Found:
    if tie := place.record.tie:
        return holds(say("The guardianship is on record: %(relationship)s.", relationship=tie.relationship))
    return fails(
        say("No guardianship of the two is on record."),
        say(
            "Record it, with what proves it (recordGuardianship): that confirms it, and can set the portal mark in "
            "the same step."
        ),
        Role.REGISTRAR,
    )


def _of_tie(name: GateName, sound: Sentence, amiss: Callable[[Place, TieOnRecord], Found]) -> Callable[[Place], Found]:
    """A gate that is about the guardianship, by how `standing` judges it."""

    def gate(place: Place) -> Found:
        tie = place.record.tie
        if tie is None:
            return beside_the_point(_NO_TIE)
        return amiss(place, tie) if name in place.shut else holds(sound)

    return gate


def _not_confirmed(place: Place, tie: TieOnRecord) -> Found:
    if tie.status is not GuardianshipStatus.REVOKED:
        return fails(
            say("The guardianship is claimed, and nobody has confirmed it."),
            say("Look at what proves it, and confirm it (confirmGuardianship)."),
            Role.REGISTRAR,
        )
    if tie.revoked_at:
        finding = say("The guardianship was revoked on %(day)s.", day=place.day(tie.revoked_at))
    else:
        finding = say("The guardianship was revoked.")
    return fails(
        finding,
        say("Only the registrar can let it hold again, and only on new evidence (confirmGuardianship)."),
        Role.REGISTRAR,
    )


def _no_mark(_: Place, __: TieOnRecord) -> Found:
    return fails(
        say("The portal mark is not set."),
        say("Set it, if the guardian is to see the student in the portal (setPortalAccess)."),
        Role.REGISTRAR,
    )


def _restricted(place: Place, tie: TieOnRecord) -> Found:
    held = tie.restriction(place.on)
    kind, until = (held.kind, held.span.ends_on) if held else ("", None)
    if until:
        finding = say(
            "A restriction is in force, its last day is %(until)s: %(kind)s.", until=until.isoformat(), kind=kind
        )
    else:
        finding = say("A restriction is in force until it is lifted: %(kind)s.", kind=kind)
    return fails(finding, say("Lift it only if the order behind it has ended (liftRestriction)."), Role.REGISTRAR)


_RIGHTS: Final = GateName.RIGHTS_NOT_TRANSFERRED


def _rights(place: Place) -> Found:
    born = place.record.birth_date
    if place.record.tie and _RIGHTS not in place.shut and of_age(born, place.on):
        return holds(say("The rights have passed to the student, and that the guardian keeps access is on record."))
    return _under_age(place)


def _passed(place: Place, _: TieOnRecord) -> Found:
    if place.record.birth_date is None:
        return fails(
            say("The student's birth date is not on record, which counts as of age; no consent is on record either."),
            say(
                "Have the birth date put right in the roster; or, if the student is of age, record the student's "
                "consent (recordConsent)."
            ),
            Role.REGISTRAR,
        )
    return fails(
        say(
            "The student is %(age)d or older: the rights have passed to the student, whose consent is not on record.",
            age=AGE_OF_RIGHTS,
        ),
        say("Record the student's consent, if the student gives it (recordConsent)."),
        Role.REGISTRAR,
    )


_under_age: Final = _of_tie(_RIGHTS, say("The student is younger than %(age)d.", age=AGE_OF_RIGHTS), _passed)


def _enrolled(place: Place) -> Found:
    held = [each for each in place.record.enrolments if each.span.has(place.on)]
    if not held:
        return beside_the_point(
            say("The student is enrolled nowhere. Sight does not depend on it: in the holidays the record stays there.")
        )
    shown = place.schools_shown
    named = dict.fromkeys(each.school for each in held if shown is None or each.school_id in shown)
    if not named:
        return holds(say("The student is enrolled at another school of the district."))
    return holds(say("The student is enrolled: %(schools)s.", schools="; ".join(named)))


GUARDIANSHIP_GATES: Final[dict[GateName, Callable[[Place], Found]]] = {
    GateName.PERSON: _person,
    GateName.HOUSEHOLD: _household,
    GateName.GUARDIANSHIP_RECORDED: _recorded,
    GateName.GUARDIANSHIP_CONFIRMED: _of_tie(
        GateName.GUARDIANSHIP_CONFIRMED, say("The guardianship is confirmed."), _not_confirmed
    ),
    GateName.PORTAL_ACCESS: _of_tie(GateName.PORTAL_ACCESS, say("The portal mark is set."), _no_mark),
    GateName.NO_RESTRICTION: _of_tie(GateName.NO_RESTRICTION, say("No restriction is in force."), _restricted),
    GateName.RIGHTS_NOT_TRANSFERRED: _rights,
    GateName.STUDENT_ENROLLED: _enrolled,
}
