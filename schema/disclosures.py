"""Disclosures: who outside the family was told what about a student, and why."""

from datetime import datetime

import strawberry

from db.languages import Language
from resolvers import outcomes
from schema.nodes import Node, global_id
from schema.pages import PageInfo
from schema.wording import worded


@strawberry.type(description="Somebody outside the family was told something about a student, or did something.")
class Disclosure(Node):
    at: datetime = strawberry.field(description="When.")
    to_whom: str = strawberry.field(description="The member of staff, with the role in which it was done.")
    what: str = strawberry.field(description="What was shown or done, in words.")
    why: str = strawberry.field(
        description="What it was for, in words; the reason that staff noted, to the person who asked for it alone."
    )

    @classmethod
    def of(cls, disclosure: outcomes.Disclosure, language: Language) -> "Disclosure":
        what = worded(disclosure.what, language)
        return cls(
            id=global_id("Disclosure", disclosure.id),
            at=disclosure.at,
            to_whom=worded(disclosure.to_whom, language),
            # In some languages it begins with whose account it was.
            what=what[0].upper() + what[1:],
            why=" ".join(worded(sentence, language) for sentence in disclosure.why),
        )


@strawberry.type(description="A disclosure on a page.")
class DisclosureEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: Disclosure = strawberry.field(description="The disclosure.")


@strawberry.type(description="A page of disclosures, newest first.")
class DisclosureConnection:
    edges: list[DisclosureEdge] = strawberry.field(description="The disclosures on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")
