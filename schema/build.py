"""The schema as a whole: all journeys' queries and mutations, and the way in which it is run."""

from pathlib import Path

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.activation import ActivationMutation
from schema.activation_key import ActivationKeyMutation
from schema.changes import ChangesQuery, Subscription
from schema.diagnosis import DiagnosisQuery
from schema.directory import DirectoryQuery
from schema.duplicates import DuplicatesQuery
from schema.execution import Operations
from schema.guardians import GuardianQuery
from schema.guardianships import GuardianshipMutation
from schema.help import HelpQuery
from schema.helpdesk import HelpdeskMutation
from schema.households import HouseholdMutation, HouseholdQuery
from schema.key_desk import KeyDeskMutation
from schema.merging import MergingMutation, MergingQuery
from schema.node import NodeQuery
from schema.policy import PolicyQuery
from schema.portal import PortalQuery, Student
from schema.recovery import RecoveryMutation
from schema.refusals import HANDLERS, SHOWN
from schema.registrar import RegistrarQuery
from schema.reporting import ReportingQuery
from schema.second_factor import SecondFactorMutation
from schema.session import SessionMutation
from schema.verification import VerificationMutation
from schema.work_orders import WorkOrderMutation, WorkOrderQuery

#: Root fields that take a secret, a proof, or an address to write to: an operation may have one of them, by whatever
#: name.
CREDENTIAL_FIELDS = frozenset(
    {
        "requestActivationKey",
        "checkActivationKey",
        "activate",
        "login",
        "changePassword",
        "enrolSecondFactor",
        "confirmSecondFactor",
        "recoverLogOn",
        "setNewPassword",
        "answerVerification",
    }
)

SNAPSHOT = Path(__file__).parent / "schema.graphql"


@strawberry.type(description="What can be asked. Nothing here changes anything but the trail.")
class Query(
    PortalQuery,
    NodeQuery,
    ReportingQuery,
    RegistrarQuery,
    GuardianQuery,
    HouseholdQuery,
    DirectoryQuery,
    PolicyQuery,
    HelpQuery,
    DiagnosisQuery,
    WorkOrderQuery,
    DuplicatesQuery,
    MergingQuery,
    ChangesQuery,
):
    pass


@strawberry.type(description="What can be done. Every expected no is a member of the result's union.")
class Mutation(
    ActivationKeyMutation,
    ActivationMutation,
    SessionMutation,
    SecondFactorMutation,
    RecoveryMutation,
    VerificationMutation,
    HelpdeskMutation,
    HouseholdMutation,
    KeyDeskMutation,
    GuardianshipMutation,
    WorkOrderMutation,
    MergingMutation,
):
    pass


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Student, *SHOWN.values()],
    exception_handlers=HANDLERS,
    config=StrawberryConfig(disable_field_suggestions=True),
)


def operations(*, introspection: bool, seconds: float) -> Operations:
    """The schema, ready to run; an operation is given up after `seconds`."""
    return Operations(schema, credential_fields=CREDENTIAL_FIELDS, introspection=introspection, seconds=seconds)
