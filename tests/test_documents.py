"""Documents are bounded before they cost anything, checked once, and never quoted back."""

import json
from typing import Any

import pytest
from graphql import get_introspection_query
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.document_limits import DocumentLimits
from schema.documents import CacheLimits, CheckedDocument, Documents, RefusedDocument
from tests.small_portal import CREDENTIAL_FIELDS, SCHEMA

SECRET = "hunter2secret"
LOGIN = 'login(input: {username: "maria", password: "x"}) { __typename }'


def documents(**options: Any) -> Documents:
    return Documents(SCHEMA._schema, credential_fields=CREDENTIAL_FIELDS, **options)


def refusal(text: str, **options: Any) -> str:
    """What is said about a document; empty if it is in order."""
    checked = documents(**options).read(text)
    return json.dumps(checked.problems) if isinstance(checked, RefusedDocument) else ""


def nested(levels: int, inner: str = "name") -> str:
    return "friend { " * levels + inner + " }" * levels


FRAGMENT_BOMB = "{ me { ...f0 } } " + " ".join(
    f"fragment f{step} on Person {{ a: friend {{ ...f{step + 1} }} b: friend {{ ...f{step + 1} }} }}"
    for step in range(9)
) + " fragment f9 on Person { name }"  # fmt: skip
SPREAD_BOMB = "{ me { ...f0 } } " + " ".join(
    f"fragment f{step} on Person {{ ...f{step + 1} ...f{step + 1} }}" for step in range(40)
) + " fragment f40 on Person { name }"  # fmt: skip

