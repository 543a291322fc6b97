"""The result as files: JSON for programs, CSV for spreadsheets. Their shape is described in docs/results.md.

Both hold what the result on the board holds and nothing else: of a contest that is withheld only that it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from verifier.outcome import outcome, outcome_record
from verifier.record.canonical import encode_bytes
from verifier.record.manifest import BLANK, Contest, Manifest, Option
from verifier.record.schema import format_minute
from voting.board.archive import head
from voting.board.models import Checkpoint
from voting.board.result import Published, published, result_entry
from voting.elections.models import Election
from voting.records.csvs import csv_bytes
from voting.records.tables import Row, Table
from voting.results.figures import parties
from voting.results.kept import kept

FORMAT, VERSION = "tashika-result", 1
COLUMNS = ("種目ID", "種目", "開票区ID", "開票区", "区分", "選択肢ID", "選択肢", "党派・名簿", "得票数", "備考")
ANSWER, BLANK_VOTE, INVALID, BALLOTS = "候補者等", "白票", "無効", "投票数"
"""What a row counts (区分)."""
BETWEEN = " > "
"""between the options of a ranking"""


def json_of(election: Election) -> bytes:
    """UTF-8. Raises NotOnBoard before the result is there, and as `voting.board.archive.head`."""
    result_entry(election)
    covering = head(election)
    # Witnesses add to a checkpoint of the same size.
    witnessed = hashlib.sha256(covering.text.encode()).hexdigest()[:16]
    return kept(election, f"json:{witnessed}", lambda: _json(published(election), covering))


def csv_of(election: Election) -> bytes:
    """UTF-8 with a mark, for spreadsheets. Raises NotOnBoard before the result is there, BoardInconsistent."""
    return kept(election, "csv", lambda: b"".join(csv_bytes([Table("", COLUMNS, _rows(published(election)))])))


def _json(read: Published, covering: Checkpoint) -> bytes:
    manifest = read.manifest
    record = {
        "format": FORMAT,
        "version": VERSION,
        "election": encode_bytes(manifest.election),
        "title": manifest.title,
        "legal_basis": manifest.legal_basis,
        "published": format_minute(read.at),
        "minimum_group": manifest.minimum_group,
        "turnout": read.turnout,
        "units": [{"id": unit, "name": manifest.unit_names[unit]} for unit in manifest.units],
        "contests": [_contest(manifest.contest(said["contest"]), said) for said in read.contests],
        "corrections": [{"entry": entry, "text": text} for entry, text in read.corrections],
        "checkpoint": {"size": covering.size, "note": covering.text},
    }
    return json.dumps(record, ensure_ascii=False, indent=1).encode()


def _contest(contest: Contest, said: Mapping[str, Any]) -> dict[str, Any]:
    about = {
        "id": contest.id,
        "title": contest.title,
        "kind": contest.kind.value,
        "form": contest.form.value,
        "seats": contest.seats,
        "options": [_option(option) for option in contest.options],
        "withheld": said["withheld"],
    }
    if said["withheld"]:
        return {**about, "groups": [], "total": None, "outcome": None}
    groups = [{**group, "invalid": len(group["invalid"])} for group in said["groups"]]
    decided = outcome_record(outcome(contest, said["total"]))
    return {**about, "groups": groups, "total": said["total"], "outcome": decided}


def _option(option: Option) -> dict[str, Any]:
    return {"id": option.id, "name": option.name, "party": option.party, "list": option.list}


def _rows(read: Published) -> Iterator[Row]:
    """One row for each contest, counting group and answer; then blank and invalid votes, and the ballots."""
    for said in read.contests:
        contest = read.manifest.contest(said["contest"])
        about = (contest.id, contest.title)
        if said["withheld"]:
            yield (*about, *("",) * 7, f"{read.manifest.minimum_group}票未満のため公表しない")
            continue
        for group in said["groups"]:
            yield from ((*about, *row, "") for row in _group(read.manifest, contest, group))


def _group(manifest: Manifest, contest: Contest, group: Mapping[str, Any]) -> Iterator[Row]:
    names, party = {option.id: option.name for option in contest.options}, parties(contest)
    where = " ".join(group["units"]), "・".join(manifest.unit_names[unit] for unit in group["units"])
    for line in group["counts"]:
        parts = [line["answer"]] if isinstance(line["answer"], str) else line["answer"]
        identifier = BETWEEN.join(parts) if names else ""
        name = BETWEEN.join(names.get(part, part) for part in parts)
        yield (*where, ANSWER, identifier, name, party.get(identifier, ""), str(line["count"]))
    if group["blank"] is not None:
        yield (*where, BLANK_VOTE, BLANK, "", "", str(group["blank"]))
    yield (*where, INVALID, "", "", "", str(len(group["invalid"])))
    yield (*where, BALLOTS, "", "", "", str(group["ballots"]))
