"""Help: what to do, in the district's words, and whom this person calls."""

from collections.abc import Mapping
from dataclasses import dataclass

from db.context import Context
from db.languages import Sentence, say
from db.rules import Rules
from policies.help_texts import Filled, HelpText, HelpTopic, help_texts_of
from resolvers.session import contact

#: `Rules.district_name` unless a district says otherwise: here for the catalogue.
_USUAL_NAME = say("the school district")


@dataclass(frozen=True, slots=True)
class Help:
    """An article in the language of the request, and what is to be filled in, some of it in no language yet."""

    topic: HelpTopic
    text: HelpText
    values: Mapping[Filled, Sentence | str]


async def help_articles(ctx: Context, topic: HelpTopic | None = None) -> list[Help]:
    """The article on a topic, or all of them, for anybody.

    Whoever is signed in is told to call the schools concerned, which leaves out those of students whom a guardian is
    kept away from; everybody else, the district's contact.
    """
    values = for_anybody(ctx.rules)
    if ctx.viewer is not None:
        values[Filled.CONTACT] = await contact(ctx, ctx.viewer.person_id)
    return [
        Help(each, texts[ctx.language], values)
        for each, texts in help_texts_of(ctx).items()
        if topic is None or each is topic
    ]


def for_anybody(rules: Rules) -> dict[Filled, Sentence | str]:
    """What is filled in for somebody of whom nothing is known."""
    return {
        Filled.DISTRICT: _USUAL_NAME if rules.district_name == _USUAL_NAME.text else rules.district_name,
        Filled.CONTACT: rules.contact,
        Filled.LOG_ON_PAGE: rules.page(rules.log_on_page),
        Filled.ACTIVATION_PAGE: rules.page(rules.activation_page),
        Filled.PASSWORD_PAGE: rules.page(rules.password_page),
        Filled.PASSWORD_LENGTH: str(rules.password_min_length),
        Filled.KEY_DAYS: str(rules.key_lifetime_days),
        Filled.LINK_MINUTES: str(rules.recovery_minutes),
        Filled.LOCK_MINUTES: str(rules.login_lock_minutes),
    }
