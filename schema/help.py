"""Help as data: questions and answers for families, in their language."""

from collections.abc import Mapping
from typing import Annotated

import strawberry

from db.context import Context
from db.languages import Language, Sentence
from policies import help_texts
from policies.help_texts import Filled, HelpText, filled
from resolvers import help as steps
from schema.refusals import HelpTopic
from schema.wording import worded

Info = strawberry.Info[Context, None]


@strawberry.type(description="A question that families ask, and what to do, in the language of `Accept-Language`.")
class HelpArticle:
    topic: HelpTopic = strawberry.field(description="What it is about; refusals point to it with the same word.")
    question: str = strawberry.field(description="In the words of somebody who asks.")
    answer: str = strawberry.field(description="Plain text for a telephone; an empty line stands between paragraphs.")
    contact: str = strawberry.field(
        description="Whom to call: for whoever is signed in the schools concerned, else the district's contact."
    )

    @classmethod
    def of(cls, article: steps.Help, language: Language) -> "HelpArticle":
        question, answer = put(article.text, article.values, language)
        return cls(
            topic=HelpTopic[article.topic.name],
            question=question,
            answer=answer,
            contact=worded(article.values[Filled.CONTACT], language),
        )


def put(text: HelpText, values: Mapping[Filled, Sentence | str], language: Language) -> tuple[str, str]:
    """Question and answer with everything filled in."""
    said = {name: worded(value, language) for name, value in values.items()}
    return filled(text.question, said), filled(text.answer, said)


@strawberry.type
class HelpQuery:
    @strawberry.field(name="help", description="What to do, for anybody: one topic, or all in the order of the topics.")
    async def help_articles(
        self,
        info: Info,
        topic: Annotated[
            HelpTopic | None, strawberry.argument(description="What a refusal pointed to, or the person chose.")
        ] = None,
    ) -> list[HelpArticle]:
        found = await steps.help_articles(info.context, help_texts.HelpTopic[topic.name] if topic else None)
        return [HelpArticle.of(article, info.context.language) for article in found]
