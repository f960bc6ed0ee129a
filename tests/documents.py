"""The documents that a front end would send."""

#: For results that can be no more than a plain refusal.
PLAIN_REFUSAL = """
  __typename
  ... on Refusal { message code help }
"""

REFUSAL = """
  __typename
  ... on Refusal { message code help }
  ... on InvalidInput { fields { path message } }
"""

REQUEST_KEY = """
mutation RequestKey($input: RequestActivationKeyInput!) {
  requestActivationKey(input: $input) {
    %s
    ... on TooManyAttempts { retryAt }
    ... on ActivationKeyIssued { key expiresAt capacity }
    ... on ActivationKeySent { capacity }
  }
}
""" % REFUSAL

CHECK_KEY = """
mutation CheckKey($input: CheckActivationKeyInput!) {
  checkActivationKey(input: $input) {
    %s
    ... on TooManyAttempts { retryAt }
    ... on ActivationKeyGood { capacity initials }
  }
}
""" % REFUSAL

ACTIVATE = """
mutation Activate($input: ActivateInput!) {
  activate(input: $input) {
    %s
    ... on TooManyAttempts { retryAt }
    ... on AccountActivated {
      details { username email account { id capacity status holder { display } } }
      session { token expiresAt deviceToken }
    }
  }
}
""" % REFUSAL

LOGIN = """
mutation Login($input: LoginInput!) {
  login(input: $input) {
    %s
    ... on TooManyAttempts { retryAt }
    ... on AccountDisabled { contact }
    ... on LoggedIn {
      me { name { display } roles details { username } }
      session { token expiresAt deviceToken }
    }
  }
}
""" % REFUSAL

LOGOUT = "mutation { logout { %s ... on LoggedOut { at } ... on NotAllowed { missing } } }" % PLAIN_REFUSAL

END_SESSION = """
mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) { %s ... on SessionEnded { sessionId } ... on NotAllowed { missing } }
}
""" % PLAIN_REFUSAL

CHANGE_PASSWORD = """
mutation ChangePassword($input: ChangePasswordInput!) {
  changePassword(input: $input) {
    %s
    ... on TooManyAttempts { retryAt }
    ... on PasswordChanged { username }
    ... on NotAllowed { missing }
  }
}
""" % REFUSAL

ME = """
{
  me {
    name { display }
    roles
    details { username email account { id status } }
    sessions { id current client }
    students {
      id studentNumber name { display } gradeLevel school { id name } schools { name }
      grades(first: 5) { edges { cursor node { id course title score maximum scoredOn } } pageInfo { hasNextPage endCursor } }
      attendance(first: 5) { edges { node { id date category reason school { name } } } pageInfo { hasNextPage } }
    }
  }
}
"""

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
