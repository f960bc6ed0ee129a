"""Choosing a password: the same rules wherever a new one is set."""

from collections.abc import Iterable

from db.context import Context
from db.languages import say
from policies import passwords
from policies.refusals import FieldProblem


def password_faults(
    ctx: Context, password: str, again: str, words: Iterable[str], *, username: str
) -> list[FieldProblem]:
    """What is wrong with a new password that was typed twice; empty when nothing is.

    `words` are those that others would try first: the holder's names and the family's.
    """
    faults = [
        FieldProblem(("input", "password"), passwords.message(problem))
        for problem in passwords.problems(password, rules=ctx.rules, context=words, username=username)
    ]
    if password != again:
        faults.append(FieldProblem(("input", "verifyPassword"), say("The two passwords are not the same.")))
    return faults
