"""`manage.py import_roll ELECTION FILE --by USERNAME`: check a roll file and show what it would change."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voting.board.management.command import BoardCommand, refusals
from voting.elections.models import Election
from voting.officials.models import Official
from voting.officials.roles import Act
from voting.officials.services import require
from voting.roll.imports import begin_import, check_import, unfinished_import
from voting.roll.management.bar import bar
from voting.roll.models import Mark, Roll, RollFault, RollImport

FAULTY, INTERRUPTED = 1, 130
SHOWN_FAULTS = 20
_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


class Command(BoardCommand):
    help = (
        "Checks a roll file (CSV in UTF-8 or CP932, XLSX) and shows what it would change. Two officials then take it "
        "over on the admin pages. An interrupted check goes on where it was when the same file is given again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path", type=Path, metavar="FILE")
        parser.add_argument("--delta", action="store_true", help="the file has changes only, not the whole roll")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="the official who uploads the file")
        parser.add_argument("--faults", type=Path, metavar="CSV", help="write the faults to this file")

    def act(self, election: Election, options: dict[str, Any]) -> None:
        path, console = options["path"], Console(file=cast(TextIO, self.stdout._out))
        with refusals(path):
            begun = _begun(election, path, RollImport.Kind.DELTA if options["delta"] else RollImport.Kind.FULL, options)
            try:
                with bar(console, "rows checked") as progress:
                    checked = check_import(begun, path, progress)
            except KeyboardInterrupt:
                begun.refresh_from_db()
                self.stdout.write(f"Interrupted after {begun.rows_read} rows. The same command goes on from there.")
                raise SystemExit(INTERRUPTED) from None
        if checked.state == RollImport.State.FAULTY:
            _show_faults(console, checked)
            if options["faults"]:
                with refusals(options["faults"]):
                    _write_faults(options["faults"], checked)
            raise SystemExit(FAULTY)
        _show_preview(console, checked)


def _begun(election: Election, path: Path, kind: RollImport.Kind, options: dict[str, Any]) -> RollImport:
    official = Official.objects.filter(username=options["by"]).first()
    if official is None:
        raise CommandError(f"--by: there is no official {options['by']!r}")
    interrupted = unfinished_import(election, path, kind)
    if interrupted is None or election.office is None:
        return begin_import(election, path, kind=kind, file_name=path.name, by=official)
    require(official, Act.PREPARE_IMPORT, election.office)
    return interrupted


# Faults


def _show_faults(console: Console, faulty: RollImport) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("line", "column", "fault", "value"):
        table.add_column(name, justify="right" if name == "line" else "left", overflow="fold")
    for fault in faulty.faults.all()[:SHOWN_FAULTS]:
        table.add_row(str(fault.line), *map(Text, (fault.column, fault.message, fault.excerpt)))
    console.print(table)
    console.print(
        f"{faulty.fault_count} faults in {faulty.rows_read} rows; the first {min(SHOWN_FAULTS, faulty.faults.count())} "
        "are shown. Nothing was imported. Correct the file and import it again.",
        highlight=False,
    )


def _write_faults(path: Path, faulty: RollImport) -> None:
    # With the mark before UTF-8, without which Excel reads another encoding.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "column", "code", "fault", "value"])
        writer.writerows(map(_cells, faulty.faults.iterator()))


def _cells(fault: RollFault) -> list[str]:
    cells = (str(fault.line), fault.column, fault.code, fault.message, fault.excerpt)
    # A spreadsheet would take such a cell for a formula.
    return [f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in cells]


# The preview


def _show_preview(console: Console, checked: RollImport) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(min_width=30)
    table.add_column(justify="right")
    for name, count in _lines(checked.preview):
        table.add_row(Text(name), str(count))
    console.print(table)
    for first, second in checked.preview["doubles"]["pairs"]:
        console.print(f"Perhaps the same person: {first} and {second}", highlight=False, markup=False)
    console.print(
        f"Checked. Next: an official asks to take over {checked.file_name}, and another one approves these numbers.",
        highlight=False,
        markup=False,
    )


def _lines(preview: dict[str, Any]) -> Iterator[tuple[str, int]]:
    names = {
        "rows": "rows in the file",
        "new": "new",
        "changed": "changed",
        "unchanged": "unchanged",
        "deleted": "not in the file: deleted",
        "struck": "not in the file, but referred to: struck off",
        "unmarked": "marks taken away",
        "braille": "wish braille",
        "proxy": "wish help with writing",
        "turning_18": "17 today, 18 on election day",
    }
    yield from ((name, preview[key]) for key, name in names.items())
    yield "perhaps on the roll twice", preview["doubles"]["count"]
    for roll, count in preview["rolls"].items():
        yield str(Roll(roll).label), count
    for mark, count in preview["marks"].items():
        yield f"mark: {Mark(mark).label}", count
    for district, count in preview["districts"].items():
        yield f"voting district {district}", count
    for missing in preview["without_ballot"]:
        yield f"no ballot in {missing['unit']} for {', '.join(missing['franchise'])}", missing["rows"]
