"""What keeps the product from starting, said in one plain sentence."""


class PlainProblem(Exception):
    """The text is for the operator; nobody wants a traceback with it."""
