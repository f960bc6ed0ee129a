"""When a caller's answer counts as what is on record: tables, those of the document, and what holds for all answers."""

import logging
import re
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.answers import (
    Address,
    is_usable_address,
    is_usable_phone,
    same_address,
    same_full_name,
    same_phone,
    same_student_number,
)
from policies.names import Name, folded, folded_suffix
from policies.spellings import LONGEST_TEXT, street, words
from tests.servers import REPOSITORY
from tests.test_names import NAMES, name

ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\0\u0301½⁄#,.\n "), max_size=80)
#: Every word that some rule looks at, in any order.
RULED_WORDS = """
    123 4B 1/2 ½ half and one # , no apt unit ste fl rear box po p.o. rr r.r. fm cr us i hwy highway road rd st saint
    street ave avenue n north so nw n.w. main oak mlk dr jr martin luther king 5th fifth twenty first texas tx ne
    78699 78699-1234 cedar hollow usa ñ 李 to farm market county lot bldg rm
"""
ADDRESS_LIKE = st.lists(st.sampled_from([*RULED_WORDS.split(), "\ud800", "\0"]), max_size=14).map(" ".join)


def address(text: str) -> Address:
    """ "street, city, ST 12345": the last two parts are the city, and the state with or without a ZIP."""
    line, city, last = (part.strip() for part in text.rsplit(",", 2))
    state, _, postal_code = last.partition(" ")
    return Address(street=line, city=city or None, state=state or None, postal_code=postal_code or None)


def in_hollow(line: str | None) -> Address:
    return Address(street=line, city="Cedar Hollow", state="TX", postal_code="78699")


# ---------------------------------------------------------------- the document


def table(first_heading: str) -> list[tuple[str, str, bool]]:
    """Said, on record, and whether they are the same, from that table of docs/verification.md."""
    lines = (REPOSITORY / "docs" / "verification.md").read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first_heading} |")) + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        said, on_record, same, _ = (cell.strip() for cell in line.strip("|").split("|"))
        found.append((said.strip("`"), on_record.strip("`"), {"yes": True, "no": False}[same]))
    return found


@pytest.mark.parametrize(("said", "on_record", "same"), table("name said"))
def test_the_document_tells_the_truth_about_names(said: str, on_record: str, *, same: bool) -> None:
    assert same_full_name(said, name(on_record), suffix_needed=False) is same


@pytest.mark.parametrize(("said", "on_record", "same"), table("address said"))
def test_the_document_tells_the_truth_about_addresses(said: str, on_record: str, *, same: bool) -> None:
    assert is_usable_address(address(on_record))
    assert same_address(said, address(on_record)) is same


@pytest.mark.parametrize(("said", "on_record", "same"), table("phone said"))
def test_the_document_tells_the_truth_about_phones(said: str, on_record: str, *, same: bool) -> None:
    assert same_phone(said, on_record) is same


@pytest.mark.parametrize(("said", "on_record", "same"), table("number said"))
def test_the_document_tells_the_truth_about_student_numbers(said: str, on_record: str, *, same: bool) -> None:
    assert same_student_number(said, on_record, short_form_is_unique=False) is same


def test_the_document_shows_both_answers_of_each_kind() -> None:
    for heading in ("name said", "address said", "phone said", "number said"):
        assert {same for _, _, same in table(heading)} == {True, False}


# ---------------------------------------------------------------- street lines

