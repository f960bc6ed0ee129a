"""The help texts at the start: read and checked before anything is served."""

from app.problems import PlainProblem
from app.settings import Settings
from policies.help_texts import HelpTextsRefused, load_help_texts


def insist_on_help_texts(settings: Settings) -> None:
    """Those of the district, where the settings name any, beside those that come with the product.

    Raises:
        PlainProblem: names the file, the topic, the language and the reason why the texts cannot be shown.
    """
    try:
        load_help_texts(settings.help_texts)
    except HelpTextsRefused as refused:
        raise PlainProblem(f"The help texts {settings.help_texts} are refused: {refused}.") from None
    except OSError as failed:
        raise PlainProblem(f"The help texts {settings.help_texts} cannot be read: {failed.strerror}.") from None
