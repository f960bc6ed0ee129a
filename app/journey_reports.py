"""The reporting part of the journey: the school's own report on screen, and the changes that were just made."""

from rich.rule import Rule

from app.problems import PlainProblem
from app.story import Answer, Story, expect, sign_in


def reports_way(story: Story, facts: Answer) -> None:
    """A report of the school's students by grade, and who came in since, as a program asks for it.

    Raises:
        PlainProblem: when an answer is not the one that the story needs.
    """
    sign_in(story, "demo.designee", facts["accounts"]["demo.designee"], "The principal asks how far the school is:")
    counted = story.tell(
        "The students' accounts of the school, counted by grade and by how they stand.",
        "report",
        {"input": {"definition": {"name": "STUDENT_ACCOUNTS", "groupBy": ["GRADE_LEVEL", "STATUS"]}}},
    )
    expect(counted, "Report")
    if not counted["groups"]:
        raise PlainProblem("The school has no students; the demo district should have some.")
    never = story.tell(
        "Who has never opened the account? Usernames and numbers leave the record for a purpose, which is noted.",
        "report",
        {
            "input": {
                "definition": {"name": "NEVER_ACTIVATED", "filter": {"capacity": "STUDENT"}},
                "purpose": "Reminders before the winter break",
                "first": 3,
            }
        },
    )
    expect(never, "Report")
    changes = story.tell(
        "And a program that asks now and then learns what has changed; others follow it as it happens, over a socket.",
        "account-changes",
        {"capacity": "GUARDIAN"},
    )
    if not changes["edges"]:
        raise PlainProblem("No change is known; the accounts of this journey should be among them.")
    story.token = None
    story.console.print(Rule(style="dim"))
    students = sum(group["count"] for group in counted["groups"])
    waiting = never["rows"]["totalCount"]
    story.console.print(f"The school has {students} students' accounts, and {waiting} wait for their key.")
