"""The parts of a workbook that are the same in every report: how its cells look, its sheets, what is where."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

#: The looks of cells, by their places among `cellXfs` below.
HEADING, DATE, MOMENT, TEXT, TEXT_LIKE_A_FORMULA = 1, 2, 3, 4, 5
#: What a heading has room for beside its letters: the button of the filter.
FEW_LETTERS: Final = 6

_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# Text has the number format `@`, so that it stays text when somebody edits the cell; `quotePrefix` is Excel's own
# apostrophe for what else would become a formula then.
_STYLES: Final = f"""{_XML}<styleSheet xmlns="{_MAIN}">
<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>\
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>\
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""
_RELATIONS: Final = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)


@dataclass(slots=True)
class Sheet:
    """A sheet under way: which one, the letters of its last column, and how many rows it has so far."""

    number: int
    last_column: str
    rows: int = 0

    @property
    def part(self) -> str:
        """Its place in the file."""
        return f"xl/worksheets/sheet{self.number}.xml"

    @property
    def name(self) -> str:
        """What its tab says."""
        return "Report" if self.number == 1 else f"Report {self.number}"

    def beginning(self, widths: Iterable[int]) -> str:
        """What comes before the rows: the first of them stays in sight; the widths of the columns, in characters."""
        chosen = "".join(
            f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>'
            for place, width in enumerate(widths, start=1)
        )
        selected = ' tabSelected="1"' if self.number == 1 else ""
        return (
            f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView{selected} workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            f"</sheetView></sheetViews><cols>{chosen}</cols><sheetData>"
        )

    def end(self) -> str:
        """What comes after them: the filter, and no green corners at numbers that are written as text on purpose."""
        area = f"A1:{self.last_column}{self.rows}"
        return (
            f'</sheetData><autoFilter ref="{area}"/>'
            f'<ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
        )


def other_parts(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    """All parts but the sheets: where each one is in the file, and what is in it."""
    yield "xl/styles.xml", _STYLES
    yield "xl/workbook.xml", _workbook(sheets)
    yield "xl/_rels/workbook.xml.rels", _workbook_relations(sheets)
    yield "_rels/.rels", _RELATIONS
    yield "[Content_Types].xml", _content_types(sheets)


def _workbook(sheets: Sequence[Sheet]) -> str:
    listed = "".join(f'<sheet name="{one.name}" sheetId="{one.number}" r:id="rId{one.number}"/>' for one in sheets)
    # The name under which Excel itself keeps the area of a filter.
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{one.number - 1}" hidden="1">'
        f"'{one.name}'!$A$1:${one.last_column}${one.rows}</definedName>"
        for one in sheets
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets>'
        f"<definedNames>{filters}</definedNames></workbook>"
    )


def _workbook_relations(sheets: Sequence[Sheet]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{one.number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{one.number}.xml"/>'
        for one in sheets
    )
    styles = f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{listed}{styles}</Relationships>'


def _content_types(sheets: Sequence[Sheet]) -> str:
    listed = "".join(f'<Override PartName="/{one.part}" ContentType="{_TYPES}.worksheet+xml"/>' for one in sheets)
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>{listed}</Types>'
    )
