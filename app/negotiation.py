"""In which of the two media types of GraphQL over HTTP, and in which language, a client wants its answer."""

from enum import Enum
from functools import lru_cache

from starlette.requests import HTTPConnection

from db.languages import Language, asked_for


class MediaType(Enum):
    """What an answer can be sent as; the value is the media type."""

    #: Status 200 whatever GraphQL says about a well-formed request: what older clients expect.
    JSON = "application/json"
    #: The status tells whether anything was executed.
    GRAPHQL = "application/graphql-response+json"

    @property
    def header(self) -> str:
        """The value of Content-Type."""
        return f"{self.value}; charset=utf-8"


@lru_cache(maxsize=64)
def preferred(accept: str | None) -> MediaType | None:
    """Choose by the Accept header (RFC 9110, section 12.5.1); None if the client wants neither.

    Without the header, or with one that takes everything, it is `application/json`. If both are named and weigh the
    same, it is the newer one, as clients that know it name the older one only in case.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    weights: dict[str, float] = {}
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        weights[kind] = max(weights.get(kind, 0.0), _weight(parameters))
    best: MediaType | None = None
    best_rank = (0.0, False, False)
    for media_type in MediaType:
        named = media_type.value in weights
        weight = next((weights[kind] for kind in (media_type.value, "application/*", "*/*") if kind in weights), 0.0)
        rank = (weight, named, named and media_type is MediaType.GRAPHQL)
        if weight > 0 and rank > best_rank:
            best, best_rank = media_type, rank
    return best


def wants_page(accept: str | None) -> bool:
    """Whether a browser asks for something to look at."""
    return any(item.split(";")[0].strip().lower() == "text/html" for item in (accept or "").split(","))


def language_for(request: HTTPConnection) -> Language:
    """The language of what is said to people: by all Accept-Language headers together (RFC 9110 §5.3)."""
    return asked_for(",".join(request.headers.getlist("accept-language")))


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
