"""The family's view of the trail: who outside the family was told what about a student, and why (34 CFR 99.32).

In words, and with nothing that would tell one parent about another one: which guardian an account belongs to, or why a
guardian called, is told to that guardian alone.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from db.context import Context, Role, Viewer
from db.languages import Sentence, say
from db.queries import disclosures as queries
from db.trail import Step
from resolvers.outcomes import Disclosure, Student
from resolvers.portal import students
from resolvers.reporting import name_of

#: What was shown or done, to whose account where it was to one.
WHAT: Final[Mapping[Step, Callable[[Sentence], Sentence]]] = {
    Step.LOOK_UP_ACCOUNT: lambda account: say("Username and status of %(account)s were shown.", account=account),
    Step.RESET_ACCOUNT: lambda account: say(
        "The password of %(account)s was reset; a new one can be set with a code or link.", account=account
    ),
    Step.ENABLE_ACCOUNT: lambda account: say("%(account)s was enabled.", account=account),
    Step.DISABLE_ACCOUNT: lambda account: say("%(account)s was disabled.", account=account),
    Step.ANSWER_VERIFICATION: lambda _: say("What a caller said was compared with the record, and agreed with it."),
    Step.RECORD_IN_PERSON_ID: lambda _: say("A caller's identity document was looked at."),
    Step.ISSUE_KEY: lambda account: say("An activation key for %(account)s was given out.", account=account),
    Step.PRINT_KEY_LETTER: lambda account: say(
        "A letter with the activation key for %(account)s was printed.", account=account
    ),
}

_ASKED: Final = {
    "LOOK_UP": say("asked how to sign in"),
    "RESET": say("asked for a new password"),
    "ENABLE": say("asked for the account to be enabled"),
    "DISABLE": say("asked for the account to be disabled"),
}
_ASKED_FOR_HELP: Final = say("asked for help with an account")
#: As whom a member of staff did it.
_ROLES: Final[Mapping[str, Sentence]] = {
    Role.DESIGNEE: say("designee"),
    Role.REGISTRAR: say("registrar"),
    Role.TECHNOLOGY: say("technology"),
    Role.REPORTER: say("reporter"),
    Role.ADMINISTRATOR: say("administrator"),
}
#: What a step is for, where its entry does not say.
_USUAL: Final = {
    Step.LOOK_UP_ACCOUNT: "LOOK_UP",
    Step.RESET_ACCOUNT: "RESET",
    Step.ENABLE_ACCOUNT: "ENABLE",
    Step.DISABLE_ACCOUNT: "DISABLE",
}
#: Steps for which nobody has called.
_UNASKED: Final[Mapping[Step, Sentence]] = {
    Step.ISSUE_KEY: say("The school gives keys to people on record who may have an account."),
    Step.PRINT_KEY_LETTER: say("The district sends out letters with keys, for accounts that were not opened yet."),
}
_VERIFYING: Final = frozenset({Step.ANSWER_VERIFICATION, Step.RECORD_IN_PERSON_ID})
_STEPS: Final = tuple(step.value for step in WHAT)


async def disclosures(
    ctx: Context, seen: Sequence[Student], *, limit: int, after: tuple[datetime, int] | None
) -> dict[int, list[Disclosure]]:
    """The newest disclosures about students that `portal.students` gave, by student, `limit` of each at most."""
    pages: dict[int, list[Disclosure]] = {student.id: [] for student in seen}
    told = [student.id for student in seen if student.disclosed]
    if ctx.viewer is None or not told:
        return pages
    for row in await queries.page(told, _STEPS, limit=limit, after=after):
        pages[row["student_id"]].append(_disclosure(ctx.viewer, row))
    return pages


async def disclosure(ctx: Context, entry_id: int) -> Disclosure | None:
    """One disclosure, if the asker may read those about its student."""
    row = await queries.one(entry_id, _STEPS) if ctx.viewer else None
    if row is None or ctx.viewer is None:
        return None
    readable = [student for student in await students(ctx, row["student_id"]) if student.disclosed]
    return _disclosure(ctx.viewer, row) if readable else None


def _disclosure(viewer: Viewer, row: Mapping[str, Any]) -> Disclosure:
    step, details = Step(row["step"]), row["details"] or {}
    return Disclosure(
        id=row["id"],
        at=row["at"],
        to_whom=_to_whom(row, details),
        what=WHAT[step](_account(viewer, row)),
        why=_why(viewer, step, row, details),
    )


def _account(viewer: Viewer, row: Mapping[str, Any]) -> Sentence:
    """Whose account it was, as far as the reader may know it."""
    if row["holder_id"] == viewer.person_id:
        return say("your account")
    return say("the student's own account") if row["holder_id"] == row["student_id"] else say("a guardian's account")


def _to_whom(row: Mapping[str, Any], details: Mapping[str, Any]) -> Sentence | str:
    if row["family"] is None:
        return say("The school district")
    name, role = name_of(row).display, _ROLES.get(str(details.get("role")))
    return say("%(name)s, %(role)s", name=name, role=role) if role else name


def _why(viewer: Viewer, step: Step, row: Mapping[str, Any], details: Mapping[str, Any]) -> list[Sentence]:
    asked = _ASKED.get(str(details.get("purpose") or _USUAL.get(step)), _ASKED_FOR_HELP)
    if step in _UNASKED:
        why = [_UNASKED[step]]
    elif step in _VERIFYING:
        why = [say("A caller %(asked)s, and had to be verified first.", asked=asked)]
    else:
        why = [say("The caller was verified and %(asked)s.", asked=asked)]
    reason = details.get("reason")
    if isinstance(reason, str) and reason.strip() and row["about_person_id"] == viewer.person_id:
        why.append(say("The school noted: %(reason)s", reason=reason.strip()))
    return why
