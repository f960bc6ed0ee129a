"""What an operator writes into the environment, and what becomes of it."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from app.problems import PlainProblem
from app.settings import Settings, keyring, load_settings, var_folder
from db.rules import Rules
from db.secrets import Keyring

PRODUCTION = {
    "PORTAL_ENVIRONMENT": "production",
    "PORTAL_SECRETS": Keyring.generate(),
    "PORTAL_DATABASE_URL": "postgresql://portal:hunter2@db.example.org:5432/portal",
    "PORTAL_PUBLIC_URL": "https://portal.example.org",
}
SECRET = "hunter2-which-must-not-be-shown"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without settings, in a folder without a `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PORTAL_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(PlainProblem) as problem:
        loaded(monkeypatch, **variables)
    return str(problem.value)


# ------------------------------------------------------------------------------------------------ reading them
def test_lists_are_separated_by_commas_and_blanks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(
        monkeypatch,
        PORTAL_TRUSTED_PROXIES=" 10.0.0.1, 2001:db8::/32 ,,192.168.7.9/24",
        PORTAL_CORS_ORIGINS="https://portal.example.org,http://127.0.0.1:5173",
    )
    assert settings.proxies == (ip_network("10.0.0.1/32"), ip_network("2001:db8::/32"), ip_network("192.168.7.0/24"))
    assert settings.cors_origins == ("https://portal.example.org", "http://127.0.0.1:5173")


def test_nobody_is_a_proxy_and_no_other_origin_may_call_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert settings.proxies == ()
    assert settings.cors_origins == ()


def test_a_blank_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = loaded(monkeypatch, **{f"PORTAL_{name.upper()}": "" for name in Settings.model_fields})
    bare = Settings(_env_file=None)  # type: ignore[call-arg]  # pydantic-settings' own argument
    # Links in letters need an address: in development, that of the server itself.
    assert blank == bare.model_copy(update={"public_url": "http://127.0.0.1:8000"})


def test_settings_may_stand_in_a_file_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORTAL_DISTRICT_NAME=Peña ISD\nPORTAL_PORT=8010\nSOMETHING_ELSE=1\n")
    settings = loaded(monkeypatch, PORTAL_PORT="8020")
    assert (settings.district_name, settings.port) == ("Peña ISD", 8020)


def test_settings_cannot_be_changed_while_the_portal_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize("kind", [Rules, Settings])
def test_every_setting_says_what_it_is_for(kind: type[Rules]) -> None:
    for name, field in kind.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


# ------------------------------------------------------------------------------------------------ two environments
def test_development_shows_what_a_developer_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch)
    assert (settings.environment, settings.host) == ("development", "127.0.0.1")
    assert settings.shows_schema
    assert settings.shows_console
    assert not settings.in_production


def test_production_shows_neither_schema_nor_console_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, **PRODUCTION)
    assert settings.in_production
    assert not settings.shows_schema
    assert not settings.shows_console
    open_ = loaded(monkeypatch, PORTAL_INTROSPECTION="true", PORTAL_CONSOLE="true")
    assert open_.shows_schema
    assert open_.shows_console


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        (["PORTAL_SECRETS"], "PORTAL_SECRETS"),
        (["PORTAL_DATABASE_URL"], "PORTAL_DATABASE_URL"),
        (["PORTAL_PUBLIC_URL"], "PORTAL_PUBLIC_URL"),
        (["PORTAL_SECRETS", "PORTAL_PUBLIC_URL"], "PORTAL_SECRETS and PORTAL_PUBLIC_URL"),
        (
            ["PORTAL_SECRETS", "PORTAL_DATABASE_URL", "PORTAL_PUBLIC_URL"],
            "PORTAL_SECRETS, PORTAL_DATABASE_URL and PORTAL_PUBLIC_URL",
        ),
    ],
)
@pytest.mark.parametrize("blank", [True, False])
def test_production_names_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, lacking: list[str], named: str, *, blank: bool
) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name not in lacking}
    if blank:
        given |= dict.fromkeys(lacking, "")
    assert refused(monkeypatch, **given) == f"In production, set {named} first."


# ------------------------------------------------------------------------------------------------ what is not right
@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORTAL_PORT", "eight thousand", "it must be a valid integer"),
        ("PORTAL_PORT", "65536", "it must be less than or equal to 65535"),
        ("PORTAL_WORKERS", "0", "it must be greater than or equal to 1"),
        ("PORTAL_ENVIRONMENT", "live", "it must be 'development' or 'production'"),
        ("PORTAL_KEY_DELIVERY", "pigeon", "it must be 'show' or 'mail'"),
        ("PORTAL_CONSOLE", "perhaps", "it must be a valid boolean"),
        ("PORTAL_TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is not an IANA time zone such as America/Chicago"),
        ("PORTAL_TIMEZONE", "../etc/passwd", "'../etc/passwd' is not an IANA time zone such as America/Chicago"),
        ("PORTAL_TRUSTED_PROXIES", "10.0.0.0/33", "'10.0.0.0/33' does not appear to be an IPv4 or IPv6 network"),
        ("PORTAL_PASSWORD_MIN_LENGTH", "4", "it must be greater than or equal to 8"),
        ("PORTAL_PASSWORD_MAX_LENGTH", "20", "it must be greater than or equal to 64"),
        ("PORTAL_HASH_MEMORY_KIB", "64", "it must be greater than or equal to 8192"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    assert refused(monkeypatch, **{name: value}) == f"{name} is not right: {why}."


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        (
            {"SMTP_HOST": "smtp.example.org:587"},
            "PORTAL_SMTP_HOST is not right: it must be a host name or an address alone",
        ),
        ({"SMTP_HOST": "smtp://smtp.example.org"}, "PORTAL_SMTP_HOST is not right: it must be a host name or an addr"),
        ({"SMTP_HOST": "a.org\r\nb.org"}, "PORTAL_SMTP_HOST is not right: it must be one line of text without control"),
        ({"SMTP_PORT": "0"}, "PORTAL_SMTP_PORT is not right: it must be greater than or equal to 1"),
        ({"SMTP_SECURITY": "ssl"}, "PORTAL_SMTP_SECURITY is not right: it must be 'starttls', 'tls' or 'none'"),
        ({"SMTP_USERNAME": "portal"}, "PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together"),
        ({"SMTP_PASSWORD": SECRET}, "PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together"),
        (
            {"SMTP_USERNAME": "portal\nx", "SMTP_PASSWORD": SECRET},
            "PORTAL_SMTP_USERNAME is not right: it must be one line",
        ),
        (
            {"SMTP_USERNAME": "portal", "SMTP_PASSWORD": f"{SECRET}\r"},
            "PORTAL_SMTP_PASSWORD is not right: it must be one",
        ),
        (
            {"SMTP_USERNAME": "portal", "SMTP_PASSWORD": SECRET, "SMTP_SECURITY": "none"},
            "with PORTAL_SMTP_SECURITY none the password would be sent for anybody to read",
        ),
        ({"MAIL_PER_MINUTE": "0"}, "PORTAL_MAIL_PER_MINUTE is not right: it must be greater than or equal to 1"),
        ({"METRICS_TOKEN": f"{SECRET}\n"}, "PORTAL_METRICS_TOKEN is not right: it must be one line of text"),
    ],
)
def test_a_mail_relay_that_cannot_be_used_so_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], why: str
) -> None:
    said = refused(monkeypatch, **{f"PORTAL_{name}": value for name, value in variables.items()})
    assert why in said
    assert said.endswith(".")
    assert SECRET not in said


@pytest.mark.parametrize("host", ["smtp.example.org", "192.0.2.7", "2001:db8::7", "relay", "correo.españa.example"])
def test_a_mail_relay_has_a_name_or_an_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert loaded(monkeypatch, PORTAL_SMTP_HOST=host).smtp_host == host


@pytest.mark.parametrize(("security", "port"), [(None, 587), ("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_of_the_mail_relay_goes_with_its_security(
    monkeypatch: pytest.MonkeyPatch, security: str | None, port: int
) -> None:
    chosen = {"PORTAL_SMTP_SECURITY": security} if security else {}
    assert loaded(monkeypatch, **chosen).relay_port == port
    assert loaded(monkeypatch, PORTAL_SMTP_PORT="2525", **chosen).relay_port == 2525


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        f"mysql://portal:{SECRET}@db.example.org/portal",
        f"postgresql://portal:{SECRET}@db.example.org",
        f"postgresql://portal:{SECRET}@db.example.org/",
        f"postgresql://portal:{SECRET}@db.example.org:port/portal",
        f"postgresql://portal:{SECRET}@db.example.org:99999/portal",
        f"postgresql://portal:{SECRET}@[2001:db8::1/portal",
        f"postgresql://portal:{SECRET}@db.example.org/portal?port=x",
    ],
)
def test_a_malformed_database_address_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    said = refused(monkeypatch, PORTAL_DATABASE_URL=url)
    assert said == "PORTAL_DATABASE_URL is not right: it must look like postgresql://user:password@host:5432/name."


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://portal:p%40ss@db.example.org:5432/portal?sslmode=require",
        "postgres://portal@[2001:db8::1]:6432/portal",
        "postgresql://postgres@/portal?host=%2Fvar%2Frun%2Fpostgresql&port=5433",
    ],
)
def test_addresses_of_databases_come_in_several_forms(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    settings = loaded(monkeypatch, PORTAL_DATABASE_URL=url)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url


def test_a_file_of_settings_in_another_encoding_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("PORTAL_DISTRICT_NAME=Peña".encode("latin-1"))
    assert refused(monkeypatch) == "The file .env is not UTF-8."


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = {"PORTAL_SMTP_USERNAME": "portal", "PORTAL_SMTP_PASSWORD": SECRET, "PORTAL_METRICS_TOKEN": SECRET}
    settings = loaded(monkeypatch, **PRODUCTION, **mail)
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in shown
        assert PRODUCTION["PORTAL_SECRETS"] not in shown


# ------------------------------------------------------------------------------------------------ the secret
def test_development_makes_its_secret_once_and_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = loaded(monkeypatch, PORTAL_VAR=str(tmp_path / "deep" / "var"))
    first = keyring(settings)
    file = settings.var / "secrets"
    assert file.stat().st_mode & 0o777 == 0o600
    made = file.read_text()
    assert keyring(settings).ssn_proof("512447310") == first.ssn_proof("512447310")
    assert file.read_text() == made


def test_a_secret_in_the_settings_comes_first_and_no_file_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = loaded(monkeypatch, PORTAL_SECRETS=PRODUCTION["PORTAL_SECRETS"], PORTAL_VAR=str(tmp_path / "var"))
    expected = Keyring.parse(PRODUCTION["PORTAL_SECRETS"]).ssn_proof("512447310")
    assert keyring(settings).ssn_proof("512447310") == expected
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("secret", [SECRET, f"1:{SECRET}", f"one:{SECRET}", f"1:{SECRET}=!", ","])
def test_a_malformed_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    settings = loaded(monkeypatch, PORTAL_SECRETS=secret)
    with pytest.raises(PlainProblem, match=r"^PORTAL_SECRETS is not right: .*\.$") as problem:
        keyring(settings)
    assert SECRET not in str(problem.value)


@pytest.mark.parametrize("left", [SECRET.encode(), b"1:" + SECRET.encode() + b"\xff\xfe", b""])
def test_a_damaged_secret_file_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: bytes
) -> None:
    settings = loaded(monkeypatch, PORTAL_VAR=str(tmp_path))
    (tmp_path / "secrets").write_bytes(left)
    with pytest.raises(PlainProblem, match=r"secrets is not right: .*\.$") as problem:
        keyring(settings)
    assert str(tmp_path / "secrets") in str(problem.value)
    assert SECRET not in str(problem.value)


def test_a_file_in_the_place_of_the_folder_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    in_the_way = tmp_path / "var"
    in_the_way.write_text("")
    with pytest.raises(PlainProblem, match=f"The folder {in_the_way} cannot be made: a file has that name"):
        var_folder(loaded(monkeypatch, PORTAL_VAR=str(in_the_way)))
    with pytest.raises(PlainProblem, match=r"cannot be made: Not a directory\. See PORTAL_VAR\.$"):
        keyring(loaded(monkeypatch, PORTAL_VAR=str(in_the_way / "deeper")))


def test_a_misspelt_name_is_refused_with_the_name_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TRUSTED_PROXYS", "10.0.0.0/8")
    with pytest.raises(PlainProblem, match=r"^PORTAL_TRUSTED_PROXYS is not a setting; PORTAL_TRUSTED_PROXIES is"):
        load_settings()


def test_a_shortest_password_longer_than_the_longest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_PASSWORD_MIN_LENGTH", "129")
    with pytest.raises(
        PlainProblem, match=r"^The settings are not right: the shortest password is longer than the longest one\.$"
    ):
        load_settings()
