"""A letter as it goes over the wire: its headers, and both of its forms (RFC 5322, RFC 2046)."""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from db.rules import Rules
from mail.letters.rendering import Written, plain
from mail.mailable import Mailable

#: What may stand in a name only within quotes (RFC 5322 §3.2.3), but for the dot, which all readers take as it is.
_UNQUOTED: Final = str.maketrans(dict.fromkeys('()<>[]:;@\\,"', " "))
#: Longer names are cut: a header is no place for more.
_LONGEST_NAME: Final = 100


def message(
    rules: Rules,
    *,
    to: Mailable,
    name: str | None,
    message_id: str,
    at: datetime,
    written: Written,
    languages: Sequence[str],
) -> EmailMessage:
    """One letter to one address. What goes into a header is one line, whatever a name holds.

    `at` is the time of sending in UTC; the Date header shows it in the district's time zone.
    """
    local, _, domain = to.address.rpartition("@")
    mail = EmailMessage(policy=SMTPUTF8 if to.needs_utf8 else SMTP)
    mail["From"] = Address(_name(rules.district_name), addr_spec=rules.sender)
    mail["To"] = Address(_name(name or ""), local, domain)
    if rules.mail_reply_to:
        mail["Reply-To"] = Address(addr_spec=rules.mail_reply_to)
    mail["Subject"] = _line(written.subject)
    mail["Date"] = format_datetime(at.astimezone(rules.zone))
    mail["Message-ID"] = message_id
    # RFC 3834 §5: no machine should answer it; the other one is what Exchange goes by.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(written.text, cte="quoted-printable")
    mail.add_alternative(written.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = ", ".join(languages)
    return mail


def _name(text: str) -> str:
    """A name beside an address, without what would have to be quoted there.

    Where the standard library folds a long line it leaves the quotes out: a comma would then begin another recipient.
    """
    return " ".join(_line(text).translate(_UNQUOTED).split())[:_LONGEST_NAME].rstrip()


def _line(text: str) -> str:
    """What may go into a header: one line in which nothing is taken for an encoded word (RFC 2047).

    The standard library decodes such a word when it is put in, and writes out what was in it as it is, line breaks too.
    """
    return plain(text).replace("=?", "= ?")
