"""Small roster sets of a test's own: a good one to begin with, rows as dicts, written as a folder or a zip."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from db import sql
from db.roster.checking import Checked, check
from db.roster.gathering import SharedNumbers
from db.roster.problems import Severity

#: The day on which the sets are read: that of the tests' clock.
TODAY = date(2026, 10, 5)

Rows = list[dict[str, str]]

HEADERS: dict[str, str] = {
    "manifest.csv": "propertyName,value",
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,"
    "familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,metadata.ssn,metadata.suffix,"
    "metadata.preferredName",
    "demographics.csv": "sourcedId,status,dateLastModified,birthDate,sex",
    "courses.csv": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,orgSourcedId",
    "classes.csv": "sourcedId,status,dateLastModified,title,courseSourcedId,classCode,classType,schoolSourcedId,"
    "termSourcedIds",
    "enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
    "categories.csv": "sourcedId,status,dateLastModified,title",
    "lineItems.csv": "sourcedId,status,dateLastModified,title,assignDate,dueDate,classSourcedId,categorySourcedId,"
    "gradingPeriodSourcedId,resultValueMin,resultValueMax",
    "results.csv": "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,"
    "comment",
    "households.csv": "sourcedId,name,streetAddress,city,state,postalCode,phone",
    "householdMembers.csv": "householdSourcedId,userSourcedId,secondary,beginDate,endDate",
    "relationships.csv": "studentSourcedId,contactSourcedId,relation,legalGuardian,portal,livesWith,restricted,"
    "beginDate,endDate",
    "attendance.csv": "sourcedId,studentSourcedId,schoolSourcedId,date,category,reason",
}

ANA_SSN, BEN_SSN = "512-44-7310", "449071268"

_ROWS: dict[str, str] = {
    "manifest.csv": "manifest.version,1.0|oneroster.version,1.1|file.orgs,bulk|file.users,bulk|file.resources,absent",
    "orgs.csv": """d,active,,Lakeside District,district,1,
        |n,active,,North School,school,2,d|m,active,,Mill School,school,3,d""",
    "academicSessions.csv": "y,active,,2026-2027,schoolYear,2026-08-17,2027-06-04,,2027",
    # Ana's parents are Rosa and Hugo; Ben's is Nell, of whom nobody has said anything; Tom teaches.
    "users.csv": f"""ana,active,,true,n,student,,,Ana,Lund,Maria,0042,,,,"rosa,tom",03,,{ANA_SSN},,
        |ben,active,,true,m,student,,,Ben,Ody,,77,ben@example.org,,,,08,,{BEN_SSN},Jr.,Benny
        |cal,active,,true,"n,m",student,,,Cal,Lund,,0099,,,,,05,,000000000,,
        |rosa,active,,true,n,parent,,,Rosa,Lund,,,Rosa@Example.org,,,,,,,,
        |hugo,active,,true,n,guardian,,,Hugo,Lund,,,,,,,,,,,
        |nell,active,,true,m,relative,,,Nell,Ody,,,,,,ben,,,,,
        |tom,active,,true,n,teacher,,,Tom,Reed,,,tom@example.org,,,,,,,,""",
    "demographics.csv": "ana,active,,2017-03-04,female|ben,active,,2012-11-30,male|cal,active,,2015-01-09,male",
    "courses.csv": "c1,active,,y,Reading,R1,d",
    "classes.csv": "k1,active,,Reading 3,c1,R1-1,scheduled,n,y",
    "enrollments.csv": "e1,active,,k1,n,ana,student,,2026-08-17,|e2,active,,k1,n,tom,teacher,,2026-08-17,",
    "categories.csv": "q,active,,Quizzes",
    "lineItems.csv": "l1,active,,Quiz 1,2026-09-01,2026-09-08,k1,q,y,0,100",
    "results.csv": "r1,active,,l1,ana,fully graded,93.50,,",
    "households.csv": "h1,Lund,12 Oak St,Lakeside,TX,78699,(512) 555-0101|h2,Ody,PO Box 9,Lakeside,TX,78699,",
    "householdMembers.csv": "h1,ana,false,,|h1,rosa,false,,|h1,cal,,,|h2,ben,false,2026-01-01,|h2,nell,false,,",
    "relationships.csv": """ana,rosa,mother,true,true,true,,,|ana,hugo,father,true,true,false,true,2026-09-01,
        |cal,rosa,mother,true,,true,false,,""",
    "attendance.csv": "a1,ana,n,2026-09-03,Tardy,Late bus|a2,ben,m,2026-09-04,Excused Absence,",
}


class RosterFiles:
    """A set that is not written yet. `rows` may be changed, `raw` overrides a file's bytes, `columns` its header."""

    def __init__(self) -> None:
        self.columns = {file: header.split(",") for file, header in HEADERS.items()}
        self.rows: dict[str, Rows] = {}
        self.raw: dict[str, bytes] = {}
        for file, text in _ROWS.items():
            records = csv.reader(line.strip() for line in text.split("|"))
            self.rows[file] = [dict(zip(self.columns[file], record, strict=True)) for record in records]

    def row(self, file: str, number: int) -> dict[str, str]:
        """A row by the number that a spreadsheet shows."""
        return self.rows[file][number - 2]

    def user(self, source_id: str) -> dict[str, str]:
        """A row of users.csv."""
        return next(row for row in self.rows["users.csv"] if row["sourcedId"] == source_id)

    def tie(self, student: str, contact: str) -> dict[str, str]:
        """A row of relationships.csv."""
        rows = self.rows["relationships.csv"]
        return next(row for row in rows if (row["studentSourcedId"], row["contactSourcedId"]) == (student, contact))

    def add(self, file: str, **cells: str) -> dict[str, str]:
        """One more row; what is not named stays blank."""
        row = {column: cells.get(column, "") for column in self.columns[file]}
        self.rows[file].append(row)
        return row

    def remove(self, file: str) -> None:
        """Leaves a file out of the set."""
        del self.rows[file], self.columns[file]

    def drop_column(self, file: str, column: str) -> None:
        """Leaves a column out of a file."""
        self.columns[file].remove(column)

    def contents(self) -> dict[str, bytes]:
        """The bytes of every file."""
        written = {}
        for file, rows in self.rows.items():
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, self.columns[file], extrasaction="ignore", lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)
            written[file] = text.getvalue().encode()
        return {**written, **self.raw}

    def folder(self, path: Path) -> Path:
        """Writes the set as a folder."""
        path.mkdir(parents=True, exist_ok=True)
        for old in path.iterdir():
            old.unlink()
        for file, content in self.contents().items():
            (path / file).write_bytes(content)
        return path

    def zip(self, path: Path, *, under: str = "") -> Path:
        """Writes the set as a zip, in a folder of it when `under` says so."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in self.contents().items():
                archive.writestr(under + file, content)
        return path


def one_roster_1_2() -> RosterFiles:
    """The same district as a 1.2 set: roles and organisations stand in a file of their own."""
    files = RosterFiles()
    files.row("manifest.csv", 3)["value"] = "1.2"
    header = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId"
    files.columns["roles.csv"] = [*header.split(","), "userProfileSourcedId"]
    files.rows["roles.csv"] = []
    for user in files.rows["users.csv"]:
        for org in user["orgSourcedIds"].split(","):
            named = {"userSourcedId": user["sourcedId"], "role": user["role"], "orgSourcedId": org}
            files.add("roles.csv", sourcedId=f"{user['sourcedId']}-{org}", roleType="primary", **named)
    files.drop_column("users.csv", "role")
    files.drop_column("users.csv", "orgSourcedIds")
    return files


#: Makes a good set bad; what it returns does not matter.
Spoil = Callable[[RosterFiles], object]


def checked(files: RosterFiles, folder: Path, shared_numbers: SharedNumbers = "refuse") -> Checked:
    """Writes the set and reads it."""
    return check(files.folder(folder / "set"), today=TODAY, shared_numbers=shared_numbers)


def errors(found: Checked) -> list[tuple[str, str, int | None, str | None]]:
    """Code, file, row and column of all errors."""
    return [(one.code, one.file, one.row, one.column) for one in found.problems if one.severity is Severity.ERROR]


async def dump(*, trail: bool = False) -> dict[str, list[str]]:
    """Every row of every table as text, with its place and the transaction that wrote it: an update that changes
    nothing shows too. The trail grows with every import, refused ones too, and is left out unless asked for."""
    tables = await sql.rows(
        "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    found = {}
    for name in (table["name"] for table in tables):
        if not name.startswith("trail_") or trail:
            rows = await sql.rows(
                f"SELECT t.ctid::text || ' ' || t.xmin::text || ' ' || t::text AS told FROM {name} t ORDER BY ctid"
            )
            found[name] = [row["told"] for row in rows]
    return found