#: By kind: spellings that are all one street line, and lines that are none of them.
STREETS: dict[str, tuple[list[str], list[str]]] = {
    "case, blanks and punctuation": (
        ["1401 Willow Bend Dr", "1401 WILLOW  BEND DR.", "1401, willow-bend drive", " 1401 Willow\tBend Drive "],
        ["1401 Willow Bend", "1401 Bend Dr", "1401 Willow Bend Dr Dr", "1410 Willow Bend Dr"],
    ),
    "accents": (["9 Calle Peña", "9 calle pena", "9 CALLE PEN\u0303A"], ["9 Calle Perla"]),
    "types of street": (
        ["6 Elm Avenue", "6 Elm Ave", "6 Elm Av.", "6 elm avenu"],
        ["6 Elm St", "6 Elm", "6 Elms Ave", "6 Elm Blvd"],
    ),
    "a type within a name": (
        ["7 Lake Forest Cove", "7 LK Forest CV"],
        ["7 Lakes Forest Cove", "7 Forest Cove", "7 Lake Forest Court"],
    ),
    "parks within a name": (["8 Park Ave", "8 park avenue"], ["8 Parks Ave", "8 Park"]),
    "directions before": (
        ["10 N Main St", "10 North Main Street", "10 No. Main St.", "10 N. MAIN ST"],
        ["10 Main St", "10 S Main St", "10 Main St N", "10 NW Main St", "10 E Main St"],
    ),
    "directions after": (
        ["11 5th St NW", "11 Fifth Street Northwest", "11 5th St. N.W.", "11 5th Street North West"],
        ["11 5th St", "11 NW 5th St", "11 5th St NE", "11 5th St W"],
    ),
    "a direction as a name": (
        ["12 North St", "12 north street"],
        ["12 N St", "12 South St", "12 St"],
    ),
    "ordinals": (
        ["13 21st St", "13 Twenty-First Street", "13 twenty first st"],
        ["13 20th St", "13 21st Ave", "13 First St", "13 Twenty St", "13 22nd St"],
    ),
    "Saint and Street": (
        ["14 St Mary's St", "14 Saint Marys Street", "14 ST. MARY’S STREET"],
        ["14 St Mary St", "14 Marys St", "14 St Marys Ave", "14 St Marys"],
    ),
    "Mount and Fort": (["15 Mt. Vernon Rd", "15 Mount Vernon Road"], ["15 Fort Vernon Rd", "15 Vernon Rd"]),
    "lettered streets": (["16 Avenue B", "16 Ave B", "16 av. b"], ["16 Avenue D", "16 Avenue", "16 B Street"]),
    "half numbers": (
        ["17 1/2 Elm St", "17½ Elm St", "17 ½ Elm St", "17 one half Elm St", "17 and a half Elm Street",
         "17-1/2 Elm St"],
        ["17 Elm St", "17 1/4 Elm St", "171/2 Elm St", "17 2 Elm St"],
    ),
    "hyphens and letters in the number": (
        ["123-45 Main St", "123 - 45 Main St", "123–45 Main Street"],
        ["12345 Main St", "123 Main St", "1234-5 Main St"],
    ),
    "a letter after the number": (["18A Main St", "18-A Main St", "18 A Main St"], ["18 Main St", "18B Main St"]),
    "apartment, unit and number": (
        ["19 Oak St Apt 4", "19 Oak St Apartment 4", "19 Oak St #4", "19 Oak St # 4", "19 Oak St Unit 4",
         "19 Oak St, No. 4", "19 Oak St number 4", "19 Oak St Apt. #4", "19 Oak St, Apt4", "Apt 4, 19 Oak St",
         "19 Oak St\nApt 4"],
        ["19 Oak St", "19 Oak St Apt 5", "19 Oak St Apt 40", "19 Oak St Apt 4B", "19 Oak St 4", "19 Oak St Ste 4",
         "19 Oak St Lot 4", "194 Oak St"],
    ),
    "numbers of units": (
        ["20 Oak St Apt 4-B", "20 Oak St Apt 4B", "20 Oak St Apt 4 b"],
        ["20 Oak St Apt 4", "20 Oak St Apt B", "20 Oak St Apt B4", "20 Oak St Apt 48"],
    ),
    "digits of a unit are not run together": (["20 Oak St #4-12"], ["20 Oak St #412", "20 Oak St #41-2"]),
    "other units": (
        ["21 Oak St Ste 200", "21 Oak St Suite 200", "21 Oak St, STE. 200"],
        ["21 Oak St Apt 200", "21 Oak St Rm 200", "21 Oak St Ste 20"],
    ),
    "lots and trailers": (["22 Oak St Lot 7", "22 Oak St, lot #7"], ["22 Oak St Trlr 7", "22 Oak St Lot 1"]),
    "floors": (["23 Oak St Fl 2", "23 Oak St, 2nd Floor", "23 Oak St Floor 2"], ["23 Oak St", "23 Oak St Fl 3"]),
    "building and apartment": (
        ["24 Oak St Bldg 2 Apt 4", "24 Oak St, Building 2, Unit 4", "24 Oak St Apt 4 Bldg 2"],
        ["24 Oak St Bldg 4 Apt 2", "24 Oak St Apt 4", "24 Oak St Bldg 2"],
    ),
    "units without a number": (["25 Oak St Rear", "25 Oak St, rear"], ["25 Oak St", "25 Oak St Front"]),
    "post office boxes": (
        ["PO Box 12", "P.O. Box 12", "P. O. Box 12", "POB 12", "Post Office Box 12", "Box 12", "PO Box #12", "pobox12",
         "P.O.Box 12"],
        ["PO Box 112", "PO Box 1", "12 Box St", "PO Box 12A", "PO Box"],
    ),
    "rural routes": (
        ["RR 2 Box 34", "R.R. 2, Box 34", "Rural Route 2 Box 34", "RR2 Box34", "Rural Rte. 2, Box #34", "RFD 2 Box 34",
         "Route 2 Box 34", "R.R. #2 Box 34"],
        ["RR 2", "RR 3 Box 34", "RR 2 Box 43", "RR 23 Box 4", "HC 2 Box 34", "PO Box 34"],
    ),
    "contract routes": (["HC 1 Box 8", "Star Route 1 Box 8", "HCR 1, Box 8"], ["RR 1 Box 8", "HC 1 Box 9"]),
    "Martin Luther King": (
        ["26 MLK Blvd", "26 M.L.K. Boulevard", "26 Martin Luther King Jr Blvd", "26 Martin Luther King Boulevard",
         "26 Dr. Martin Luther King, Jr. Blvd", "26 Dr MLK Junior Blvd"],
        ["26 MLK Dr", "26 King Blvd", "26 Martin Blvd", "26 E MLK Blvd"],
    ),
    "US highways": (
        ["27 US Hwy 183", "27 U.S. Highway 183", "27 US 183", "27 US-183", "27 US Route 183"],
        ["27 Hwy 183", "27 State Highway 183", "27 US Hwy 138", "27 US Hwy 18 Apt 3", "27 FM 183"],
    ),
    "farm to market roads": (
        ["28 FM 1431", "28 F.M. 1431", "28 Farm to Market Road 1431", "28 Farm-to-Market Rd 1431", "28 FM Road 1431",
         "28 FM1431"],
        ["28 RM 1431", "28 CR 1431", "28 FM 1413", "28 Market Rd 1431"],
    ),
    "ranch roads": (["29 RR 620", "29 Ranch Road 620", "29 Ranch Rd. 620"], ["29 RM 620", "29 RR 260", "RR 620"]),
    "county roads": (
        ["30 CR 200", "30 County Road 200", "30 County Rd 200", "30 C.R. 200", "30 Co Rd 200"],
        ["30 County Highway 200", "30 Creek 200", "30 CR 20", "30 Road 200"],
    ),
    "interstates": (["31 I-35", "31 IH 35", "31 Interstate 35", "31 Interstate Hwy 35"], ["31 Hwy 35", "31 I-45"]),
    "highways with a direction": (["32 Hwy 71 W", "32 Highway 71 West"], ["32 Highway 71", "32 Highway 71 E"]),
    "blanks within a name": (["33 La Salle Ave", "33 LaSalle Avenue"], ["33 La Sal Ave", "33 Salle Ave"]),
    "made-up lines of the demo district": (
        ["0437 Jessica Crossroad Suite 803", "0437 JESSICA XRD STE 803"],
        ["0437 Jessica Crossroad", "437 Jessica Crossroad Apt 803", "0437 Jessica Crossing Suite 803"],
    ),
    "grid numbers": (["N6W23001 Bluemound Rd", "N6 W23001 Bluemound Road"], ["N6W23010 Bluemound Rd"]),
    "what is not Latin": (["34 李 St", "34 李 Street"], ["34 王 St"]),
}  # fmt: skip


