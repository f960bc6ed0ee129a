"""A front end in a browser on another origin: let in by setting, and by setting alone."""

from app.asgi import create_app
from app.settings import Settings
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import District

OURS, STRANGE = "https://portal.example.org", "https://elsewhere.example"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_a_configured_origin_may_call_and_reads_the_request_id(
    district: District, settings: Settings, clock: Clock
) -> None:
    allowing = settings.model_copy(update={"cors_origins": (OURS,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        preflight = await portal.http.options("/graphql", headers={"Origin": OURS, **ASKS})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == OURS
        assert {"authorization", "content-type"} <= {
            name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")
        }

        answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": OURS})
        assert answer.json() == {"data": {"me": None}}
        assert answer.headers["access-control-allow-origin"] == OURS
        assert answer.headers["access-control-expose-headers"] == "X-Request-Id"
        assert answer.headers["x-request-id"]
        assert "access-control-allow-credentials" not in answer.headers

        refused = await portal.http.post("/graphql", content=b"null", headers={"Origin": OURS})
        assert refused.status_code == 415
        assert refused.headers["access-control-allow-origin"] == OURS


async def test_any_other_origin_is_told_nothing(district: District, settings: Settings, clock: Clock) -> None:
    allowing = settings.model_copy(update={"cors_origins": (OURS,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        preflight = await portal.http.options("/graphql", headers={"Origin": STRANGE, **ASKS})
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers
        answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": STRANGE})
        assert "access-control-allow-origin" not in answer.headers


async def test_without_the_setting_no_origin_is_let_in(portal: Portal) -> None:
    preflight = await portal.http.options("/graphql", headers={"Origin": OURS, **ASKS})
    assert preflight.status_code == 405
    answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": OURS})
    assert not [name for name in answer.headers if name.startswith("access-control")]
