"""The designee's part of the journey: a parent who forgot the password is verified, helped, and sees who helped."""

from rich.rule import Rule

from app.problems import PlainProblem
from app.story import Answer, Story, expect, sign_in

_NEW_PASSWORD = "marble kettle northern finch"


def designees_way(story: Story, facts: Answer, family: Answer, username: str) -> None:
    """From the call of a parent to the new password, with a wrong answer on the way.

    Raises:
        PlainProblem: when an answer is not the one that the story needs.
    """
    sign_in(story, "demo.designee", facts["accounts"]["demo.designee"], "The front office. The school's designee:")
    student, guardian = _family_at_the_desk(story, family)
    passed = _verified(story, family, student, guardian)
    reset = story.tell(
        "The designee resets the account. The old password and all sessions are over; the code is for the caller.",
        "reset-account",
        {"input": {"verificationId": passed, "reason": "Forgot the password"}},
    )
    expect(reset, "AccountReset")
    again = story.tell(
        "The verification is used up: nothing more can be done with it.",
        "reset-account",
        {"input": {"verificationId": passed, "reason": "Once more"}},
    )
    expect(again, "NotAllowed")
    story.token = None
    choice = {"token": reset["oneTimeCode"], "password": _NEW_PASSWORD, "verifyPassword": _NEW_PASSWORD}
    changed = story.tell(
        f"{family['given']} sets a new password with the code, which works once.", "set-new-password", {"input": choice}
    )
    expect(changed, "PasswordChanged")
    sign_in(story, username, _NEW_PASSWORD, f"{family['given']} signs in with it:")
    told = story.tell("And sees who was told what about the child's record, and why.", "disclosures")
    if not any(student["disclosures"]["edges"] for student in told["students"]):
        raise PlainProblem("The family sees no disclosure; the reset should be one.")
    story.token = None
    story.console.print(Rule(style="dim"))
    story.console.print(f"{family['given']} {family['family']} was verified, helped, and knows about it.")


def _family_at_the_desk(story: Story, family: Answer) -> tuple[str, str]:
    """Ids of the student and of the guardian, found by the student's name."""
    variables = {"search": family["student_name"], "first": 5}
    title = "A parent calls. What the desk may see before anybody is verified: names, school, how the accounts stand."
    found: list[Answer] = story.tell(title, "find-people", variables)
    for match in found:
        for one in match["guardians"]:
            if one["guardian"]["name"]["display"] == _full_name(family):
                return match["student"]["id"], one["guardian"]["id"]
    raise PlainProblem("The designee does not find the family; `make reset` makes a new district.")


def _full_name(family: Answer) -> str:
    return f"{family['given']} {family['family']} {family['suffix']}".strip()


def _verified(story: Story, family: Answer, student: str, guardian: str) -> str:
    """Asks the questions, gets a wrong answer and then right ones; returns the id of the passed verification."""
    started = story.tell(
        "The caller wants the password reset: for just that, and by just this designee, the caller is verified.",
        "start-verification",
        {"input": {"guardianId": guardian, "studentId": student, "purpose": "RESET"}},
    )
    expect(started, "VerificationStarted")
    knows = {
        "PARENT_NAME": _full_name(family),
        "STUDENT_NAME": family["student_name"],
        "MAILING_ADDRESS": family["home_address"],
        "HOME_PHONE": family["home_phone"],
        "STUDENT_SSN": family["student_ssn"],
        "STUDENT_NUMBER": family["student_number"],
    }
    right = {question: knows[question] for question in started["questions"]}
    failed = _answers(story, started, right | {"PARENT_NAME": "Somebody Else"}, "A wrong answer. Nobody is told which.")
    expect(failed, "VerificationFailed")
    passed = _answers(story, started, right, "All answers are right.")
    expect(passed, "VerificationPassed")
    verification: str = passed["verificationId"]
    return verification


def _answers(story: Story, started: Answer, said: dict[str, str], title: str) -> Answer:
    answers = [{"question": question, "answer": answer} for question, answer in said.items()]
    choice = {"verificationId": started["verificationId"], "answers": answers}
    answered: Answer = story.tell(title, "answer-verification", {"input": choice})
    return answered
