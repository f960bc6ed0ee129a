"""Opens what the student information system handed over, a folder or a zip of CSV files, and reads it row by row."""

import csv
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from db.roster.problems import Problems

MANIFEST = "manifest.csv"

#: A district of 100,000 students hands over some 150 MB; what is far beyond that is a mistake or an attack.
LARGEST_SET = 2 * 1024**3
LARGEST_LINE = 1024**2
MOST_FILES = 1000
#: Rosters shrink ten- to thirtyfold in a zip; what unpacks to far more than that was made to fill a disk.
LARGEST_RATIO = 200
_RATIO_MATTERS_FROM = 50 * 1024**2

_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
)


class _Unreadable(Exception):
    """A file cannot be read any further; the arguments are code, what is wrong, what to do."""

    def __init__(self, code: str, what: str, to_do: str) -> None:
        super().__init__(code)
        self.code, self.what, self.to_do = code, what, to_do


class _Source(Protocol):
    """A folder or a zip: names of files, and their bytes as a stream."""

    def names(self) -> Sequence[str]: ...

    def open(self, name: str) -> BinaryIO: ...


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path

    def names(self) -> Sequence[str]:
        return sorted(entry.name for entry in self.path.iterdir() if entry.is_file())

    def open(self, name: str) -> BinaryIO:
        return (self.path / name).open("rb")


@dataclass(frozen=True, slots=True)
class _Zip:
    archive: zipfile.ZipFile
    folder: str

    def names(self) -> Sequence[str]:
        members = (PurePosixPath(info.filename) for info in self.archive.infolist() if not info.is_dir())
        return sorted(member.name for member in members if str(member.parent) == self.folder)

    def open(self, name: str) -> BinaryIO:
        member = name if self.folder == "." else f"{self.folder}/{name}"
        return io.BufferedReader(self.archive.open(member))  # type: ignore[type-var]  # ZipExtFile reads like a raw file


