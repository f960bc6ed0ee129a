"""A letter on the wire: the headers that it should have and no other, whatever a name holds."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.rules import Rules
from mail.letters import Written, write
from mail.letters.examples import examples
from mail.mailable import Mailable
from mail.message import message

RULES = Rules.model_validate(
    {
        "district_name": "Lakeside District",
        "public_url": "https://portal.example.org",
        "mail_domain": "lakeside.example",
        "mail_reply_to": "help@lakeside.example",
    }
)
AT = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)
MESSAGE_ID = "<0123456789abcdef@lakeside.example>"
WELCOME = write(examples(RULES)["WELCOME"], rules=RULES, languages=("en", "es"))
HEADERS = {
    *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("Content-Language", "MIME-Version", "Content-Type"),
}


def sent(
    to: str = "maria@example.org", name: str | None = "Maria Quimby", rules: Rules = RULES, written: Written = WELCOME
) -> EmailMessage:
    mailable = Mailable.of(to)
    assert mailable is not None
    return message(rules, to=mailable, name=name, message_id=MESSAGE_ID, at=AT, written=written, languages=("en", "es"))


def read(mail: EmailMessage) -> EmailMessage:
    """As the other side reads what went over the wire."""
    return message_from_bytes(mail.as_bytes(), policy=policy.default)


def test_the_headers_say_who_writes_to_whom_and_that_no_machine_should_answer() -> None:
    mail = read(sent())
    assert set(mail.keys()) == HEADERS
    assert mail["from"] == "Lakeside District <portal@lakeside.example>"
    assert mail["to"] == "Maria Quimby <maria@example.org>"
    assert mail["reply-to"] == "help@lakeside.example"
    assert mail["date"] == "Tue, 24 Nov 2026 21:05:00 -0600"
    assert mail["message-id"] == MESSAGE_ID
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["content-language"] == "en, es"


def test_both_forms_arrive_as_they_were_written_and_text_comes_first() -> None:
    mail = read(sent())
    assert mail.get_content_type() == "multipart/alternative"
    forms = list(mail.iter_parts())
    assert [form.get_content_type() for form in forms] == ["text/plain", "text/html"]
    contents = [form.get_content().replace("\r\n", "\n") for form in forms if isinstance(form, EmailMessage)]
    assert contents == [WELCOME.text, WELCOME.html]
    assert max(len(line) for line in sent().as_bytes().splitlines()) <= 998


def test_the_sender_and_the_answers_address_are_the_districts_choice() -> None:
    rules = RULES.model_copy(update={"mail_from": "no-reply@schools.example", "mail_reply_to": None})
    mail = read(sent(rules=rules))
    assert mail["from"] == "Lakeside District <no-reply@schools.example>"
    assert mail["reply-to"] is None


def test_an_address_in_any_script_is_one() -> None:
    for to in ("jörg@example.org", "маша@example.org"):
        mail = sent(to)
        assert mail.policy is SMTPUTF8
        assert f"<{to}>".encode() in mail.as_bytes()
    # A domain has a form for every mail server.
    elsewhere = sent("maria@exämple.org")
    assert elsewhere.policy is SMTP
    assert read(elsewhere)["to"].addresses[0].addr_spec == "maria@xn--exmple-cua.org"


_NASTY = '"\r\nBcc: x@example.org'


@given(name=st.text(max_size=80), district=st.text(min_size=1, max_size=80), subject=st.text(max_size=120))
@example(name=_NASTY, district="Lakeside", subject="Hello")
@example(name="Maria", district=_NASTY, subject="Hello")
@example(name="Maria", district="Lakeside", subject=_NASTY)
@example(name="=?utf-8?q?=0D=0ABcc:_x@example.org?=", district="Lakeside", subject="=?utf-8?b?DQpCY2M6IHg=?=")
@example(name='Quimby, "Maria" <x@example.org>', district="a@b, c@d", subject="x" * 120)
@example(name="Maria-Fernanda Hernandez-Montgomery de la Cruz Santiago, Esq. (mother)", district="x", subject="y")
@example(name="Maria Fernanda: Hernandez Montgomery de la Cruz Santiago; and another one", district="x", subject="y")
@example(name="Maria", district="The Independent School District of the City of Cedar Hollow, Texas (ISD)", subject="y")
@example(name="\u202emaria\u2066", district="\x00", subject="\x85\u2028Bcc: x")
def test_no_text_makes_a_header_or_another_recipient(name: str, district: str, subject: str) -> None:
    rules = RULES.model_copy(update={"district_name": district})
    mail = read(sent(name=name, rules=rules, written=Written(subject, WELCOME.text, WELCOME.html)))
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert [address.addr_spec for address in mail["to"].addresses] == ["maria@example.org"]
    assert [address.addr_spec for address in mail["from"].addresses] == ["portal@lakeside.example"]
    assert not mail.defects
    first = next(mail.iter_parts())
    assert isinstance(first, EmailMessage)
    assert first.get_content().replace("\r\n", "\n") == WELCOME.text


@pytest.mark.parametrize(
    "to", ["=?utf-8?q?Maria=0D=0ABcc:_x?=@example.org", "=?utf-8?b?TWFyaWENCkJjYzogeEBleGFtcGxlLm9yZw==?=@example.org"]
)
def test_no_address_is_an_encoded_word(to: str) -> None:
    assert Mailable.of(to) is None


@pytest.mark.parametrize("name", ["mail_from", "mail_reply_to", "technology_address"])
@pytest.mark.parametrize("value", ["portal", "Portal <portal@example.org>", "a@b@c", "a@x.org\r\nBcc: b", "ñ@x.org"])
def test_a_sender_that_no_mail_can_come_from_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        Rules.model_validate({name: value})


def test_a_mail_domain_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="a domain such as"):
        Rules.model_validate({"mail_domain": "lakeside.example>\r\nBcc: x"})


def test_bytes_are_those_that_smtp_wants() -> None:
    mail = sent()
    assert mail.policy.linesep == SMTP.linesep == "\r\n"
    assert b"\n" not in mail.as_bytes().replace(b"\r\n", b"")