def test_the_table_has_many_kinds_and_both_answers_in_each() -> None:
    assert len(STREETS) >= 20
    assert all(others for _, others in STREETS.values())
    assert sum(len(same) + len(others) for same, others in STREETS.values()) >= 150


@pytest.mark.parametrize("kind", STREETS)
def test_spellings_of_one_street_line(kind: str) -> None:
    same, _ = STREETS[kind]
    for on_record in same:
        for said in same:
            assert same_address(f"{said}, 78699", in_hollow(on_record)), (said, on_record)
            assert same_address(f"{said}, Cedar Hollow, Texas", in_hollow(on_record)), (said, on_record)


@pytest.mark.parametrize("kind", STREETS)
def test_another_street_line_never_matches(kind: str) -> None:
    same, others = STREETS[kind]
    for one in same:
        for other in others:
            for said, on_record in ((one, other), (other, one)):
                assert not same_address(f"{said}, 78699", in_hollow(on_record)), (said, on_record)
                assert not same_address(f"{said}, Cedar Hollow, TX 78699", in_hollow(on_record)), (said, on_record)


def test_no_kind_of_the_table_matches_another() -> None:
    spelt = {kind: {street(words(line)) for line in same} for kind, (same, _) in STREETS.items()}
    assert all(len(forms) == 1 for forms in spelt.values())
    assert len(set().union(*spelt.values())) == len(spelt)


