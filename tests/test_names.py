"""When a name that somebody gives counts as the name on record: a table, and what must hold for all names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.names import Name, folded, folded_suffix, same_person_name, with_suffix_apart

ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\0\u0301"), max_size=40)
NAME_TEXT = st.text("aAbBéÉñß -'’.ıłøÆçжЙ李ガ", max_size=12)
NAMES = st.builds(
    Name,
    given=NAME_TEXT,
    family=NAME_TEXT,
    middle=st.none() | NAME_TEXT,
    suffix=st.none() | st.sampled_from(["", "Jr", "Jr.", "Junior", "Sr", "II", "2nd", "III", "IV", "4th", "Esq"]),
)


def name(text: str) -> Name:
    """ "given / middle / family / suffix", the last three optional: "Ann / Lopez" has no middle name."""
    parts = [part.strip() for part in text.split("/")]
    match parts:
        case [given, family]:
            return Name(given=given, family=family)
        case [given, middle, family]:
            return Name(given=given, middle=middle, family=family)
        case [given, middle, family, suffix]:
            return Name(given=given, middle=middle or None, family=family, suffix=suffix)
    raise ValueError(text)


# ---------------------------------------------------------------- folding


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("María José", "MARIA JOSE"),
        ("Mari\u0301a", "María"),
        ("D'Angelo", "Dangelo"),
        ("D’Angelo", "D'Angelo"),
        ("DʼAngelo", "D`Angelo"),
        ("Kaʻiulani", "Kaiulani"),
        ("O´Brien", "OBrien"),
        ("Anne-Marie", "Anne Marie"),
        ("Anne–Marie", "Annemarie"),
        ("Anne‑Marie", "Anne−Marie"),
        ("St. John", "St John"),
        ("J.R.", "JR"),
        ("Groß", "GROSS"),
        ("Ægir", "Aegir"),
        ("Sørensen", "Sorensen"),
        ("Łukasz", "Lukasz"),
        ("Đặng", "Dang"),
        ("Þór", "Thor"),
        ("Œuvrard", "Oeuvrard"),
        ("İbrahim", "Ibrahim"),
        ("Yıldız", "Yildiz"),
        ("Ｌｏｐｅｚ", "Lopez"),
        ("ﬁnn", "Finn"),
        ("Семён", "СЕМЕН"),
        ("Ωμέγα", "ΩΜΕΓΑ"),
        ("Nguyễn", "Nguyen"),
        ("Lopez\u200b", "Lo\u00adpez"),
        ("García·López", "Garcia Lopez"),
        ("Lopez,", "Lopez"),
        ("\u00a0Lopez\u3000", "lopez"),
        ("מֹשֶׁה", "משה"),
    ],
)
def test_two_spellings_of_one_name(written: str, same_as: str) -> None:
    assert written != same_as
    assert folded(written) == folded(same_as) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lopez", "Lopes"),
        ("Jon", "John"),
        ("Müller", "Mueller"),
        ("Ann", "Anne"),
        ("Garcia Lopez", "Garcia"),
        ("Lopez", "Lорez"),  # with a Cyrillic "ор"
        ("か", "が"),
        ("कमल", "कमला"),
        ("คิม", "คุม"),
        ("李", "王"),
        ("Lopez2", "Lopez"),
    ],
)
def test_two_names(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@pytest.mark.parametrize("nothing", ["", " ", "-", "'", "’", ".", "\u200b", "\u0301", " - ' ."])
def test_signs_alone_are_no_name(nothing: str) -> None:
    assert folded(nothing) == ""


@given(ANY_TEXT)
def test_folding_never_raises_and_is_done_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(NAME_TEXT)
def test_case_and_normal_form_do_not_matter(text: str) -> None:
    for spelling in (text.upper(), text.casefold(), *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))):
        assert folded(spelling) == folded(text) or "ı" in text  # upper case loses the dot that ı never had


# ---------------------------------------------------------------- suffixes


@pytest.mark.parametrize(
    "same",
    [
        ("Jr", "Jr.", "JR", "junior", "Junior", "J.R.", " jr "),
        ("Sr", "Sr.", "SENIOR"),
        ("II", "ii", "2nd", "2ND"),
        ("III", "3rd", "iii."),
        ("IV", "4th"),
        ("V", "5th"),
        ("Esq", "ESQ."),
        (None, "", " ", "-"),
    ],
)
def test_spellings_of_one_suffix(same: tuple[str | None, ...]) -> None:
    assert len({folded_suffix(suffix) for suffix in same}) == 1


def test_suffixes_differ_from_each_other() -> None:
    assert len({folded_suffix(suffix) for suffix in (None, "Jr", "Sr", "II", "III", "IV", "V", "Esq")}) == 8


@pytest.mark.parametrize(
    ("family", "apart"),
    [
        ("Lopez Jr.", ("Lopez", "Jr.")),
        ("Lopez, Jr", ("Lopez", "Jr")),
        ("Lopez,III", ("Lopez", "III")),
        ("Garcia  Lopez  2nd ", ("Garcia Lopez", "2nd")),
        ("da Silva Junior", ("da Silva", "Junior")),
        ("Junior", ("Junior", None)),
        (", Jr", (", Jr", None)),
        ("- Jr", ("- Jr", None)),
        ("Nguyen V", ("Nguyen V", None)),
        ("Lopez Jrs", ("Lopez Jrs", None)),
        ("LopezJr", ("LopezJr", None)),
        ("", ("", None)),
    ],
)
def test_a_suffix_after_the_family_name_is_set_apart(family: str, apart: tuple[str, str | None]) -> None:
    moved = with_suffix_apart(Name(given="Juan", family=family))
    assert (moved.family, moved.suffix) == apart


def test_a_suffix_in_its_own_place_stays_and_nothing_is_taken_from_the_family_name() -> None:
    given = Name(given="Juan", family="Silva Junior", suffix="II")
    assert with_suffix_apart(given) == given


# ---------------------------------------------------------------- the table

#: What was said, what is on record; then whether they are one name when the suffix may be left out / must be said.
TABLE = [
    ("Maria / Lopez", "Maria / Lopez", True, True),
    ("maria / LOPEZ", "María / López", True, True),
    ("Maria / Lopez", "Maria / Lopes", False, False),
    ("Mary / Lopez", "Maria / Lopez", False, False),
    ("Lopez / Maria", "Maria / Lopez", False, False),
    ("Maria / Lopez Garcia", "Maria / Lopez-Garcia", True, True),
    ("Maria / LopezGarcia", "Maria / Lopez Garcia", True, True),
    ("Maria / Lopez", "Maria / Lopez Garcia", False, False),
    ("Sean / OBrien", "Seán / O’Brien", True, True),
    ("Sean / O Brien", "Sean / O'Brien", True, True),
    ("Michelle / St John", "Michelle / St. John", True, True),
    ("Soren / Sorensen", "Søren / Sørensen", True, True),
    # middle names
    ("Maria / Elena / Lopez", "Maria / Elena / Lopez", True, True),
    ("Maria / E / Lopez", "Maria / Elena / Lopez", True, True),
    ("Maria / E. / Lopez", "Maria / Elena / Lopez", True, True),
    ("Maria / Elena / Lopez", "Maria / E. / Lopez", True, True),
    ("Maria / Élena / Lopez", "Maria / e / Lopez", True, True),
    ("Maria / Lopez", "Maria / Elena / Lopez", True, True),
    ("Maria / Elena / Lopez", "Maria / Lopez", True, True),
    ("Maria / Elisa / Lopez", "Maria / Elena / Lopez", False, False),
    ("Maria / F / Lopez", "Maria / Elena / Lopez", False, False),
    ("Maria / El / Lopez", "Maria / Elena / Lopez", False, False),
    ("Maria / Elen / Lopez", "Maria / Elena / Lopez", False, False),
    # given and middle name run together
    ("Mary Ann / Lopez", "Mary / Ann / Lopez", True, True),
    ("MaryAnn / Lopez", "Mary / Ann / Lopez", True, True),
    ("Mary-Ann / Lopez", "Mary / Ann / Lopez", True, True),
    ("Mary / Ann / Lopez", "Maryann / Lopez", True, True),
    ("Mary Ann / Louise / Lopez", "Mary / Ann Louise / Lopez", True, True),
    ("Mary Ann / Louise / Lopez", "Maryann / Lopez", True, True),
    ("Mary Ann / Lopez", "Mary / Lopez", False, False),
    ("Mary / Lopez", "Mary Ann / Lopez", False, False),
    ("Mary A / Lopez", "Mary / Ann / Lopez", False, False),
    ("Ann / Lopez", "Mary / Ann / Lopez", False, False),
    # suffixes
    ("Juan / / Lopez / Jr", "Juan / / Lopez / Jr.", True, True),
    ("Juan / / Lopez / Junior", "Juan / / Lopez / JR", True, True),
    ("Juan / / Lopez / 2nd", "Juan / / Lopez / II", True, True),
    ("Juan / / Lopez / 3rd", "Juan / / Lopez / III", True, True),
    ("Juan / Lopez", "Juan / / Lopez / Jr", True, False),
    ("Juan / / Lopez / Jr", "Juan / Lopez", True, False),
    ("Juan / / Lopez / Sr", "Juan / / Lopez / Jr", False, False),
    ("Juan / / Lopez / II", "Juan / / Lopez / Jr", False, False),
    ("Juan / / Lopez / II", "Juan / / Lopez / III", False, False),
    ("Juan / Lopez Jr", "Juan / / Lopez / Jr", True, True),
    ("Juan / Lopez, Jr.", "Juan / Lopez", True, False),
    ("Juan / Lopez Jr", "Juan / Lopez III", False, False),
    ("Juan / / Lopez / ", "Juan / Lopez", True, True),
    # names that are not there
    (" / Suharto", " / Suharto", True, True),
    ("Suharto / ", "Suharto / ", True, True),
    ("Suharto / ", " / Suharto", False, False),
    (" / Lopez", "Maria / Lopez", False, False),
    ("Maria / ", "Maria / Lopez", False, False),
    (" / ", " / ", False, False),
    ("- / '", " / ", False, False),
    ("- / '", "Maria / Lopez", False, False),
]


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(TABLE) >= 40


@pytest.mark.parametrize("suffix_needed", [False, True], ids=["suffix may be left out", "suffix must be said"])
@pytest.mark.parametrize(("said", "on_record", "if_optional", "if_needed"), TABLE)
def test_whether_two_names_are_one(
    said: str, on_record: str, *, if_optional: bool, if_needed: bool, suffix_needed: bool
) -> None:
    expected = if_needed if suffix_needed else if_optional
    assert same_person_name(name(said), name(on_record), suffix_needed=suffix_needed) is expected
    assert same_person_name(name(on_record), name(said), suffix_needed=suffix_needed) is expected


# ---------------------------------------------------------------- what holds for all names


@given(NAMES, st.booleans())
def test_every_name_is_its_own(who: Name, suffix_needed: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    nobody = not (folded(who.given) or folded(who.family))
    assert same_person_name(who, who, suffix_needed=suffix_needed) is not nobody


@given(NAMES, NAMES, st.booleans())
def test_it_does_not_matter_which_is_on_record(one: Name, other: Name, suffix_needed: bool) -> None:  # noqa: FBT001
    there = same_person_name(one, other, suffix_needed=suffix_needed)
    assert there is same_person_name(other, one, suffix_needed=suffix_needed)
    if there:
        assert same_person_name(one, other, suffix_needed=False), "to ask for the suffix never lets more through"


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_raises(given_name: str, family: str, middle: str, suffix: str) -> None:
    said = Name(given=given_name, family=family, middle=middle, suffix=suffix)
    record = Name(given="Maria", family="Lopez", middle="Elena", suffix="Jr")
    same_person_name(said, record, suffix_needed=True)
    assert isinstance(same_person_name(said, said, suffix_needed=True), bool)
