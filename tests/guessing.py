"""A stranger who guesses passwords, for tests of what that does to an account."""

from app.asgi import create_app
from app.settings import Settings
from tests.clients import Portal
from tests.conftest import Clock

WRONG = "lantern orchard seven boats"


async def guess_to_the_lock(stranger: Portal, clock: Clock, username: str) -> None:
    seconds = [0, 0, 0, 0, 0, 30, 60, 120, 240, 480]
    for later in seconds:
        clock.advance(seconds=later)
        assert (await stranger.login(username, WRONG))["__typename"] == "WrongCredentials"


async def guess_a_hundred(settings: Settings, clock: Clock, username: str) -> None:
    """At a portal that asks for no waits, so that sessions and codes from before have not run out meanwhile."""
    hasty = settings.model_copy(update={"login_free_guesses": 1000})
    async with Portal(create_app(hasty, clock=clock), address="203.0.113.22") as stranger:
        for _ in range(100):
            assert (await stranger.login(username, WRONG))["__typename"] == "WrongCredentials"