# ---------------------------------------------------------------- the last line

NO_ZIP = Address("12 Oak St", "St. Louis", "MO", None)
NO_CITY = Address("12 Oak St", None, "TX", "78699-1234")
NO_STATE = Address("12 Oak St", "Cedar Hollow", None, "78699")
NEBRASKA = Address("12 Oak St", "Omaha", "NE", "68101")
FLORIDA = Address("12 Oak St Fl 3", "Miami", "Florida", "331010001")


@pytest.mark.parametrize(
    ("said", "on_record", "same"),
    [
        ("12 Oak St 78699", in_hollow("12 Oak St"), True),
        ("12 Oak St, TX 78699", in_hollow("12 Oak St"), True),
        ("12 Oak St, Cedar Hollow TX, 78699, USA", in_hollow("12 Oak St"), True),
        ("12 Oak St, 78699, Cedar Hollow, Tex.", in_hollow("12 Oak St"), True),
        ("12 Oak St, CedarHollow", in_hollow("12 Oak St"), True),
        ("12 Oak St, TX", in_hollow("12 Oak St"), False),
        ("12 Oak St, Oklahoma 78699", in_hollow("12 Oak St"), False),
        ("12 Oak St, Cedar Hollow, OK", in_hollow("12 Oak St"), False),
        ("12 Oak St, Cedar Hollow 7869", in_hollow("12 Oak St"), False),
        ("12 Oak St, Cedar Hollow 786990", in_hollow("12 Oak St"), False),
        ("12 Oak St, 78699, 78698", in_hollow("12 Oak St"), False),
        ("12 Oak St or 14 Oak St, 78699", in_hollow("12 Oak St"), False),
        ("Cedar Hollow 78699", in_hollow("12 Oak St"), False),
        ("", in_hollow("12 Oak St"), False),
        ("12 Cedar Hollow, 78699", in_hollow("12 Cedar Hollow"), True),
        ("12 Cedar Hollow, Cedar Hollow", in_hollow("12 Cedar Hollow"), True),
        ("12 Cedar Hollow", in_hollow("12 Cedar Hollow"), False),
        ("PO Box 78699", in_hollow("PO Box 78699"), False),
        ("PO Box 78699, 78699", in_hollow("PO Box 78699"), True),
        ("12 Oak Street, Saint Louis", NO_ZIP, True),
        ("12 Oak Street, St Louis, Missouri 63101", NO_ZIP, True),
        ("12 Oak Street, St Louis, Illinois 63101", NO_ZIP, False),
        ("12 Oak Street, Kansas City, Missouri", NO_ZIP, False),
        ("12 Oak Street, Missouri 63101", NO_ZIP, False),
        ("12 Oak St, 78699", NO_CITY, True),
        ("12 Oak St, Cedar Hollow, Texas 78699", NO_CITY, True),
        ("12 Oak St, Cedar Hollow, Texas", NO_CITY, False),
        ("12 Oak St, N, 78699", NO_CITY, False),
        ("12 Oak St, Apt B, 78699", NO_CITY, False),
        ("12 Oak St, 4, 78699", NO_CITY, False),
        ("12 Oak St, Cedar Hollow, Texas", NO_STATE, True),
        ("12 Oak St, Cedar Hollow, NM 78699", NO_STATE, True),
        ("12 Oak St NE, 78699", NO_STATE, False),
        ("12 Oak St, Omaha NE", NEBRASKA, True),
        ("12 Oak St, Omaha, Nebraska 68101", NEBRASKA, True),
        ("12 Oak St, floor 3, Miami, FL 33101", FLORIDA, True),
        ("12 Oak St, Miami, FL 33101", FLORIDA, False),
        ("12 Oak St, Miami, FL 33101", Address("12 Oak St", "Miami", "FL", "33101"), True),
        ("9 Elm St, New York", Address("9 Elm St", "New York", "NY", "10001"), True),
        ("9 Elm St, New York, New York", Address("9 Elm St", "New York", "NY", "10001"), True),
        ("9 Elm St, New York", Address("9 Elm St", "Albany", "NY", "10001"), False),
        ("9 Elm St, N Richland Hills", Address("9 Elm St", "North Richland Hills", "TX", None), True),
        ("9 Elm St, Ft. Worth", Address("9 Elm St", "Fort Worth", "TX", "76101"), True),
        ("9 Elm St, 00501", Address("9 Elm St", "Holtsville", "NY", "00501"), True),
        ("9 Elm St, 501", Address("9 Elm St", "Holtsville", "NY", "00501"), False),
        ("9 Elm St, Holtsville", Address("9 Elm St", "Holtsville", "NY", "501"), True),
    ],
)
def test_the_zip_decides_and_without_it_the_city(said: str, on_record: Address, *, same: bool) -> None:
    assert same_address(said, on_record) is same