class RosterSet:
    """An opened set. Files are asked for by the standard's name (`users.csv`), whatever the case in the set."""

    def __init__(self, source: _Source, problems: Problems) -> None:
        self.problems = problems
        self._source = source
        self._bytes_left = LARGEST_SET
        self._names: dict[str, str] = {}
        self._asked: set[str] = {MANIFEST}
        #: Files that could not be read to their end: nothing can be said of what refers to them.
        self.broken: set[str] = set()
        self._read_rows = 0
        self._columns: dict[str, frozenset[str]] = {}
        for name in source.names():
            if name.lower() in self._names:
                problems.error("file-twice", name, "The set has this file twice.", "Leave one of them in the set.")
            self._names[name.lower()] = name

    def has(self, file: str) -> bool:
        """Whether the set has this file."""
        return file.lower() in self._names

    def leave_out(self, file: str) -> None:
        """Takes no notice of a file that is there."""
        self._names.pop(file.lower(), None)

    def read_over(self) -> tuple[str, ...]:
        """The files in the set that nobody asked for, by name."""
        asked = {name.lower() for name in self._asked}
        return tuple(sorted(name for lower, name in self._names.items() if lower not in asked))

    def columns(self, file: str) -> frozenset[str]:
        """The columns in the header of a file that was read, in lower case."""
        return self._columns.get(file, frozenset())

    def rows(
        self, file: str, *, needed: Sequence[str], welcome: Sequence[str] = ()
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows of a file as the spreadsheet's row number and trimmed cells by the standard's column names.

        A blank or absent file has no rows. A `needed` column that is not in the header is a problem and there are no
        rows then; a `welcome` one reads as blank. Whatever else is wrong with the file becomes a problem, and the rows
        end there.
        """
        self._asked.add(file)
        name = self._names.get(file.lower())
        if name is None:
            return
        self._read_rows = 0
        try:
            with self._source.open(name) as stream:
                yield from self._records(file, stream, needed, welcome)
        except _Unreadable as fault:
            self._break(file, fault)
        except UnicodeDecodeError:
            self._break(file, _NOT_UTF8)
        except csv.Error as fault:
            what = f"The row is not well-formed CSV ({fault})."
            self._break(file, _Unreadable("not-csv", what, "Export the file again; quotes must be closed."))
        except _ZIP_FAULTS:
            what = "The file cannot be read to its end; the set is damaged or was cut off."
            self._break(file, _Unreadable("damaged", what, "Hand the set over again."))

    def _break(self, file: str, fault: _Unreadable) -> None:
        self.broken.add(file)
        self.problems.error(fault.code, file, fault.what, fault.to_do, row=self._read_rows + 1)

    def _records(
        self, file: str, stream: BinaryIO, needed: Sequence[str], welcome: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, str]]]:
        places: list[tuple[str, int | None]] | None = None
        width = 0
        for number, record in enumerate(csv.reader(self._lines(stream), strict=True), start=1):
            self._read_rows = number
            if not any(record):  # a blank line, or one of commas only: a spreadsheet shows it, and it says nothing
                continue
            if places is None:
                places = self._places(file, record, needed, welcome)
                width = len(record)
                if places is None:
                    return
                continue
            if len(record) != width and (len(record) < width or any(record[width:])):
                self.problems.error(
                    "row-length",
                    file,
                    f"The row has {len(record)} cells and the header has {width}.",
                    "Look for a missing or unquoted comma, or for a file that was cut off.",
                    row=number,
                )
                continue
            yield number, {column: "" if at is None else record[at].strip() for column, at in places}

    def _places(
        self, file: str, header: Sequence[str], needed: Sequence[str], welcome: Sequence[str]
    ) -> list[tuple[str, int | None]] | None:
        """Where each column stands; None when a needed one is absent or one stands there twice."""
        found: dict[str, list[int]] = {}
        for at, title in enumerate(header):
            found.setdefault(title.strip().lower(), []).append(at)
        self._columns[file] = frozenset(found)
        whole = True
        places: list[tuple[str, int | None]] = []
        for column in (*needed, *welcome):
            standing = found.get(column.lower(), [])
            places.append((column, standing[0] if standing else None))
            if len(standing) > 1:
                what = "The header has this column twice."
                self.problems.error("column-twice", file, what, "Leave one of them.", row=1, column=column)
                whole = False
            elif not standing and column in needed:
                what = "The header does not have this column."
                to_do = "Export the file with all columns that OneRoster names."
                self.problems.error("column-missing", file, what, to_do, row=1, column=column)
                whole = False
        if whole:
            return places
        self.broken.add(file)
        return None

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        first = True
        while line := stream.readline(LARGEST_LINE + 1):
            self._bytes_left -= len(line)
            if self._bytes_left < 0:
                raise _Unreadable("too-large", "The set is larger than any roster.", "Look at what was exported.")
            if len(line) > LARGEST_LINE:
                raise _Unreadable("line-too-long", "A line is longer than a million characters.", "Export it again.")
            if first:
                first = False
                if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise _NOT_UTF8
                line = line.removeprefix(b"\xef\xbb\xbf")
            if b"\0" in line:
                raise _Unreadable("not-text", "The row has a zero byte: this is not text.", "Export the file again.")
            yield line.decode("utf-8")


_NOT_UTF8 = _Unreadable("not-utf8", "The text is not UTF-8.", "Export the set as UTF-8, as OneRoster asks.")


@contextmanager
def open_set(path: Path, problems: Problems) -> Iterator[RosterSet | None]:
    """Opens a folder or a zip with `manifest.csv`; None when there is nothing to read, and the problems say why."""
    with ExitStack() as open_files:
        yield _opened(path, problems, open_files)


def _opened(path: Path, problems: Problems, open_files: ExitStack) -> RosterSet | None:
    try:
        if path.is_dir():
            return _with_manifest(path.name, _Folder(path), problems)
        if not path.exists():
            problems.error("not-found", path.name, "There is no such folder or file.", "Give the path of the set.")
            return None
        archive = open_files.enter_context(zipfile.ZipFile(path))
        folder = _folder_in(path.name, archive, problems)
        return None if folder is None else _with_manifest(path.name, _Zip(archive, folder), problems)
    except _ZIP_FAULTS:
        what = "This is neither a folder that can be read nor a zip file."
        problems.error("not-a-set", path.name, what, "Give a folder or a zip with manifest.csv in it.")
        return None


def _with_manifest(name: str, source: _Source, problems: Problems) -> RosterSet | None:
    opened = RosterSet(source, problems)
    if opened.has(MANIFEST):
        return opened
    to_do = "Give the folder or zip that the student information system exported, with its manifest.csv."
    problems.error("no-manifest", name, "There is no manifest.csv here: this is not a OneRoster set.", to_do)
    return None


def _folder_in(name: str, archive: zipfile.ZipFile, problems: Problems) -> str | None:
    """The folder in the zip that holds the set ("." for none); None when the zip cannot be trusted.

    Nothing is ever unpacked to disk; names that lead out of a folder are refused all the same, because no student
    information system writes them.
    """
    members = archive.infolist()
    if len(members) > MOST_FILES:
        problems.error("too-many-files", name, f"The zip has {len(members)} files.", "Hand over the set alone.")
        return None
    for info in members:
        path = PurePosixPath(info.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in info.filename or ":" in info.filename:
            what = "The zip has a file whose name leads out of its folder."
            problems.error("unsafe-name", name, what, "Do not use this zip; ask where it came from.")
            return None
        if info.flag_bits & 0x1:
            problems.error("encrypted", name, "The zip is locked with a password.", "Hand it over without one.")
            return None
    unpacked, packed = sum(info.file_size for info in members), sum(info.compress_size for info in members)
    if unpacked > LARGEST_SET or (unpacked > _RATIO_MATTERS_FROM and unpacked > LARGEST_RATIO * packed):
        what = "The zip unpacks to more than any roster."
        problems.error("too-large", name, what, "Do not use this zip; ask where it came from.")
        return None
    folders = {
        str(path.parent)
        for path in (PurePosixPath(info.filename) for info in members)
        if path.name.lower() == MANIFEST and path.parts[0] != "__MACOSX"
    }
    if len(folders) > 1:
        problems.error("several-sets", name, "The zip has more than one manifest.csv.", "Hand over one set at a time.")
        return None
    return folders.pop() if folders else "."
