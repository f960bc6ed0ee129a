"""The registrar's part of the journey: a parent at the counter sees nothing, and a minute later the right child."""

from uuid import uuid4

from rich.rule import Rule

from app.problems import PlainProblem
from app.story import Answer, Story, expect, sign_in

_PASSWORD = "pebble lantern autumn ferry"


def registrars_way(story: Story, facts: Answer) -> None:
    """From the queue to the child's record, by what the diagnosis names and nothing else.

    Raises:
        PlainProblem: when an answer is not the one that the story needs.
    """
    sign_in(story, "demo.registrar", facts["accounts"]["demo.registrar"], "The registrar of the school:")
    queue = story.tell(
        "The queue: guardianships that the roster names and nobody has confirmed come first.",
        "guardianships",
    )
    if not queue["edges"]:
        story.console.print(Rule(style="dim"))
        story.console.print("Nobody waits for the registrar any more; `make reset` makes a new district.")
        return
    claimed = queue["edges"][0]["node"]
    guardian, student = claimed["guardian"], claimed["student"]
    who, child = guardian["name"]["display"], student["name"]["display"]
    failing = _failing(story, f"{who} is at the counter and sees nothing of {child}. Why?", guardian, student)
    key = _mend(story, claimed, failing)
    story.token = None
    if key is not None:
        username = f"parent.{uuid4().hex[:8]}"
        choice = {"key": key, "username": username, "password": _PASSWORD, "verifyPassword": _PASSWORD}
        opened = story.tell(f"{who} opens the account at the counter.", "activate", {"input": choice})
        expect(opened, "AccountActivated")
        story.token = opened["session"]["token"]
        me = story.tell(f"And sees {child}.", "me")
        if student["id"] not in [seen["id"] for seen in me["students"]]:
            raise PlainProblem(f"{who} does not see {child}; the diagnosis should have said why.")
    story.token = None
    story.console.print(Rule(style="dim"))
    story.console.print(f"{who} came to the counter, and is put right about {child}.")


def _failing(story: Story, title: str, guardian: Answer, student: Answer) -> list[str]:
    """The gates that fail between the two, by name."""
    diagnosis = story.tell(title, "access-diagnosis", {"guardianId": guardian["id"], "studentId": student["id"]})
    if diagnosis is None:
        raise PlainProblem("The registrar is told nothing about a guardianship of the own school.")
    return [gate["name"] for gate in diagnosis["gates"] if gate["state"] == "FAILS"]


def _mend(story: Story, claimed: Answer, failing: list[str]) -> str | None:
    """Does what the remedies say; returns the activation key, where one is needed."""
    tie = {"guardianshipId": claimed["id"]}
    remedies = {
        "GUARDIANSHIP_CONFIRMED": (
            "The birth certificate lies on the counter: guardianship is confirmed.",
            "confirm-guardianship",
            tie | {"evidence": "Birth certificate and driver's license seen"},
        ),
        "PORTAL_ACCESS": (
            "Confirmed is not yet shown: the portal mark is set, too.",
            "set-portal-access",
            tie | {"allowed": True, "reason": "Asked for at the counter"},
        ),
        "RIGHTS_NOT_TRANSFERRED": (
            "The student is eighteen and agrees, in writing.",
            "record-consent",
            tie | {"given": True, "evidence": "Signed consent form on file"},
        ),
    }
    for gate, (title, operation, choice) in remedies.items():
        if gate in failing:
            expect(story.tell(title, operation, {"input": choice}), "GuardianshipChanged")
    if "ACCOUNT_ACTIVATED" not in failing:
        return None
    issued = story.tell(
        "The account was never opened: the registrar hands over the activation key.",
        "issue-activation-key",
        {"input": {"personId": claimed["guardian"]["id"], "reason": "Guardian at the counter, ID seen"}},
    )
    expect(issued, "ActivationKeyIssued")
    left = _failing(story, "What is left?", claimed["guardian"], claimed["student"])
    if left != ["ACCOUNT_ACTIVATED"]:
        raise PlainProblem(f"After the remedies there is more to do than to open the account: {', '.join(left)}.")
    key: str = issued["key"]
    return key
