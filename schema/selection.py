"""What a request selects, as a plain set of names: so that nothing is looked up that nobody asked for."""

from collections.abc import Mapping

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from db.context import Context


def selected_names(info: strawberry.Info[Context, None]) -> frozenset[str]:
    """The names of all fields that are selected anywhere under this one, whatever the type on which they are selected.

    A name too many costs a look into the database; none is missed.
    """
    names: set[str] = set()
    raw, spread = info._raw_info, set[str]()
    for node in raw.field_nodes:
        _collect(node.selection_set, raw.fragments, names, spread)
    return frozenset(names)


def _collect(
    selection: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    names: set[str],
    spread: set[str],
) -> None:
    for node in selection.selections if selection else ():
        if isinstance(node, FragmentSpreadNode):
            if node.name.value not in spread:
                spread.add(node.name.value)
                _collect(fragments[node.name.value].selection_set, fragments, names, spread)
            continue
        if isinstance(node, FieldNode):
            names.add(node.name.value)
        _collect(getattr(node, "selection_set", None), fragments, names, spread)