TOO_MUCH = {
    "characters": ("{ hello } #" + "x" * 30_000, "characters"),
    "tokens": ("{" + "hello " * 2_000 + "}", "tokens"),
    "comments": ("#\n" * 3_000 + "{ hello }", "tokens"),
    "nesting": ("{" * 1_500, ""),
    "depth": ("{ me { " + nested(12) + " } }", "12 levels of fields"),
    "depth in a fragment": (
        "{ me { " + nested(6, "...f") + " } } fragment f on Person { " + nested(6) + " }",
        "12 levels",
    ),
    "fields": ("{ me { " + "friend { name a: name b: name } " * 20 + nested(1) + " } }", "at one place"),
    "fragment bomb": (FRAGMENT_BOMB, "fragments expanded"),
    "spread bomb": (SPREAD_BOMB, "fragments expanded"),
    "aliases": ("{ " + " ".join(f"a{number}: hello" for number in range(51)) + " }", "50 aliases"),
    "aliases by fragment": (
        "{ me { ...f } m: me { ...f } } fragment f on Person {"
        + " ".join(f"a{number}: name" for number in range(26))
        + "}",
        "50 aliases",
    ),
    "directives": ("{ " + "hello @include(if: true) @skip(if: false) " * 26 + "}", "50 directives"),
    "same field": ("{ " + "hello " * 21 + "}", "20 times at one place"),
    "same field under same field": ("{ me { " + "friend { name name name } " * 7 + "} }", "20 times"),
    "same field by fragments": (
        "{ "
        + " ".join(f"...f{number}" for number in range(21))
        + " }"
        + " ".join(f"fragment f{number} on Query {{ hello }}" for number in range(21)),
        "20 times",
    ),
    "operations": (" ".join(f"query q{number} {{ hello }}" for number in range(11)), "10 operations"),
    "fragments": (
        "{ hello } " + " ".join(f"fragment f{number} on Query {{ hello }}" for number in range(51)),
        "50 fragments",
    ),
    "definitions of types": ("{ hello } " + "type A { a: Int } " * 51, "50 fragments"),
    "cycle": ("{ me { ...f } } fragment f on Person { friend { ...f } }", "spreads itself"),
    "long cycle": (
        "{ me { ...a } } fragment a on Person { ...b } fragment b on Person { ...c } fragment c on Person { ...a }",
        "spreads itself",
    ),
    "unused fragment": ("{ hello } fragment f on Query { hello }", "never used"),
    "log-ins": (f"mutation {{ {LOGIN} {LOGIN} }}", "takes a secret"),
    "log-ins by alias": (f"mutation {{ a: {LOGIN} b: {LOGIN} }}", "takes a secret"),
    "log-ins by fragment": (
        f"mutation {{ ...f a: {LOGIN} }} fragment f on Mutation {{ {LOGIN} }}",
        "takes a secret",
    ),
    "log-ins by inline fragment": (f"mutation {{ ... {{ {LOGIN} }} ... on Mutation {{ b: {LOGIN} }} }}", "secret"),
    "log-ins not included": (f"mutation {{ a: {LOGIN} b: {LOGIN.replace('{ __', '@skip(if: true) { __')} }}", "secret"),
    "NUL": ('{ hello(name: "a\\u0000b") }', "NUL"),
    "NUL as it is": ('{ hello(name: """a\x00b""") }', "NUL"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_document_that_is_too_much_is_refused(case: str) -> None:
    text, said = TOO_MUCH[case]
    assert said in refusal(text) != ""


@pytest.mark.parametrize(
    "text",
    [
        "{ hello }",
        "{ me { " + nested(10) + " } }",
        "{ " + "hello " * 20 + "}",
        "{ " + " ".join(f"a{number}: hello" for number in range(50)) + " }",
        "query a { hello } query b { me { name } }",
        f"mutation {{ {LOGIN} }}",
        f"mutation a {{ {LOGIN} }} mutation b {{ {LOGIN} }}",
        "{ me { ...f friend { ...f } } } fragment f on Person { name }",
        "{ __typename me { __typename } }",
    ],
)
def test_an_ordinary_document_passes(text: str) -> None:
    assert refusal(text) == ""


INTROSPECTION = get_introspection_query(
    descriptions=True, specified_by_url=True, directive_is_repeatable=True, schema_description=True
)


def test_the_customary_introspection_query_passes_where_introspection_is_allowed() -> None:
    assert refusal(INTROSPECTION, introspection=True) == ""
    assert "disabled" in refusal(INTROSPECTION)
    assert "disabled" in refusal('{ __type(name: "Person") { name } }')
    deep = "{ __schema { types { " + "ofType { " * 17 + "name" + " }" * 20
    assert "levels of introspection" in refusal(deep, introspection=True)


MISSPELT = [
    "{ helo }",
    '{ hello(nam: "x") }',
    "{ me { nme } }",
    "{ ... on Quer { hello } }",
    "query ($a: Strin) { hello(name: $a) }",
    "{ hello(shade: LIHGT) }",
    'mutation { login(input: {username: "a", pasword: "b"}) { __typename } }',
    "{ hello @inclde(if: true) }",
    "{ me }",
]


@pytest.mark.parametrize("text", MISSPELT)
def test_a_misspelt_name_is_not_put_right_where_the_schema_is_not_told(text: str) -> None:
    said = refusal(text)
    assert said != ""
    assert "Did you mean" not in said


def test_a_misspelt_name_is_put_right_where_the_schema_is_told() -> None:
    assert "Did you mean 'hello'" in refusal("{ helo }", introspection=True)


QUOTING = [
    f'{{ hello(times: "{SECRET}") }}',
    f"{{ hello(name: {SECRET}) }}",
    f"{{ hello(shade: {SECRET}) }}",
    f'{{ hello(shade: "{SECRET}") }}',
    f'{{ hello(name: "a" "{SECRET}") }}',
    f'{{ hello(name: "{SECRET}',
    f'{{ hello(name: """a""" """{SECRET}""") }}',
    f'mutation {{ login(input: {{username: "a", password: ["{SECRET}"]}}) {{ __typename }} }}',
    f'mutation {{ login(input: {{username: "{SECRET}"}}) {{ __typename }} }}',
    f'mutation {{ login(input: {{username: "a", password: "b", born: "{SECRET}"}}) {{ __typename }} }}',
    f'mutation {{ login(input: {{username: "a", password: "b", more: [1, "{SECRET}"]}}) {{ __typename }} }}',
    f'mutation {{ login(input: "{SECRET}") {{ __typename }} }}',
    f'mutation {{ login(input: {{username: "a", password: "b", other: "{SECRET}"}}) {{ __typename }} }}',
    f'query ($n: Int = "{SECRET}") {{ hello(times: $n) }}',
    f"{{ hello(name: {SECRET}-x) }}",
    f"{SECRET} {{ hello }}",
]


@pytest.mark.parametrize("text", QUOTING)
@pytest.mark.parametrize("introspection", [True, False])
def test_a_value_in_a_document_is_not_quoted_back(text: str, introspection: bool) -> None:  # noqa: FBT001
    said = refusal(text, introspection=introspection)
    assert said != ""
    assert SECRET not in said


@settings(deadline=None)
@given(st.data())
def test_a_damaged_document_does_not_give_away_its_values(data: st.DataObject) -> None:
    text = f'mutation {{ login(input: {{username: "maria", password: "{SECRET}"}}) {{ __typename }} }}'
    place = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 3))
    added = data.draw(st.text('{}()[]"\\:$!@#,.| a1-\n', max_size=3))
    assert SECRET not in refusal(text[:place] + added + text[place + removed :])


