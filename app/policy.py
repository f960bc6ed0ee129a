"""The policy table at the start: read and checked before anything is served."""

from app.problems import PlainProblem
from app.settings import Settings
from policies.gate import Gate, load_gate
from policies.table import TableRefused


def table_of(settings: Settings) -> str:
    """Which table it is, for a sentence to the operator."""
    return str(settings.policy_table or "policies/access.csv")


def insist_on_table(settings: Settings) -> Gate:
    """The gate with the table that the settings name, or with the one that comes with the product.

    Raises:
        PlainProblem: names the file, the line and the reason why the table must not be used.
    """
    try:
        return load_gate(settings.policy_table)
    except TableRefused as refused:
        said = f"The policy table {table_of(settings)} is refused, line {refused.line}: {refused.reason}."
        raise PlainProblem(said) from None
    except OSError as failed:
        raise PlainProblem(f"The policy table {table_of(settings)} cannot be read: {failed.strerror}.") from None
