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

ME = """
query Me {
  me {
    name { display }
    students { id studentNumber name { given family } gradeLevel school { id name } }
  }
}
"""
