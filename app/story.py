"""How a journey is told: each operation from the examples, with its variables and the server's answer."""

import json
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax

from app.problems import PlainProblem

OPERATIONS = Path(__file__).parent.parent / "examples" / "operations"

Answer = dict[str, Any]


class Story:
    """Sends operations and prints each with its variables and its answer."""

    def __init__(self, http: httpx.Client, console: Console) -> None:
        self.http = http
        self.console = console
        self.token: str | None = None
        self._chapter = 0

    def tell(self, title: str, operation: str, variables: Answer | None = None) -> Any:
        """One chapter: what happens, the operation from the examples, the variables, the answer; returns its result.

        Raises:
            PlainProblem: when the server does not answer as a portal does.
        """
        self._chapter += 1
        text = (OPERATIONS / f"{operation}.graphql").read_text(encoding="utf-8").strip()
        self.console.print(Rule(style="dim"))
        self.console.print(f"{self._chapter}. {title}\n", style="bold", markup=False)
        self.console.print(Syntax(text, "graphql", background_color="default", word_wrap=True))
        if variables:
            self.console.print("variables", style="dim")
            self._json(variables)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            response = self.http.post("/graphql", json={"query": text, "variables": variables or {}}, headers=headers)
            answer: Answer = response.json()
        except (httpx.HTTPError, ValueError) as failed:
            raise PlainProblem(f"The server at {self.http.base_url} did not answer: {failed}.") from None
        self.console.print("answer", style="dim")
        self._json(answer)
        if answer.get("errors") or not answer.get("data"):
            raise PlainProblem(f"The answer to {operation} is an error; see above.")
        return next(iter(answer["data"].values()))

    def _json(self, value: Answer) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        self.console.print(Syntax(text, "json", background_color="default", word_wrap=True))


def expect(result: Answer, typename: str) -> None:
    """Goes on only with an answer of this type.

    Raises:
        PlainProblem: says what came instead.
    """
    if result["__typename"] != typename:
        said = result.get("message", "no reason given")
        raise PlainProblem(f"Expected {typename}, the answer is {result['__typename']}: {said}")


def sign_in(story: Story, username: str, password: str, title: str) -> None:
    """From the next chapter on, the story is this person's.

    Raises:
        PlainProblem: when the password is not taken.
    """
    story.token = None
    signed_in = story.tell(title, "login", {"input": {"username": username, "password": password}})
    expect(signed_in, "LoggedIn")
    story.token = signed_in["session"]["token"]
