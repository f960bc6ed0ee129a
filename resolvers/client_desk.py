"""The service clients as the operator keeps them on the command line: added, given another key, revoked, listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.exceptions import IntegrityError

from db import sql, trail
from db.context import Context, Role
from db.models import ClientKey, ClientKind, School, ServiceClient
from db.queries import service_clients as queries
from db.secrets import new_client_id, new_client_key, token_digest
from db.trail import Note, Step
from policies.service_clients import MOST_KEYS, ROLES, USUAL_ROLES, OriginRefused, origin_of

#: So much of a key is shown again, and no more: its prefix and six characters.
_BEGINNING = 10
LONGEST_NAME = 100


class ClientProblem(Exception):
    """What the operator asked for cannot be done; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class WantedClient:
    """A service client that is to be."""

    name: str
    kind: ClientKind
    #: None stands for those that are usual for its kind.
    roles: Sequence[Role] = ()
    #: None stands for the whole district.
    schools: Sequence[School] = ()
    origins: Sequence[str] = ()
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True)
class KeyKept:
    """An API key, as an operator sees it ever after."""

    beginning: str
    issued_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class ClientKept:
    """A service client with its keys, the newest first."""

    id: int
    name: str
    kind: ClientKind
    public_id: str
    roles: Sequence[Role]
    #: Their names; None for the whole district.
    schools: Sequence[str] | None
    origins: Sequence[str]
    created_at: datetime
    revoked_at: datetime | None
    keys: Sequence[KeyKept]


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """A new key, which is known now and never again."""

    key: str
    expires_at: datetime | None
    #: Until when the key before it is good; None when no other is.
    other_until: datetime | None = None


# ------------------------------------------------------------------------------------------------ adding
async def add_client(ctx: Context, wanted: WantedClient) -> tuple[ClientKept, KeyIssued | None]:
    """Lets a program in. Its key, where its kind has one, is in the result and nowhere else.

    Raises:
        ClientProblem: when the name is taken, or its kind cannot have what it is to be given.
    """
    name, roles, origins = _name(wanted.name), _roles(wanted), _origins(wanted)
    if wanted.kind is ClientKind.PORTAL_FRONT_END and (wanted.schools or wanted.lifetime):
        raise ClientProblem("A front end is for the families of all schools, and has no key that could expire.")
    schools = sorted({school.id for school in wanted.schools}) or None
    try:
        async with sql.transaction():
            if (taken := await queries.called(name)) is not None:
                raise ClientProblem(_taken(taken["name"], taken["revoked_at"]))
            client = await ServiceClient.create(
                name=name,
                kind=wanted.kind,
                public_id=new_client_id(),
                roles=[role.value for role in roles],
                school_ids=schools,
                origins=origins,
                created_at=ctx.now,
            )
            issued = None
            note = _note(Step.ADD_CLIENT, client.id, name=name, kind=client.kind.value, roles=client.roles)
            if client.kind is not ClientKind.PORTAL_FRONT_END:
                issued = await _issue(ctx, client.id, wanted.lifetime)
                note.details["key"] = issued.key[:_BEGINNING]
            await trail.record(ctx, note)
    except IntegrityError:
        raise ClientProblem(_taken(name, None)) from None
    return await _kept(client), issued


