"""The documents that a front end would send."""

#: What a front end asks of a refusal that is nothing more.
PLAIN_REFUSAL = """
  __typename
  ... on Refusal { message code help }
"""

#: What a front end asks of every refusal.
REFUSAL = """
  __typename
  ... on Refusal { message code help }
  ... on InvalidInput { fields { path message } }
"""

REQUEST_KEY = """
mutation RequestKey($input: RequestActivationKeyInput!) {
  requestActivationKey(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on ActivationKeyIssued { key expiresAt capacity }
    ... on ActivationKeySent { capacity }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

CHECK_KEY = """
mutation CheckKey($input: CheckActivationKeyInput!) {
  checkActivationKey(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on ActivationKeyGood { capacity initials }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

ACTIVATE = """
mutation Activate($input: ActivateInput!) {
  activate(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on AccountActivated {
      details { username email account { id capacity status holder { display } } }
      session { token expiresAt deviceToken }
    }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

LOGIN = """
mutation Login($input: LoginInput!) {
  login(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on AccountDisabled { contact }
    ... on LoggedIn {
      me { name { display } roles details { username } }
      session { token expiresAt deviceToken }
    }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

LOGOUT = "mutation { logout { REFUSAL_FIELDS ... on LoggedOut { at } ... on NotAllowed { missing } } }".replace(
    "REFUSAL_FIELDS", PLAIN_REFUSAL
)

END_SESSION = """
mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) { REFUSAL_FIELDS ... on SessionEnded { sessionId } ... on NotAllowed { missing } }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

CHANGE_PASSWORD = """
mutation ChangePassword($input: ChangePasswordInput!) {
  changePassword(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on PasswordChanged { username }
    ... on NotAllowed { missing }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

ENROL_SECOND_FACTOR = """
mutation Enrol($input: EnrolSecondFactorInput!) {
  enrolSecondFactor(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on NotAllowed { missing }
    ... on SecondFactorOffered { secret uri }
  }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

CONFIRM_SECOND_FACTOR = """
mutation Confirm($input: ConfirmSecondFactorInput!) {
  confirmSecondFactor(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on SecondFactorConfirmed { until recoveryCodes recoveryCodesLeft }
  }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

RECOVER_LOG_ON = """
mutation RecoverLogOn($input: RecoverLogOnInput!) {
  recoverLogOn(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on LogOnLetterAskedFor { message help }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

SET_NEW_PASSWORD = """
mutation SetNewPassword($input: SetNewPasswordInput!) {
  setNewPassword(input: $input) {
    REFUSAL_FIELDS
    ... on TooManyAttempts { retryAt }
    ... on PasswordChanged { username }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

START_VERIFICATION = """
mutation StartVerification($input: StartVerificationInput!) {
  startVerification(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on VerificationStarted { verificationId questions inPersonRequired retryAt expiresAt }
  }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

ANSWER_VERIFICATION = """
mutation AnswerVerification($input: AnswerVerificationInput!) {
  answerVerification(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on TooManyAttempts { retryAt }
    ... on WrongState { status }
    ... on VerificationFailed { attemptsLeft }
    ... on VerificationPassed { verificationId purpose expiresAt }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

RECORD_IN_PERSON_ID = """
mutation RecordInPersonId($input: RecordInPersonIdInput!) {
  recordInPersonId(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on VerificationPassed { verificationId purpose expiresAt }
  }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

LOOK_UP_ACCOUNT = """
mutation LookUpAccount($input: VerifiedInput!) {
  lookUpAccount(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on AccountFound { details { username email mustChangePassword account { id status capacity } } }
  }
}
""".replace("REFUSAL_FIELDS", PLAIN_REFUSAL)

RESET_ACCOUNT = """
mutation ResetAccount($input: ResetAccountInput!) {
  resetAccount(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on AccountReset { account { id status } oneTimeCode sentTo expiresAt }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

_CHANGE_ACCOUNT = """
mutation ChangeAccount($input: VerifiedActionInput!) {
  FIELD(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on AccountChanged { account { id status disabledReason } }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

ENABLE_ACCOUNT = _CHANGE_ACCOUNT.replace("FIELD(", "enableAccount(", 1)

DISABLE_ACCOUNT = _CHANGE_ACCOUNT.replace("FIELD(", "disableAccount(", 1)

ISSUE_ACTIVATION_KEY = """
mutation IssueActivationKey($input: IssueActivationKeyInput!) {
  issueActivationKey(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on ActivationKeyIssued { key expiresAt capacity }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

ME = """
{
  me {
    name { display }
    roles
    secondFactor
    details { username email account { id status } }
    sessions { id current client }
    students {
      id studentNumber name { display } gradeLevel school { id name } schools { name }
      grades(first: 5) {
        edges { cursor node { id course title score maximum scoredOn } } pageInfo { hasNextPage endCursor }
      }
      attendance(first: 5) { edges { node { id date category reason school { name } } } pageInfo { hasNextPage } }
    }
  }
}
"""

STUDENTS = "{ me { students { id name { display } } } }"

NODE = """
query Node($id: ID!) {
  node(id: $id) {
    __typename id
    ... on Student { name { display } grades { edges { node { title } } } }
    ... on Grade { title } ... on AttendanceEvent { category }
    ... on Account { status } ... on SessionInfo { current } ... on School { schoolName: name }
  }
}
"""

EXPLAIN_POLICY = """
query ExplainPolicy($input: ExplainPolicyInput!) {
  explainPolicy(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on PolicyExplanation { allowed rule line missing advice }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

HELP = "query Help($topic: HelpTopic) { help(topic: $topic) { topic question answer contact } }"
_DECIDE = """
mutation Decide($input: INPUT!) {
  FIELD(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    WRONG_STATE
    ... on GuardianshipChanged {
      guardianship {
        id guardian { id } student { id } relationship status portalAccess decidedBy livesWith
        confirmedAt evidence revokedAt revokedReason adultAccess consentAt rightsPassOn
        restriction { kind from until } restrictions { kind from until reason decidedBy }
      }
    }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)


def _decide(field: str, input_type: str, *, wrong_state: bool = True) -> str:
    known = "... on WrongState { status }" if wrong_state else ""
    return _DECIDE.replace("INPUT", input_type, 1).replace("FIELD", field, 1).replace("WRONG_STATE", known)


RECORD_GUARDIANSHIP = _decide("recordGuardianship", "RecordGuardianshipInput")
CONFIRM_GUARDIANSHIP = _decide("confirmGuardianship", "ConfirmGuardianshipInput")
REVOKE_GUARDIANSHIP = _decide("revokeGuardianship", "GuardianshipActionInput")
RESTRICT_GUARDIANSHIP = _decide("restrictGuardianship", "RestrictGuardianshipInput", wrong_state=False)
LIFT_RESTRICTION = _decide("liftRestriction", "GuardianshipActionInput")
SET_PORTAL_ACCESS = _decide("setPortalAccess", "SetPortalAccessInput")
RECORD_CONSENT = _decide("recordConsent", "RecordConsentInput")

_MERGE = """{
  id capacity kept { id name { display } } merged { id name { display } } mergedAt mergedBy { display } reason
  undoneAt undoneBy { display } undoableUntil
}"""

LIKELY_DUPLICATES = """
query Likely($schoolId: ID, $first: Int! = 25, $after: String) {
  likelyDuplicates(schoolId: $schoolId, first: $first, after: $after) {
    edges {
      cursor
      node {
        capacity reasons
        first { id name { display } schools { name } students { display } accountActivated }
        second { id name { display } schools { name } students { display } accountActivated }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

MERGE_PREVIEW = """
query Preview($input: MergePreviewInput!) {
  mergePreview(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on MergePreview {
      capacity kept { id name { display } } merged { id name { display } }
      accounts { id capacity ofKept goesOn status activatedAt lastLoginAt liveSessions currentKey }
      moves { kind count what }
      guardianshipsOfBoth {
        other { display } keptStatus mergedStatus status portalAccess adultAccess restrictions
      }
      obstacles { kind message }
    }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

MERGE_PEOPLE = """
mutation Merge($input: MergePeopleInput!) {
  mergePeople(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on PeopleMerged { merge MERGE }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL).replace(" MERGE ", f" {_MERGE} ")

UNDO_MERGE = """
mutation Undo($input: UndoMergeInput!) {
  undoMerge(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on WrongState { status }
    ... on MergeUndone { merge MERGE leftovers { kind count what } }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL).replace(" MERGE ", f" {_MERGE} ")

MERGES = """
query Merges($first: Int! = 25, $after: String) {
  merges(first: $first, after: $after) { edges { cursor node MERGE } pageInfo { hasNextPage endCursor } }
}
""".replace(" MERGE ", f" {_MERGE} ")

REPORTS = """
query Reports {
  reports {
    name title about columns { key title type } defaultColumns filters needs groupings orders
  }
}
"""

REPORT = """
query Report($input: ReportInput!) {
  report(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on Report {
      name title columns { key title type }
      rows { totalCount edges { cursor node { cells } } pageInfo { hasNextPage hasPreviousPage endCursor } }
      groups { keys count }
    }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

SAVE_REPORT = """
mutation SaveReport($input: SaveReportInput!) {
  saveReport(input: $input) {
    REFUSAL_FIELDS
    ... on NotAllowed { missing }
    ... on ReportSaved { savedReport { id name school { id } report createdBy createdAt changedAt } }
  }
}
""".replace("REFUSAL_FIELDS", REFUSAL)

DELETE_REPORT = """
mutation DeleteReport($input: DeleteReportInput!) {
  deleteReport(input: $input) {
    PLAIN_REFUSAL
    ... on NotAllowed { missing }
    ... on ReportDeleted { savedReportId }
  }
}
""".replace("PLAIN_REFUSAL", PLAIN_REFUSAL)

SAVED_REPORTS = """
query SavedReports($schoolId: ID, $first: Int! = 25, $after: String) {
  savedReports(schoolId: $schoolId, first: $first, after: $after) {
    edges { node { id name report school { id } createdBy } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
