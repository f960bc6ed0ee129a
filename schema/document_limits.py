"""How large a GraphQL document may be, measured before anything costly is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

#: Selections under these are about the schema, not about people; they nest deeper and cost no database reads.
INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The bounds of one document. Counts are taken after fragments are expanded, so that no fragment hides anything."""

    #: Characters of the text; longer texts are refused unread.
    max_characters: int = 30_000
    #: Lexical tokens; the lexer stops at the first one too many.
    max_tokens: int = 2_000
    max_operations: int = 10
    max_fragments: int = 50
    #: Levels of fields from the root.
    max_depth: int = 12
    #: Levels of fields under `__schema` or `__type`; the customary introspection query needs 15.
    max_introspection_depth: int = 18
    #: Fields of all operations together.
    max_fields: int = 500
    max_aliases: int = 50
    max_directives: int = 50
    #: How often one name may be selected at one place. Checking that repeated fields agree takes time that grows
    #: with the square of their number.
    max_repeats: int = 20
    #: Fields that hold or test a secret (log-in, activation, recovery) in one operation.
    max_credential_fields: int = 1


class DocumentTooLarge(Exception):
    """The document passes a limit; the text says which and is safe to show."""


@dataclass(slots=True)
class _Size:
    """What a definition selects, with or without the fragments it spreads."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    depth: int = 0
    introspection_depth: int = 0
    #: Name of the fragment, levels above the spread, levels under an introspection field above the spread.
    spreads: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, other: "_Size", depth: int, introspection_depth: int) -> None:
        """Count a fragment in at the place where it is spread."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        if introspection_depth:
            deepest = introspection_depth + max(other.depth, other.introspection_depth)
            self.introspection_depth = max(self.introspection_depth, deepest)
        else:
            self.depth = max(self.depth, depth + other.depth)
            self.introspection_depth = max(self.introspection_depth, other.introspection_depth)