def _name(said: str) -> str:
    name = " ".join(said.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ClientProblem(f"A client's name has 1 to {LONGEST_NAME} characters, all of which can be seen.")
    return name


def _roles(wanted: WantedClient) -> Sequence[Role]:
    if unfit := [role for role in wanted.roles if role not in ROLES[wanted.kind]]:
        possible = ", ".join(ROLES[wanted.kind])
        raise ClientProblem(f"A client of the kind {_word(wanted.kind)} cannot be {unfit[0]}, but only: {possible}.")
    return [role for role in ROLES[wanted.kind] if role in (wanted.roles or USUAL_ROLES[wanted.kind])]


def _origins(wanted: WantedClient) -> Sequence[str]:
    if wanted.kind is not ClientKind.PORTAL_FRONT_END and wanted.origins:
        raise ClientProblem(f"Only a {_word(ClientKind.PORTAL_FRONT_END)} has origins: others have a key.")
    try:
        return list(dict.fromkeys(origin_of(said) for said in wanted.origins))
    except OriginRefused as refused:
        raise ClientProblem(str(refused)) from None


def _taken(name: str, revoked_at: datetime | None) -> str:
    state = f"one that was revoked on {revoked_at:%Y-%m-%d}" if revoked_at else "another one"
    return f"The name {name!r} is taken by {state}: choose another name."


def _word(kind: ClientKind) -> str:
    return kind.value.lower().replace("_", "-")


# ------------------------------------------------------------------------------------------------ another key
async def rotate_key(
    ctx: Context, name: str, *, overlap: timedelta, lifetime: timedelta | None = None
) -> tuple[ClientKept, KeyIssued]:
    """Gives a client another key. The newest one that it has stays good for `overlap`, and any older one ends.

    Without `lifetime`, the new key is good for as long as the newest one was meant to be.

    Raises:
        ClientProblem: when there is no such client, it was revoked, or it has no keys.
    """
    async with sql.transaction():
        client = await _live(name)
        if client.kind is ClientKind.PORTAL_FRONT_END:
            raise ClientProblem(f"{client.name} is a front end: it has an id, which is no secret, and no key.")
        keys = await ClientKey.filter(client_id=client.id, revoked_at=None).order_by("-id")
        good = [key for key in keys if key.expires_at is None or key.expires_at > ctx.now]
        if lifetime is None and keys and keys[0].expires_at is not None:
            lifetime = keys[0].expires_at - keys[0].issued_at
        kept = good[: MOST_KEYS - 1] if overlap else []
        until = None
        for key in kept:
            until = min(filter(None, (key.expires_at, ctx.now + overlap)))
            await ClientKey.filter(id=key.id).update(expires_at=until)
        ended = [key.id for key in keys if key not in kept]
        await ClientKey.filter(id__in=ended).update(revoked_at=ctx.now)
        new = await _issue(ctx, client.id, lifetime)
        details = {"key": new.key[:_BEGINNING], "keys_ended": len(set(ended) & {key.id for key in good})}
        await trail.record(ctx, _note(Step.ROTATE_CLIENT_KEY, client.id, **details))
    return await _kept(client), KeyIssued(new.key, new.expires_at, until)


async def _issue(ctx: Context, client_id: int, lifetime: timedelta | None) -> KeyIssued:
    key, expires_at = new_client_key(), ctx.now + lifetime if lifetime else None
    await ClientKey.create(
        client_id=client_id,
        digest=token_digest(key),
        beginning=key[:_BEGINNING],
        issued_at=ctx.now,
        expires_at=expires_at,
    )
    return KeyIssued(key, expires_at)


# ------------------------------------------------------------------------------------------------ revoking
async def revoke_client(ctx: Context, name: str) -> ClientKept:
    """Shuts a client out for good, with its keys and all sessions that were opened through it.

    The sessions are not touched one by one: each is good only with a client that is. So it costs the same however many
    there are, and cannot fail because of them.

    Raises:
        ClientProblem: when there is no such client, or it was revoked before.
    """
    async with sql.transaction():
        client = await _live(name)
        client.revoked_at = ctx.now
        await client.save(update_fields=["revoked_at"])
        await ClientKey.filter(client_id=client.id, revoked_at=None).update(revoked_at=ctx.now)
        await trail.record(ctx, _note(Step.REVOKE_CLIENT, client.id))
    return await _kept(client)


async def _live(name: str) -> ServiceClient:
    """The client of this name, locked: of two who change it at once, one waits for the other."""
    found = await queries.called(" ".join(name.split()))
    if found is None:
        names = await ServiceClient.filter(revoked_at=None).order_by("name").values_list("name", flat=True)
        raise ClientProblem(f"No client is called {name!r}. There are: {', '.join(map(str, names)) or 'none'}.")
    client = await ServiceClient.select_for_update().get(id=found["id"])
    if client.revoked_at is not None:
        raise ClientProblem(f"{client.name} was revoked on {client.revoked_at:%Y-%m-%d} already.")
    return client


def _note(step: Step, client_id: int, **details: object) -> Note:
    return Note(step, details={"service_client": client_id, **details})


# ------------------------------------------------------------------------------------------------ who there is
async def clients() -> list[ClientKept]:
    """All service clients, those that were revoked at the end."""
    everybody = await ServiceClient.all().order_by("name", "id")
    return [await _kept(one) for one in sorted(everybody, key=lambda one: one.revoked_at is not None)]


async def _kept(client: ServiceClient) -> ClientKept:
    keys = await ClientKey.filter(client_id=client.id).order_by("-id")
    schools = None
    if client.school_ids is not None:
        found = await School.filter(id__in=client.school_ids).order_by("name", "id").values_list("name", flat=True)
        schools = [str(name) for name in found]
    return ClientKept(
        id=client.id,
        name=client.name,
        kind=client.kind,
        public_id=client.public_id,
        roles=[Role(role) for role in client.roles],
        schools=schools,
        origins=list(client.origins),
        created_at=client.created_at,
        revoked_at=client.revoked_at,
        keys=[KeyKept(key.beginning, key.issued_at, key.expires_at, key.last_used_at, key.revoked_at) for key in keys],
    )
