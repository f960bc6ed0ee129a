"""Reads GraphQL documents: parsed, measured and checked once, then remembered by their text."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.document_limits import DocumentLimits, DocumentTooLarge, check_size
from schema.input_errors import (
    INVALID_DOCUMENT,
    MOST_PROBLEMS,
    QuietValuesRule,
    problem,
    syntax_problem,
)

TOO_LARGE = "DOCUMENT_TOO_LARGE"

#: A NUL, or the escapes that stand for it, in a text value: PostgreSQL cannot hold one.
_NUL = re.compile(r"\x00|\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A document that may be executed."""

    document: DocumentNode
    #: By name; the key None stands for the one operation without a name.
    operations: Mapping[str | None, OperationDefinitionNode]


@dataclass(frozen=True, slots=True)
class RefusedDocument:
    """A document that is not in order; the problems are in the shape of the response format."""

    problems: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How much is remembered. A parsed document takes up to 250 bytes of memory for a character of its text."""

    entries: int = 256
    #: Characters of all remembered texts together.
    characters: int = 150_000
    #: Characters of one text; longer ones are read afresh each time.
    characters_each: int = 10_000


class Documents:
    """All documents of one schema. Not for use by several threads."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        limits: DocumentLimits | None = None,
        cache: CacheLimits | None = None,
        credential_fields: frozenset[str] = frozenset(),
        introspection: bool = False,
    ) -> None:
        """Prepare to read documents for `schema`.

        `credential_fields` names the root fields that take a secret, of which an operation may have one. Without
        `introspection`, `__schema` and `__type` are refused and misspelt names bring no suggestions.
        """
        self.schema = schema
        self.limits = limits or DocumentLimits()
        self.cache = cache or CacheLimits()
        self.credential_fields = credential_fields
        self.introspection = introspection
        self._rules = _rules(introspection=introspection)
        self._known: OrderedDict[str, CheckedDocument | RefusedDocument] = OrderedDict()
        self._characters = 0

    def read(self, text: str) -> CheckedDocument | RefusedDocument:
        """Parse and check a document, or find it among those that were read before."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        checked = self._check(text)
        if len(text) <= self.cache.characters_each and not self._holds_secret(text, checked):
            self._remember(text, checked)
        return checked

    def __len__(self) -> int:
        """Count the documents that are remembered."""
        return len(self._known)

    def _check(self, text: str) -> CheckedDocument | RefusedDocument:
        if len(text) > self.limits.max_characters:
            said = f"The document has more than {self.limits.max_characters} characters."
            return RefusedDocument((problem(said, TOO_LARGE),))
        if _NUL.search(text):
            return RefusedDocument((problem("The document holds a NUL character.", INVALID_DOCUMENT),))
        try:
            document = parse(text, max_tokens=self.limits.max_tokens)
        except GraphQLError as error:
            return RefusedDocument((syntax_problem(error),))
        try:
            check_size(document, self.limits, self.credential_fields)
        except DocumentTooLarge as too_large:
            return RefusedDocument((problem(str(too_large), TOO_LARGE),))
        errors = validate(
            self.schema,
            document,
            self._rules,
            max_errors=MOST_PROBLEMS,
            hide_suggestions=not self.introspection,
        )
        if errors:
            return RefusedDocument(tuple(problem(self._said(error), INVALID_DOCUMENT, error=error) for error in errors))
        operations = {
            node.name.value if node.name else None: node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        return CheckedDocument(document, operations)

    def _said(self, error: GraphQLError) -> str:
        """Leave out the one suggestion that the library makes even when told not to."""
        return error.message if self.introspection else error.message.partition(" Did you mean ")[0]

    def _holds_secret(self, text: str, checked: CheckedDocument | RefusedDocument) -> bool:
        """Whether a secret may be written into the text itself: nothing of that kind is kept in memory."""
        return '"' in text and (
            isinstance(checked, RefusedDocument) or any(name in text for name in self.credential_fields)
        )

    def _remember(self, text: str, checked: CheckedDocument | RefusedDocument) -> None:
        self._known[text] = checked
        self._characters += len(text)
        while len(self._known) > self.cache.entries or self._characters > self.cache.characters:
            oldest, _ = self._known.popitem(last=False)
            self._characters -= len(oldest)


def _rules(*, introspection: bool) -> tuple[type[ASTValidationRule], ...]:
    """List the checks of a document: the standard ones, Strawberry's two, and no talk about values."""
    standard: list[type[ASTValidationRule]] = [
        QuietValuesRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules
    ]
    extra: list[type[ASTValidationRule]] = [MaybeNullValidationRule, OneOfInputValidationRule]
    if not introspection:
        extra.append(NoSchemaIntrospectionCustomRule)
    return (*standard, *extra)