@pytest.mark.parametrize(
    "unusable",
    [
        *(in_hollow(line) for line in (None, "", " ", "Oak St", "Unknown", "123 Unknown", "0 Oak St", "0000", "12")),
        *(in_hollow(line) for line in ("General Delivery", "homeless", "\0", "\ud800", "1 " + "x" * LONGEST_TEXT)),
        Address("12 Oak St", None, "TX", None),
        Address("12 Oak St", "", "TX", "7869"),
        Address("12 Oak St", " - ", "TX", "00000"),
    ],
)
def test_an_address_that_cannot_answer_the_question_matches_nothing(unusable: Address) -> None:
    assert not is_usable_address(unusable)
    assert not same_address(f"{unusable.street}, {unusable.city}, TX {unusable.postal_code}", unusable)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("said", "on_record", "if_optional", "if_needed"),
    [
        ("Maria Delgado", "Maria / Delgado", True, True),
        ("Delgado Maria", "Maria / Delgado", False, False),
        ("Maria, Delgado", "Maria / Delgado", False, False),
        ("Delgado,Maria", "Maria / Delgado", True, True),
        ("Maria", "Maria / Delgado", False, False),
        ("MariaDelgado", "Maria / Delgado", False, False),
        (", Maria Delgado,", "Maria / Delgado", True, True),
        ("Delgado, Maria, Elena", "Maria / Elena / Delgado", False, False),
        ("Maria Elena Rosa Delgado", "Maria / Elena / Delgado", False, False),
        ("Elena Delgado", "Maria / Elena / Delgado", False, False),
        ("Maryann Okafor", "Mary / Ann / Okafor", True, True),
        ("Okafor, Mary-Ann", "Mary / Ann / Okafor", True, True),
        ("Ana Maria Garcia Lopez", "Ana / María / García López", True, True),
        ("Ana Lopez", "Ana / García-López", False, False),
        ("Ana GarciaLopez", "Ana / García-López", True, True),
        ("Dr. Sean O'Brien", "Seán / O’Brien", True, True),
        ("Mr. Dr. Sean O'Brien", "Seán / O’Brien", True, True),
        ("Obrien, Mr Sean", "Seán / O’Brien", True, True),
        ("Mrs. Delgado", "Maria / Delgado", False, False),
        ("Mr. Delgado", "Mr / Delgado", True, True),
        ("Robert Hale Jr.", "Robert / / Hale / Jr", True, True),
        ("Robert Hale, Junior", "Robert / / Hale / Jr", True, True),
        ("Hale, Robert, Jr.", "Robert / / Hale / Jr", True, True),
        ("Hale, Robert Jr.", "Robert / / Hale / Jr", True, True),
        ("Hale Jr., Robert", "Robert / / Hale / Jr", True, True),
        ("Robert Hale the Second", "Robert / / Hale / II", False, False),
        ("Robert Hale Second", "Robert / / Hale / II", True, True),
        ("Robert Hale V", "Robert / / Hale / V", True, True),
        ("Robert Hale", "Robert / / Hale / Jr", True, False),
        ("Robert Hale Jr", "Robert / Hale", True, False),
        ("Robert Hale III", "Robert / / Hale / Jr", False, False),
        ("Hale, Robert, Sr.", "Robert / / Hale / Jr", False, False),
        ("Robert Hale Jr", "Robert / Hale Jr", True, True),
        ("Suharto", " / Suharto", True, True),
        ("Suharto", "Suharto / ", True, True),
        ("Mr Suharto", " / Suharto", True, True),
        ("", "Maria / Delgado", False, False),
        (" , ", "Maria / Delgado", False, False),
        ("-", " / ", False, False),
        ("Maria " * 40 + "Delgado", "Maria / Delgado", False, False),
    ],
)
def test_a_full_name_as_it_is_said(said: str, on_record: str, *, if_optional: bool, if_needed: bool) -> None:
    assert same_full_name(said, name(on_record), suffix_needed=False) is if_optional
    assert same_full_name(said, name(on_record), suffix_needed=True) is if_needed


