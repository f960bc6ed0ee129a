"""What is asked of the portal."""

LOGIN = """
mutation LogIn($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on LoggedIn { me { name { display } roles } session { token expiresAt deviceToken } }
  }
}
"""

REQUEST_KEY = """
mutation RequestKey($input: RequestActivationKeyInput!) {
  requestActivationKey(input: $input) { __typename ... on Refusal { message code help } }
}
"""

RECOVER_LOG_ON = """
mutation Recover($input: RecoverLogOnInput!) {
  recoverLogOn(input: $input) { __typename ... on LogOnLetterAskedFor { message help } }
}
"""

ME = """
query Me {
  me {
    name { display }
    students { id studentNumber name { given family } gradeLevel school { id name } }
  }
}
"""

ACCOUNTS = """
query Accounts($orderBy: AccountOrder!, $first: Int!, $after: String) {
  accounts(orderBy: $orderBy, first: $first, after: $after) {
    edges { cursor node { id capacity status lastLoginAt holder { display } schools { id name } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
