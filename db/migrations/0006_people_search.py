"""People can be found by the beginnings of their names, however they are written, and guardianships queue up.

`portal_fold` is what two spellings of a name have in common, as `policies.names.folded` has it. `portal_name_words` is
what is kept of a person's names, `portal_name_query` what is made of a search: both from the one folding. The functions
are of the kind whose parts are bound when they are made, so that a restored backup finds them whatever its search path.

A name of several words ("de la Cruz", "O'Hara", "Okafor-Lindqvist") is kept from each of its words to its end, run
together: "delacruz", "lacruz", "cruz". Each word, and words run together, are then the beginning of one of these.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

#: Accents and points: what Unicode sets above, below or through a letter of Latin, Greek, Cyrillic, Hebrew and Arabic.
_MARKS = (
    r"[\u0300-\u036F\u0483-\u0487\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u064B-\u065F\u0670"
    r"\u06D6-\u06DC\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20F0\uFE20-\uFE2F]"
)
_BLANKS = r"\u0001-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u205F\u3000"
#: Whatever stands between or beside the letters of a name: all signs of ASCII, apostrophes, dashes, points, quotation
#: marks, the okina and its like, and what cannot be seen.
_ASIDE = (
    r"[" + _BLANKS + r"\u0021-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007E\u00A1-\u00A9\u00AB-\u00B1\u00B4-\u00B8"
    r"\u00BB\u00BF\u02B0-\u02FF\u058A\u05BE\u05F3\u05F4\u061C\u06DD\u070F\u1400\u1806\u180E\u2000-\u206F\u2212"
    r"\u2E00-\u2E7F\u3001-\u3003\u3008-\u301F\u3030\u30A0\u30FB\uA78C\uFE10-\uFE19\uFE30-\uFE6F\uFEFF\uFFF9-\uFFFB]"
)
#: Letters of a name's word that are compared; far more than any has.
_LONGEST = 60
#: Words of one name that are kept.
_MOST = 20

FUNCTIONS = {
    "portal_fold(text)": rf"""
        CREATE FUNCTION portal_fold(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN CASE
            -- Most names are plain ASCII, in which nothing but the case needs to go.
            WHEN octet_length(said) = char_length(said) THEN lower(said)
            ELSE replace(replace(replace(replace(
                translate(
                    lower(regexp_replace(normalize(said, NFKD), '{_MARKS}', '', 'g')),
                    'ÆŒẞÞØøŁłĐđÐðĦħŦŧŊŋıς', 'æœßþoollddddhhttnniσ'),
                'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss'), 'þ', 'th')
        END""",
    "portal_words(text)": f"""
        CREATE FUNCTION portal_words(said text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN array_remove(regexp_split_to_array(portal_fold(said), '{_ASIDE}+'), '')""",
    "portal_endings(text[])": f"""
        CREATE FUNCTION portal_endings(words text[]) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN ARRAY(
            SELECT left(array_to_string(words[place:], ''), {_LONGEST})
            FROM generate_series(1, least(cardinality(words), {_MOST})) AS place)""",
    "portal_name_words(text, text, text, text)": """
        CREATE FUNCTION portal_name_words(given text, preferred text, middle text, family text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN array_to_tsvector(
            portal_endings(portal_words(coalesce(given, ''))) || portal_endings(portal_words(coalesce(preferred, '')))
            || portal_endings(portal_words(coalesce(middle, ''))) || portal_endings(portal_words(coalesce(family, ''))))
        """,
    # The words hold no sign of ASCII, so that between quotation marks nothing in them can be an operator.
    "portal_name_query(text)": rf"""
        CREATE FUNCTION portal_name_query(said text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN (
            SELECT string_agg('''' || left(bare, {_LONGEST}) || ''':*', ' & ')::tsquery
            FROM (
                SELECT regexp_replace(word, '{_ASIDE}+', '', 'g') AS bare
                FROM regexp_split_to_table(portal_fold(said), '[{_BLANKS}]+') AS word
            ) AS words
            WHERE bare <> '')""",
}

INDEXES: dict[str, str] = {
    # Not fast to write at the cost of each search: searches are what it is for.
    "person_name_words": "INDEX {name} ON person USING gin (name_words) WITH (fastupdate=off)",
    # The registrar's queue: what nobody has decided comes first.
    "guardianship_queue": "INDEX {name} ON guardianship ((status <> 'CLAIMED'), id)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0005_second_factor")]

    operations = [
        ops.RunSQL(
            [
                *FUNCTIONS.values(),
                "ALTER TABLE person ADD COLUMN name_words tsvector"
                " GENERATED ALWAYS AS (portal_name_words(given, preferred, middle, family)) STORED",
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
            ],
            reverse_sql=[
                *(f"DROP INDEX {name}" for name in INDEXES),
                "ALTER TABLE person DROP COLUMN name_words",
                *(f"DROP FUNCTION {name}" for name in reversed(FUNCTIONS)),
            ],
        )
    ]