# ---------------------------------------------------------------- telephones and student numbers


@pytest.mark.parametrize(
    "said", ["(737) 555-0101", "7375550101", "1-737-555-0101", "737.555.0101 x9", "７３７５５５０１０１"]
)
def test_spellings_of_one_telephone_number(said: str) -> None:
    assert is_usable_phone(said)
    assert same_phone(said, "(737) 555-0101")
    assert same_phone("(737) 555-0101", said)


@pytest.mark.parametrize(
    "said",
    ["5550101", "737 555 010", "737 555 01011", "+52 737 555 0101", "737-555-JOBS", "737 555 0101 737 555 0102",
     "2 737 555 0101", "", "x9", "\0", "none", "1" * 300],
)  # fmt: skip
def test_what_is_not_ten_national_digits_is_unusable_and_matches_nothing(said: str) -> None:
    assert not is_usable_phone(said)
    assert not same_phone(said, said)
    assert not same_phone(said, "(737) 555-0101")


@pytest.mark.parametrize("filler", [None, "", "0000000000", "(000) 000-0000", "9999999999", "555-0100", "1234567890"])
def test_a_number_that_only_fills_the_field_cannot_be_asked_for(filler: str | None) -> None:
    assert not is_usable_phone(filler)
    assert not same_phone(filler or "", filler)


@pytest.mark.parametrize(
    ("said", "on_record", "exact", "by_short_form"),
    [
        ("1234567", "1234567", True, True),
        (" 0001234 ", "0001234", True, True),
        ("1234", "0001234", False, True),
        ("0001234", "1234", False, True),
        ("a-12", "A-12", True, True),
        ("A12", "A-12", False, False),
        ("12345", "123456", False, False),
        ("10", "1", False, False),
        ("0", "0", False, False),
        ("000", "0", False, False),
        ("", "", False, False),
        ("", "1234", False, False),
    ],
)
def test_leading_zeros_of_a_student_number(said: str, on_record: str, *, exact: bool, by_short_form: bool) -> None:
    assert same_student_number(said, on_record, short_form_is_unique=False) is exact
    assert same_student_number(said, on_record, short_form_is_unique=True) is by_short_form


# ---------------------------------------------------------------- what holds for all answers

