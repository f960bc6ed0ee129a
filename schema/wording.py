"""What GraphQL says to a person, in the language that the person asked for; all of it is in `locale/`."""

from pathlib import Path

from db.languages import Language, Sentence, catalogue_of

#: Read when the schema is made, so that no request waits for it and a damaged one keeps the server from starting.
CATALOGUE = catalogue_of(Path(__file__).parent / "locale")


def worded(said: Sentence | str, language: Language) -> str:
    """A sentence in this language. A text that is on record, such as a name, is shown as it is."""
    return said if isinstance(said, str) else CATALOGUE.put(said, language)
