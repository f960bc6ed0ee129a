"""How long one has to wait after wrong passwords: not at all at first, then longer each time, up to the lock."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from db.rules import Rules


def waits(rules: Rules) -> Sequence[timedelta]:
    """The waits in their order: the one after the last free guess, doubled each time; the last one is the lock."""
    return _ladder(timedelta(seconds=rules.login_first_wait_seconds), timedelta(minutes=rules.login_lock_minutes))


@cache
def _ladder(wait: timedelta, longest: timedelta) -> tuple[timedelta, ...]:
    return (wait, *_ladder(2 * wait, longest)) if wait < longest else (longest,)