STREET_NAMES = st.sampled_from(
    ["Main St", "N Oak Ave", "Jessica Crossroad", "St Marys St", "5th St NW", "FM 1431", "Avenue B", "MLK Jr Blvd"]
)
UNITS = st.sampled_from(["", " Apt {}", " #{}", " Suite {}", " Lot {}", " Bldg 2 Apt {}"])
NUMBERS = st.integers(1, 99_999)
RECORDS = st.builds(
    lambda number, name, unit, flat, code: Address(
        f"{number} {name}{unit.format(flat)}", "Cedar Hollow", "TX", f"{code:05}"
    ),
    *(NUMBERS, STREET_NAMES, UNITS, NUMBERS, NUMBERS),
)
#: Lines of few words, so that two of them are often one.
FEW_WORDS = st.sampled_from(
    ["N", "North", "St", "Saint", "Street", "Ave", "Mary", "5th", "Fifth", "Apt", "#", "4", "B"]
)
LINES = st.lists(FEW_WORDS, max_size=5).map(lambda parts: " ".join(["12", *parts, "Oak"]))
PHONES = st.from_regex(r"\A[2-9][0-9]{2}[2-9][0-9]{6}\Z").filter(lambda digits: len(set(digits)) > 1)


def written(on_record: Address) -> str:
    return f"{on_record.street}, {on_record.city}, {on_record.state} {on_record.postal_code}"


def one_digit_changed(text: str, at: int) -> str:
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


@given(ANY_TEXT | ADDRESS_LIKE, ANY_TEXT | ADDRESS_LIKE, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_raises(said: str, line: str, city: str, state: str, postal_code: str) -> None:
    record = Address(line, city, state, postal_code)
    for text in (said, line, written(record), said * 500):
        for on_record in (record, in_hollow(line), Address(line, None, None, "78699"), in_hollow("12 Oak St")):
            assert isinstance(same_address(text, on_record), bool)
        assert isinstance(same_full_name(text, Name(given=line, family=city), suffix_needed=True), bool)
        assert isinstance(same_phone(text, line), bool)
        assert isinstance(same_student_number(text, line, short_form_is_unique=True), bool)


@given(ADDRESS_LIKE)
def test_a_usable_line_is_its_own_whatever_its_case_and_blanks(line: str) -> None:
    record = in_hollow(line)
    assume(is_usable_address(record))
    for said in (line, line.upper(), line.title(), line.replace(" ", "  "), line.replace(" ", "\u00a0")):
        assert same_address(f"{said}, Cedar Hollow, TX 78699", record)


@given(RECORDS)
def test_a_record_read_back_matches_itself(record: Address) -> None:
    assert is_usable_address(record)
    said = written(record)
    for spelling in (said, said.upper(), said.lower(), said.replace(",", ""), said.replace(" ", "  "), f"{said}."):
        assert same_address(spelling, record), spelling


@given(RECORDS, st.data())
def test_an_address_with_one_digit_changed_never_matches(record: Address, data: st.DataObject) -> None:
    said = written(record)
    at = data.draw(st.sampled_from([m.start() for m in re.finditer("[0-9]", said)]))
    assert not same_address(one_digit_changed(said, at), record)


@given(LINES, LINES)
def test_it_does_not_matter_which_line_is_on_record(one: str, other: str) -> None:
    there = same_address(f"{one}, 78699", in_hollow(other))
    assert there is same_address(f"{other}, 78699", in_hollow(one))
    assert there is (street(words(one)) == street(words(other)))


@given(PHONES, st.integers(0, 9))
def test_a_phone_with_one_digit_changed_never_matches(digits: str, at: int) -> None:
    dressed = f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
    assert same_phone(dressed, digits) is True
    assert same_phone(dressed, one_digit_changed(digits, at)) is False


@given(NAMES, st.booleans())
def test_a_name_read_back_matches_itself(who: Name, suffix_needed: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    assume(all(folded(part) for part in (who.given, who.family)))
    assume(not who.middle or folded(who.middle))
    assume(folded_suffix(who.suffix) != "esq")  # which only stands in a field of its own
    parts = [part for part in (who.given, who.middle, who.family, who.suffix) if part]
    assert same_full_name(" ".join(parts), who, suffix_needed=suffix_needed)
    assert same_full_name("  ".join(parts).upper(), who, suffix_needed=suffix_needed) or "ı" in "".join(parts)


def test_nothing_that_was_said_is_logged_or_printed(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for one, other in pairwise(
        [*(line for same, others in STREETS.values() for line in same + others), "512 555 0143"]
    ):
        same_address(f"{one}, 78699", in_hollow(other))
        same_phone(one, other)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
