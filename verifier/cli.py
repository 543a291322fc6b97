"""The command line: parse arguments, print, exit. 0 valid, 1 invalid, 2 unreadable or misused, 3 unknown version."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from verifier import opened, receipt, served, show
from verifier.errors import CheckFailed, UnsupportedVersion, VerifierError
from verifier.record.canonical import encode_bytes
from verifier.verify import verify

VALID, INVALID, UNREADABLE, UNSUPPORTED = 0, 1, 2, 3
FATES = {
    "counts": "Your ballot is on the board and it COUNTS, if `verify` says that the board is valid.",
    "not counted yet": "Your ballot is on the board. The count has not been frozen yet.",
    "superseded": "Your ballot is on the board. It does not count: a later ballot of the same slot took its place.",
    "withdrawn": "Your ballot is on the board. It does not count: two officials withdrew its slot (paper wins).",
    "opened": "Your ballot is on the board, opened as a test. Opened ballots never count.",
}

ON_BOARD = "This is what the sealed ballot contains. It is on the board, if `verify` says that the board is valid."
NO_ARCHIVE = "This is what the sealed ballot contains. Give the archive too, to see that it is on the board."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UnsupportedVersion as error:
        return _refuse(error, UNSUPPORTED)
    except CheckFailed as failure:
        return _refuse(failure, INVALID)
    except (VerifierError, OSError) as error:
        return _refuse(error, UNREADABLE)
    except KeyboardInterrupt:
        return _refuse("interrupted", UNREADABLE)


def _refuse(error: object, code: int) -> int:
    print(f"verifier: {show.printable(str(error))}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verifier", description="Check an election from its public archive, without any secret."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("verify", help="check everything and print the result and the verdict")
    command.add_argument("archive", type=Path, metavar="ARCHIVE", help="a directory or a zip")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the whole report there")
    command.add_argument("--jobs", type=jobs, default=os.cpu_count() or 1, metavar="N", help="processes (all cores)")
    command.add_argument(
        "--known-checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that you kept: the board must continue it",
    )
    command.set_defaults(run=_verify)
    command = commands.add_parser("receipt", help="is the ballot of a receipt on the board, and does it count?")
    command.add_argument("archive", type=Path, metavar="ARCHIVE")
    command.add_argument("receipt", type=Path, metavar="RECEIPT")
    command.set_defaults(run=_receipt)
    command = commands.add_parser("opened", help="what does a ballot contain that was opened as a test?")
    command.add_argument("archive", type=Path, nargs="?", metavar="ARCHIVE", help="to see that it is on this board")
    command.add_argument("opened", type=Path, metavar="FILE", help="saved by the page of the opened ballot")
    command.set_defaults(run=_opened)
    command = commands.add_parser("files", help="which files voters' browsers were to get, in the form of sha256sum")
    command.add_argument("archive", type=Path, metavar="ARCHIVE")
    command.set_defaults(run=_files)
    return parser


def jobs(text: str) -> int:
    """A number of processes, as typed. Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError("a number from 1 to 512")
    return int(text)


def _verify(options: argparse.Namespace) -> int:
    known = [path.read_bytes() for path in options.known_checkpoint]
    with show.progress(Console(stderr=True)) as progress:
        outcome = verify(options.archive, options.jobs, known, progress)
    if options.json:
        text = json.dumps(show.as_json(outcome), ensure_ascii=False, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    show.report(Console(), outcome)
    return VALID if outcome.report.valid else INVALID


def _receipt(options: argparse.Namespace) -> int:
    held = receipt.parse_receipt(options.receipt.read_bytes())
    print(FATES[receipt.fate(options.archive, held)])
    return VALID


def _files(options: argparse.Namespace) -> int:
    for file in served.files(options.archive):
        print(f"{file.sha256.hex()}  {show.printable(file.path)}")
    return VALID


def _opened(options: argparse.Namespace) -> int:
    held = opened.parse_opened(options.opened.read_bytes())
    found = opened.contents(held)
    if options.archive:
        opened.require_on_board(options.archive, held, found.manifest)
    print(show.printable(found.manifest.title))
    print(f"election: {encode_bytes(found.manifest.election)}")
    print(f"tracker:  {encode_bytes(found.tracker)}")
    print(f"slot:     {found.ballot.slot}, ballot {found.ballot.sequence}")
    for contest, choice in found.choices:
        print(show.printable(f"{contest.title}: {opened.in_words(contest, choice)}"))
    print(ON_BOARD if options.archive else NO_ARCHIVE)
    return VALID
