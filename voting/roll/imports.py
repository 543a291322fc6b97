"""From a roll file to the roll: uploaded and checked, shown, approved by a second official, and taken over at once.

Rows are checked in batches into a table of their own, where an interrupted check goes on; the roll itself changes in
one transaction, that of the approval. A file is never held in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verifier.record.entries import Type
from voting.access.services import log
from voting.board.models import BoardEntry
from voting.elections.models import Election
from voting.errors import RollNotReady, VotingError
from voting.officials.models import Office, Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import carries_out, key_of_target, propose, require
from voting.roll import staging
from voting.roll.characters import fold_name
from voting.roll.columns import COLUMNS, NUMBER, Header
from voting.roll.commitment import discard_leaves, is_committed
from voting.roll.errors import Fault, HeaderInvalid, RowInvalid, TableRefused
from voting.roll.models import Elector, RollFault, RollImport, StagedElector, Vote
from voting.roll.preview import preview
from voting.roll.rows import Context, RollRow, parse_row
from voting.roll.tables import Row, Table, open_table

BATCH = 5_000
KEPT_FAULTS = 1_000

Kind, State = RollImport.Kind, RollImport.State
Progress = Callable[[int, int | None], None]
"""Told the rows read and, where the file tells, about how many there are."""


class FileDiffers(VotingError):
    """This is not the file whose check began."""

    code = "file-differs"


# Upload and check


def begin_import(election: Election, path: Path, *, kind: RollImport.Kind, file_name: str, by: Official) -> RollImport:
    """Take note of a roll file; nothing of it is read yet but its digest.

    A whole roll replaces the roll, so there can be one only before anything rests on the roll; afterwards, changes.

    Raises NotPermitted, RollNotReady.
    """
    office = _office_of(election)
    require(by, Act.PREPARE_IMPORT, office)
    _require_defined(election)
    _require_fits(election, kind)
    discard_leaves(election)
    begun = RollImport(election=election, kind=kind, file_name=file_name[:200], digest=digest_of(path), uploaded_by=by)
    with transaction.atomic():
        try:
            with transaction.atomic():
                begun.save()
        except IntegrityError:
            raise RollNotReady(_("Another roll file is still on its way."), election.slug) from None
        log(by, office, Act.PREPARE_IMPORT, f"uploaded: {_named(begun)}")
    return begun


def unfinished_import(election: Election, path: Path, kind: RollImport.Kind) -> RollImport | None:
    """The import of just this file whose check was interrupted, if there is one."""
    interrupted = RollImport.objects.filter(election=election, kind=kind, state=State.CHECKING)
    return interrupted.filter(digest=digest_of(path)).first()


def digest_of(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def check_import(roll_import: RollImport, path: Path, progress: Progress = lambda done, total: None) -> RollImport:
    """Check every row, from where the last check was interrupted; what is CHECKED then has a preview.

    A file with any fault is FAULTY, and none of its rows is kept. `progress` is told after each batch; what it raises
    interrupts the check.

    Raises FileDiffers, RollNotReady when there is nothing to check or somebody else does.
    """
    roll_import = RollImport.objects.select_related("election").get(pk=roll_import.pk)
    if roll_import.state != State.CHECKING:
        raise _not_checkable(roll_import)
    if digest_of(path) != bytes(roll_import.digest):
        raise FileDiffers(_("This is not the file whose check began."), roll_import.file_name)
    try:
        with open_table(path) as table:
            _check_rows(roll_import, table, progress)
    except (TableRefused, HeaderInvalid) as refusal:
        return _finish(roll_import, list(_faults_of(refusal)))
    return _finish(roll_import, [])


def _check_rows(roll_import: RollImport, table: Table, progress: Progress) -> None:
    header = Header(table.header)
    if roll_import.kind == Kind.DELTA:
        _require_every_column(table.header)
    election = roll_import.election
    districts = dict(election.districts.values_list("code", "pk"))
    day = election.election_day
    if day is None:
        raise _without_day(election)
    context = Context(frozenset(districts), election_day=day, today=timezone.localdate())

    total = None if table.lines is None else table.lines - 1
    rows = islice(table, roll_import.rows_read, None)
    while batch := list(islice(rows, BATCH)):
        good, faults = _parsed(batch, header, context)
        values = [staging.staged_values(row, districts[row.district], line, roll_import.pk) for line, row in good]
        _keep_batch(roll_import, table.encoding, len(batch), values, faults)
        progress(roll_import.rows_read, total)


def _parsed(batch: Iterable[Row], header: Header, context: Context) -> tuple[list[tuple[int, RollRow]], list[Fault]]:
    good: list[tuple[int, RollRow]] = []
    faults: list[Fault] = []
    for line, cells in batch:
        try:
            good.append((line, parse_row(header, line, cells, context)))
        except RowInvalid as invalid:
            faults += invalid.faults
    return good, faults


def _require_every_column(cells: Sequence[str]) -> None:
    """Without its column a mark would be taken off everybody in a file of changes. Raises HeaderInvalid."""
    there = {fold_name(cell) for cell in cells}
    reason = gettext_lazy("{column} is missing: in a file of changes it would be emptied on the roll")
    faults = [
        Fault(1, column.header, "header-missing", format_lazy(reason, column=column.header))
        for column in COLUMNS
        if fold_name(column.header) not in there
    ]
    if faults:
        raise HeaderInvalid(faults)


@transaction.atomic
def _keep_batch(
    roll_import: RollImport, encoding: str, count: int, values: Sequence[tuple[Any, ...]], faults: Sequence[Fault]
) -> None:
    # First: the row lock, and the proof that nobody else has read these rows or discarded the import.
    here = RollImport.objects.filter(pk=roll_import.pk, state=State.CHECKING, rows_read=roll_import.rows_read)
    if not here.update(rows_read=F("rows_read") + count, encoding=encoding):
        raise _not_checkable(roll_import)
    staging.stage(values)
    _add_faults(roll_import, len(faults), faults)
    roll_import.rows_read += count


def _add_faults(roll_import: RollImport, count: int, faults: Iterable[Fault]) -> None:
    """Count all, and keep as many as there is room for."""
    room = max(0, KEPT_FAULTS - roll_import.fault_count)
    RollFault.objects.bulk_create(
        RollFault(
            roll_import=roll_import,
            line=fault.line,
            column=fault.column[:50],
            code=fault.code,
            message=str(fault.message)[:300],
            excerpt=fault.value_excerpt,
        )
        for fault in islice(faults, room)
    )
    roll_import.fault_count += count
    roll_import.save(update_fields=["fault_count"])


@transaction.atomic
def _finish(roll_import: RollImport, faults: Sequence[Fault]) -> RollImport:
    locked = RollImport.objects.select_for_update().get(pk=roll_import.pk)
    if (locked.state, locked.rows_read) != (State.CHECKING, roll_import.rows_read):
        raise _not_checkable(roll_import)
    _add_faults(locked, len(faults), faults)
    if not faults and not locked.rows_read:
        _add_faults(locked, 1, [Fault(1, "", "no-rows", _("The file has no rows."))])
    for rows, fault_of in _faults_of_whole(locked):
        _add_faults(locked, rows.count(), map(fault_of, rows[:KEPT_FAULTS]))
    locked.rows_total = locked.rows_read
    if locked.fault_count:
        locked.state = State.FAULTY
        locked.staged.all().delete()
    else:
        locked.state = State.CHECKED
        locked.preview = preview(locked)
    locked.save(update_fields=["state", "rows_total", "preview"])
    return locked


def _faults_of_whole(roll_import: RollImport) -> Iterator[tuple[Any, Callable[[Any], Fault]]]:
    """Faults that no row has by itself: queries for the rows, and what is said about each."""
    yield staging.repeated(roll_import), _repeated
    if is_committed(roll_import.election):
        yield staging.newcomers(roll_import), _newcomer


def _repeated(row: Any) -> Fault:
    reason = _("%(column)s: this number is in line %(line)d already") % {
        "column": NUMBER.header,
        "line": row.first_line,
    }
    return Fault(row.line, NUMBER.header, "repeated-number", reason, row.number)


def _newcomer(row: StagedElector) -> Fault:
    reason = _("%(column)s: not on the roll, to which nobody can be added after the commitment") % {
        "column": NUMBER.header
    }
    return Fault(row.line, NUMBER.header, "not-on-roll", reason, row.number)


def _faults_of(refusal: TableRefused | HeaderInvalid) -> Iterator[Fault]:
    if isinstance(refusal, HeaderInvalid):
        yield from refusal.faults
        return
    column = "" if refusal.column is None else str(refusal.column)
    yield Fault(refusal.line or 1, column, refusal.code, refusal.message)


# Four eyes


def ask_to_take_over(roll_import: RollImport, *, by: Official) -> Proposal:
    """Ask to take over a checked file, with the numbers of its preview.

    Raises NotPermitted, AlreadyProposed, RollNotReady.
    """
    _require_checked(roll_import)
    numbers = _numbers(roll_import)
    summary = _("%(file)s: %(rows)s rows, of them %(new)s new and %(changed)s changed; %(missing)s not in the file")
    return propose(
        Act.IMPORT_ROLL,
        office=_office_of(roll_import.election),
        target=roll_import,
        summary=summary % {"file": roll_import.file_name, **numbers},
        payload={"sha256": bytes(roll_import.digest).hex(), **numbers},
        by=by,
    )


def _numbers(roll_import: RollImport) -> dict[str, int]:
    shown = roll_import.preview
    return {
        "rows": shown["rows"],
        "new": shown["new"],
        "changed": shown["changed"],
        "missing": shown["deleted"] + shown["struck"],
    }


@carries_out(Act.IMPORT_ROLL)
def _take_over(proposal: Proposal, by: Official) -> None:
    asked = RollImport.objects.get(pk=key_of_target(proposal))
    # Whoever commits to the roll waits for this row, and we for them.
    election = Election.objects.select_for_update(no_key=True).get(pk=asked.election_id)
    roll_import = RollImport.objects.select_for_update().get(pk=asked.pk)
    _require_checked(roll_import)
    whole = roll_import.kind == Kind.FULL
    # Whoever issues a ballot or records a paper vote waits for these rows, so that the votes seen next stay so.
    staging.lock(staging.on_roll(roll_import) if whole else staging.in_file(roll_import))
    _require_fits(election, roll_import.kind)
    done = {
        "changed": staging.update_changed(roll_import),
        "missing": staging.remove_missing(roll_import) if whole else 0,
        "new": staging.insert_new(roll_import),
    }
    if done.items() - proposal.payload.items() or (done["new"] and is_committed(election)):
        raise RollNotReady(
            _("The roll has changed since the check: discard this import and check the file again."), election.slug
        )
    roll_import.staged.all().delete()
    roll_import.state, roll_import.taken_over_at = State.TAKEN_OVER, timezone.now()
    roll_import.save(update_fields=["state", "taken_over_at"])
    log(by, proposal.office, Act.IMPORT_ROLL, proposal.summary, everyone=election.slug)


@transaction.atomic
def discard(roll_import: RollImport, *, by: Official) -> RollImport:
    """Give up an import: its rows and faults are deleted, and another file can come.

    Raises NotPermitted, RollNotReady once it is taken over or discarded.
    """
    office = _office_of(roll_import.election)
    require(by, Act.PREPARE_IMPORT, office)
    locked = RollImport.objects.select_for_update().get(pk=roll_import.pk)
    if locked.state in (State.TAKEN_OVER, State.DISCARDED):
        raise RollNotReady(_("This roll file is %(state)s.") % {"state": locked.get_state_display()}, locked.file_name)
    locked.staged.all().delete()
    locked.faults.all().delete()
    locked.state, locked.preview = State.DISCARDED, {}
    locked.save(update_fields=["state", "preview"])
    log(by, office, Act.PREPARE_IMPORT, f"discarded: {_named(locked)}")
    return locked


# Conditions


def _office_of(election: Election) -> Office:
    if election.office is None:
        raise RollNotReady(_("The election belongs to no office yet."), election.slug)
    return election.office


def _require_defined(election: Election) -> None:
    if election.election_day is None:
        raise _without_day(election)
    if not election.districts.exists():
        raise RollNotReady(_("The election has no voting districts yet."), election.slug)


def _without_day(election: Election) -> RollNotReady:
    return RollNotReady(_("The election has no election day yet."), election.slug)


def _require_fits(election: Election, kind: str) -> None:
    if BoardEntry.objects.filter(election=election, type=Type.TALLY_FROZEN).exists():
        raise RollNotReady(_("The tally is frozen: the roll of this election stays as it is."), election.slug)
    if kind != Kind.FULL:
        return
    if is_committed(election):
        raise RollNotReady(_("The roll is committed to: only changes can be imported."), election.slug)
    if Elector.objects.filter(election=election).exclude(vote=Vote.NONE).exists():
        raise RollNotReady(
            _("Somebody has voted or has a ballot already: only changes can be imported."), election.slug
        )


def _named(roll_import: RollImport) -> str:
    return f"{roll_import.file_name}, SHA-256 {bytes(roll_import.digest).hex()}"


def _require_checked(roll_import: RollImport) -> None:
    if roll_import.state != State.CHECKED:
        raise RollNotReady(
            _("This roll file is %(state)s.") % {"state": roll_import.get_state_display()}, roll_import.file_name
        )


def _not_checkable(roll_import: RollImport) -> RollNotReady:
    return RollNotReady(
        _("This roll file is not waiting to be checked, or is being checked elsewhere."), roll_import.file_name
    )
