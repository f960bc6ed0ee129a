"""The list of contents of a roster set: which OneRoster it is, and which files it is meant to have."""

from collections.abc import Mapping

from db.roster.problems import Problems, shown
from db.roster.reading import MANIFEST, RosterSet

_VERSIONS = frozenset({"1.1", "1.2"})
_FILE = "file."
#: What the standard knows of a file in a set.
_MODES = frozenset({"bulk", "delta", "absent"})


def check_manifest(opened: RosterSet, problems: Problems) -> None:
    """Compares the manifest with what is there, and takes files that it calls absent out of account.

    Files that it does not mention are read when their names are known: the files that this district's roster adds to
    OneRoster have no line in a manifest.
    """
    lines: dict[str, tuple[int, str]] = {}
    for row, cells in opened.rows(MANIFEST, needed=("propertyName", "value")):
        lines[cells["propertyName"].lower()] = (row, cells["value"])
    if MANIFEST in opened.broken:
        return
    _check_version(lines, problems)
    for name, (row, mode) in lines.items():
        if not name.startswith(_FILE):
            continue
        file = f"{name.removeprefix(_FILE)}.csv"
        match mode.lower():
            case "bulk" if not opened.has(file):
                what = f"The manifest promises {file}, and the set does not have it."
                problems.error("file-missing", MANIFEST, what, "Hand the whole set over.", row=row, column="value")
            case "absent" if opened.has(file):
                what = f"The manifest calls {file} absent, and the set has it. It was not read."
                problems.warning("file-unannounced", MANIFEST, what, "Correct the manifest.", row=row, column="value")
                opened.leave_out(file)
            case "delta":
                what = f"{file} has changes only; an import needs the whole set."
                problems.error("delta", MANIFEST, what, "Export the set in bulk.", row=row, column="value")
            case other if other not in _MODES:
                what = f"{shown(mode)} is none of bulk, delta and absent."
                problems.error("bad-manifest", MANIFEST, what, "Correct the manifest.", row=row, column="value")


def _check_version(lines: Mapping[str, tuple[int, str]], problems: Problems) -> None:
    row, version = lines.get("oneroster.version", (None, ""))
    if version in _VERSIONS:
        return
    what = f"oneroster.version is {shown(version)}." if version else "There is no oneroster.version in it."
    to_do = "Export the set as OneRoster 1.1 or 1.2 CSV."
    problems.error("bad-version", MANIFEST, what, to_do, row=row, column="value")