def check_size(document: DocumentNode, limits: DocumentLimits, credential_fields: frozenset[str] = frozenset()) -> None:
    """Refuse a document that is larger than `limits`, in time linear in its length.

    Raises:
        DocumentTooLarge: with one plain sentence.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    _at_most(limits.max_operations, len(operations), "operations")
    _at_most(limits.max_fragments, len(document.definitions) - len(operations), "fragments")

    own = {name: _own_size(node) for name, node in fragments.items()}
    sizes = _fragment_sizes(own, limits)
    total = _Size()
    spread: set[str] = set()
    for operation in operations:
        size = _own_size(operation)
        spread |= _reached(size, own)
        total.add(_expanded(size, sizes), 0, 0)
    _check_counts(total, limits)
    _at_most(limits.max_depth, total.depth, "levels of fields")
    _at_most(limits.max_introspection_depth, total.introspection_depth, "levels of introspection fields")
    if unused := sorted(fragments.keys() - spread):
        raise DocumentTooLarge(f"Fragment '{unused[0]}' is never used.")
    for operation in operations:
        _check_selections(operation, fragments, limits, credential_fields)


def _at_most(limit: int, found: int, what: str) -> None:
    if found > limit:
        raise DocumentTooLarge(f"The document has more than {limit} {what}.")


def _check_counts(size: _Size, limits: DocumentLimits) -> None:
    _at_most(limits.max_fields, size.fields, "fields, fragments expanded")
    _at_most(limits.max_aliases, size.aliases, "aliases, fragments expanded")
    _at_most(limits.max_directives, size.directives, "directives, fragments expanded")


def _own_size(definition: OperationDefinitionNode | FragmentDefinitionNode) -> _Size:
    """Measure one definition by itself, noting where it spreads fragments."""
    size = _Size(directives=len(definition.directives or ()))
    stack: list[tuple[SelectionSetNode, int, int]] = [(definition.selection_set, 0, 0)]
    while stack:
        selection_set, depth, inside = stack.pop()
        for node in selection_set.selections:
            size.directives += len(node.directives or ())
            if isinstance(node, FragmentSpreadNode):
                size.spreads.append((node.name.value, depth, inside))
                continue
            below, below_inside = depth, inside
            if isinstance(node, FieldNode):
                size.fields += 1
                size.aliases += node.alias is not None
                if inside or node.name.value in INTROSPECTION_FIELDS:
                    below_inside += 1
                else:
                    below += 1
                size.depth = max(size.depth, below)
                size.introspection_depth = max(size.introspection_depth, below_inside)
            nested: SelectionSetNode | None = getattr(node, "selection_set", None)
            if nested is not None:
                stack.append((nested, below, below_inside))
    return size


def _expanded(own: _Size, sizes: Mapping[str, _Size]) -> _Size:
    """Add the fragments that a definition spreads; unknown ones are left to validation."""
    whole = replace(own, spreads=[])
    for name, depth, inside in own.spreads:
        if name in sizes:
            whole.add(sizes[name], depth, inside)
    return whole


def _fragment_sizes(own: Mapping[str, _Size], limits: DocumentLimits) -> dict[str, _Size]:
    """Expand every fragment once, those that it spreads first. Each is checked as soon as it is known, because
    counts double with every step of a fragment bomb. How deep a fragment is may depend on where it is spread.

    Raises:
        DocumentTooLarge: for a cycle of fragments, or one that holds too much.
    """
    sizes: dict[str, _Size] = {}
    for start in own:
        waiting: list[str] = [start]
        while waiting:
            name = waiting[-1]
            needed = next((other for other, _, _ in own[name].spreads if other in own and other not in sizes), None)
            if needed is None:
                waiting.pop()
                sizes[name] = _expanded(own[name], sizes)
                _check_counts(sizes[name], limits)
            elif needed in waiting:
                raise DocumentTooLarge(f"Fragment '{needed}' spreads itself.")
            else:
                waiting.append(needed)
    return sizes


def _reached(operation: _Size, own: Mapping[str, _Size]) -> set[str]:
    """Name the fragments that an operation spreads, directly or through others."""
    reached: set[str] = set()
    pending = [operation]
    while pending:
        for name, _, _ in pending.pop().spreads:
            if name in own and name not in reached:
                reached.add(name)
                pending.append(own[name])
    return reached


def _check_selections(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    limits: DocumentLimits,
    credential_fields: frozenset[str],
) -> None:
    """Walk the operation as it would be executed, fields of one name at one place taken together.

    The walk visits each expanded field once, and their number has been checked before.
    """
    places: list[list[SelectionSetNode]] = [[operation.selection_set]]
    at_root = True
    while places:
        selected = _fields_at(places.pop(), fragments)
        if at_root:
            credentials = sum(node.name.value in credential_fields for nodes in selected.values() for node in nodes)
            if credentials > limits.max_credential_fields:
                raise DocumentTooLarge(
                    "One operation may hold "
                    f"{limits.max_credential_fields} field that takes a secret (such as a log-in), not more."
                )
            at_root = False
        for key, nodes in selected.items():
            if len(nodes) > limits.max_repeats:
                raise DocumentTooLarge(f"'{key}' is selected more than {limits.max_repeats} times at one place.")
            if nested := [node.selection_set for node in nodes if node.selection_set]:
                places.append(nested)


def _fields_at(
    selection_sets: list[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> dict[str, list[FieldNode]]:
    """All fields selected at one place of the answer, by the name that they have there."""
    selected: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    pending = list(selection_sets)
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, FieldNode):
                name = node.alias.value if node.alias else node.name.value
                selected.setdefault(name, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value in fragments and node.name.value not in spread:
                    spread.add(node.name.value)
                    pending.append(fragments[node.name.value].selection_set)
            else:
                nested: SelectionSetNode | None = getattr(node, "selection_set", None)
                if nested is not None:
                    pending.append(nested)
    return selected