def test_wrong_values_are_named_by_place_and_type() -> None:
    said = refusal('mutation { login(input: {username: "a", password: 1, more: [1, "x"], other: 1}) { __typename } }')
    assert "Value at .password: expected a value of type 'String!'." in said
    assert "Value at .more[1]: expected a value of type 'Int!'." in said
    assert "'LoginInput' has no field 'other'." in said
    assert "the required field 'password' is missing" in refusal(
        'mutation { login(input: {username: "a"}) { __typename } }'
    )


def test_a_syntax_error_says_where_and_what_kind() -> None:
    checked = documents().read('{ hello(name: "a" "b") }')
    assert isinstance(checked, RefusedDocument)
    assert checked.problems == (
        {
            "message": "Syntax Error: Expected Name, found String.",
            "locations": [{"line": 1, "column": 19}],
            "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
        },
    )


# ---------------------------------------------------------------------------------------------------- remembering


def test_a_document_is_checked_once() -> None:
    known = documents()
    first = known.read("{ hello }")
    assert isinstance(first, CheckedDocument)
    assert known.read("{ hello }") is first
    assert known.read("{ helo }") is known.read("{ helo }")
    assert len(known) == 2


def test_what_is_remembered_is_bounded_in_number_and_size() -> None:
    few = documents(cache=CacheLimits(entries=3))
    kept = few.read("{ hello }")
    for number in range(5):
        few.read(f"query q{number} {{ hello }}")
        assert few.read("{ hello }") is kept, "what is used stays"
    assert len(few) == 3

    small = documents(cache=CacheLimits(characters=100, characters_each=60))
    for number in range(10):
        small.read(f"query number{number} {{ hello }}")
    assert len(small) == 4
    small.read("{ hello } #" + "x" * 60)
    assert len(small) == 4, "a long text is not kept"


@pytest.mark.parametrize("text", [f"mutation {{ {LOGIN} }}", f'{{ hello(name: "{SECRET}"'])
def test_a_text_that_may_hold_a_secret_is_not_kept(text: str) -> None:
    known = documents()
    known.read(text)
    assert len(known) == 0
    known.read("mutation ($input: LoginInput!) { login(input: $input) { __typename } }")
    assert len(known) == 1


# ---------------------------------------------------------------------------------------------------- measuring


@st.composite
def fragment_families(draw: st.DrawFn) -> list[list[str | int]]:
    """Bodies of fragments: each entry a field of its own, or the number of a later fragment to spread in a field."""
    count = draw(st.integers(1, 6))
    family: list[list[str | int]] = []
    for step in range(count):
        parts: list[str | int] = ["name", *range(step + 1, count)]
        family.append(draw(st.lists(st.sampled_from(parts), min_size=1, max_size=4)))
    return family


def expanded(family: list[list[str | int]], step: int) -> tuple[int, int]:
    """Count the fields and levels of a fragment by writing it out; the slow and plain way."""
    fields, depth = 0, 0
    for part in family[step]:
        inner, levels = expanded(family, part) if isinstance(part, int) else (0, 0)
        fields += 1 + inner
        depth = max(depth, 1 + levels)
    return fields, depth


@settings(deadline=None)
@given(fragment_families())
def test_fragments_hide_neither_fields_nor_levels(family: list[list[str | int]]) -> None:
    bodies = [
        " ".join(
            f"a{number}: friend {{ ...f{part} }}" if isinstance(part, int) else f"a{number}: name"
            for number, part in enumerate(body)
        )
        for body in family
    ]
    used = {0}
    for step, body in enumerate(family):
        if step in used:
            used.update(part for part in body if isinstance(part, int))
    text = "{ me { ...f0 } } " + " ".join(f"fragment f{step} on Person {{ {bodies[step]} }}" for step in sorted(used))
    fields, depth = expanded(family, 0)
    roomy = {"max_fields": 10**6, "max_aliases": 10**6, "max_depth": 100}

    def said(**limits: int) -> str:
        return refusal(text, limits=DocumentLimits(**{**roomy, **limits}))

    assert said(max_fields=fields + 1, max_aliases=fields, max_depth=depth + 1) == ""
    assert "fields" in said(max_fields=fields)
    assert "aliases" in said(max_aliases=fields - 1)
    assert "levels" in said(max_depth=depth)
