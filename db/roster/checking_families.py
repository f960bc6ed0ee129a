"""Checks who belongs to whom in a roster set: households, their members, and guardianships with their flags."""

from dataclasses import replace
from datetime import date

from db.context import Capacity
from db.roster.checking_people import USERS, Said
from db.roster.gathering import Gathering
from db.roster.lines import Line
from db.roster.records import Guardianship, Household, Member

HOUSEHOLDS, MEMBERS, RELATIONSHIPS = "households.csv", "householdMembers.csv", "relationships.csv"


def check_households(gathering: Gathering) -> None:
    """Reads households and who lives in them, when."""
    silences = {
        "streetAddress": "household.street",
        "city": "household.city",
        "state": "household.state",
        "postalCode": "household.postal_code",
        "phone": "household.phone",
    }
    for source_id, line in gathering.entries(HOUSEHOLDS, needed=("name",), welcome=tuple(silences), silences=silences):
        name = line.needed("name")
        if name:
            gathering.result.households[source_id] = Household(
                source_id,
                name,
                line.text("streetAddress"),
                line.text("city"),
                line.text("state"),
                line.text("postalCode"),
                line.text("phone"),
            )
    first_rows: dict[tuple[str, str, date | None], int] = {}
    for line in gathering.lines(
        MEMBERS, needed=("householdSourcedId", "userSourcedId"), welcome=("secondary", "beginDate", "endDate")
    ):
        household = gathering.refers(line, "householdSourcedId", HOUSEHOLDS)
        person = gathering.refers(line, "userSourcedId", USERS)
        begins_on, ends_on = line.days("beginDate", "endDate")
        is_secondary = line.flag("secondary") or False
        if household is None or person is None:
            continue
        first = first_rows.setdefault((household, person, begins_on), line.row)
        if first != line.row:
            _twice(line, "userSourcedId", "This person is in this household", first)
            continue
        gathering.result.members.append(Member(household, person, is_secondary, begins_on, ends_on))


def _twice(line: Line, column: str, who: str, first: int) -> None:
    what = f"{who} by row {first} too."
    line.error("duplicate-row", column, what, "Leave one of the two rows.")


def check_guardianships(gathering: Gathering, said: Said) -> None:
    """Reads the relationships, then adds what only the people's agents say.

    Where both speak of one guardian and one student, the relationship counts: it says more.
    """
    found: dict[tuple[str, str], int] = {}
    for line in gathering.lines(
        RELATIONSHIPS,
        needed=("studentSourcedId", "contactSourcedId"),
        welcome=("relation", "legalGuardian", "portal", "livesWith", "restricted", "beginDate", "endDate"),
    ):
        _check_relationship(gathering, said, line, found)
    people = gathering.result.people
    for user, agent, line in said.agents:
        if gathering.known(line, "agentSourcedIds", USERS, agent) is None or user not in people or agent not in people:
            continue
        for student, guardian in ((user, agent), (agent, user)):
            # An agent may be a teacher or another student: that makes nobody a guardian.
            of_student, of_guardian = people[student].capacities, people[guardian].capacities
            is_pair = Capacity.STUDENT in of_student and Capacity.GUARDIAN in of_guardian
            if is_pair and student != guardian and (student, guardian) not in found:
                found[student, guardian] = line.row
                relationship = said.roles.get(guardian, "guardian")
                gathering.result.guardianships.append(
                    Guardianship(guardian, student, relationship, None, None, None, False, None, None)
                )


def _check_relationship(gathering: Gathering, said: Said, line: Line, found: dict[tuple[str, str], int]) -> None:
    student = gathering.refers(line, "studentSourcedId", USERS)
    guardian = gathering.refers(line, "contactSourcedId", USERS)
    begins_on, ends_on = line.days("beginDate", "endDate")
    legal_guardian, portal, lives_with = line.flag("legalGuardian"), line.flag("portal"), line.flag("livesWith")
    restricted = line.flag("restricted") or False
    relation = line.text("relation")
    people = gathering.result.people
    if student is None or guardian is None or student not in people or guardian not in people:
        return
    if student == guardian:
        line.error("own-guardian", "contactSourcedId", "Student and contact are one person.", "Correct one of them.")
        return
    if Capacity.STUDENT not in people[student].capacities:
        if people[student].capacities:  # else the role itself is wrong, and that was told
            line.error("not-a-student", "studentSourcedId", "This person is not a student.", "Are the columns swapped?")
        return
    first = found.setdefault((student, guardian), line.row)
    if first != line.row:
        _twice(line, "contactSourcedId", "This student and this contact are tied together", first)
        return
    if not _may_be_guardian(gathering, line, guardian, legal_guardian=legal_guardian):
        return
    if not restricted and ((ends_on and ends_on < gathering.today) or (begins_on and begins_on > gathering.today)):
        what = "The relationship does not hold today, so it gives nobody sight of the student."
        line.warning("not-in-force", "beginDate", what, "Correct the dates if it does hold.")
        legal_guardian, portal = False, False
    gathering.result.guardianships.append(
        Guardianship(
            guardian,
            student,
            relation or said.roles.get(guardian, "guardian"),
            legal_guardian,
            portal,
            lives_with,
            restricted,
            begins_on if restricted else None,
            ends_on if restricted else None,
        )
    )


def _may_be_guardian(gathering: Gathering, line: Line, guardian: str, *, legal_guardian: bool | None) -> bool:
    """A contact who is in the set as staff or as a student is a guardian only when the row says so in so many words:
    a member of staff with a child at school then has two capacities."""
    person = gathering.result.people[guardian]
    if Capacity.GUARDIAN in person.capacities:
        return True
    if not legal_guardian:
        what = "The contact is in the set as staff or student, and not as legal guardian: no guardianship was made."
        line.warning("not-a-guardian", "contactSourcedId", what, "Write true in legalGuardian if it is one.")
        return False
    gathering.result.people[guardian] = replace(person, capacities=person.capacities | {Capacity.GUARDIAN})
    return True
