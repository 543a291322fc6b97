"""What a checked roll file would do to the roll, in numbers, for the officials who ask and approve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import FirstValue, RowNumber
from django.utils import timezone

from voting.elections.models import Unit
from voting.eras import PartialDate
from voting.roll import staging
from voting.roll.eligibility import VOTING_AGE, contests_in, scopes_of, style_with
from voting.roll.models import Elector, RollImport, StagedElector

LISTED_DOUBLES = 100


def preview(roll_import: RollImport) -> dict[str, Any]:
    """Numbers of rows, ready for JSON.

    `rows` = `new` + `changed` + `unchanged`. Of a whole roll, `deleted` and `struck` say what becomes of rows that the
    file does not have. `unmarked`: marks that the file takes away. `marks`, `rolls` and `districts` count the file's
    rows by value. `turning_18`: not 18 today, but on election day. `doubles`: how many rows look like the same person
    as another, and the roll numbers of the first pairs. `without_ballot`: rows by counting unit and franchise for which
    the election has no ballot style.
    """
    rows = staging.staged(roll_import).order_by()
    total, new, changed = rows.count(), staging.newcomers(roll_import).count(), staging.count_changed(roll_import)
    whole = roll_import.kind == RollImport.Kind.FULL
    return {
        "rows": total,
        "new": new,
        "changed": changed,
        "unchanged": total - new - changed,
        "deleted": staging.deletable(roll_import).count() if whole else 0,
        "struck": staging.strikable(roll_import).count() if whole else 0,
        "renamed": staging.other_people(roll_import).count(),
        "unmarked": staging.unmarked(roll_import).count(),
        "marks": _by(rows, "mark"),
        "rolls": _by(rows, "roll"),
        "districts": _by(rows, "district__code"),
        "braille": rows.filter(braille=True).count(),
        "proxy": rows.filter(proxy=True).count(),
        "turning_18": _turning_18(rows, roll_import.election.election_day),
        "doubles": _doubles(roll_import),
        "without_ballot": list(_without_ballot(rows)),
    }


def _by(rows: QuerySet[StagedElector], column: str) -> dict[str, int]:
    return dict(rows.values_list(column).annotate(Count("pk")).order_by(column))


def _turning_18(rows: QuerySet[StagedElector], election_day: date | None) -> int:
    if election_day is None:
        return 0
    today = timezone.localdate()
    young = rows.filter(birth_year__gte=today.year - VOTING_AGE - 1)
    births = young.values_list("birth_year", "birth_month", "birth_day").annotate(Count("pk"))
    return sum(
        count
        for *parts, count in births
        if PartialDate(*parts).age_on(today) < VOTING_AGE <= PartialDate(*parts).age_on(election_day)
    )


def _doubles(roll_import: RollImport) -> dict[str, Any]:
    # Each row with the first one like it: many who look the same must not make a list of their pairs squared.
    like: dict[str, Any] = {"partition_by": F("person"), "order_by": "line"}
    within = staging.staged(roll_import).annotate(
        place=Window(RowNumber(), **like), other=Window(FirstValue("list_number"), **like)
    )
    pairs: list[QuerySet[Any]] = [within.filter(place__gt=1).order_by("line")]
    if roll_import.kind == RollImport.Kind.DELTA:
        pairs.append(_like_others_on_roll(roll_import))
    found = [pair for rows in pairs for pair in rows.values_list("other", "list_number")[:LISTED_DOUBLES]]
    return {
        "count": sum(rows.count() for rows in pairs),
        "pairs": [list(pair) for pair in found[:LISTED_DOUBLES]],
    }


def _like_others_on_roll(roll_import: RollImport) -> QuerySet[StagedElector]:
    """Rows of a file of changes that look like somebody on the roll who is not in the file."""
    others = staging.not_in_file(roll_import).filter(person=OuterRef("person"))
    rows = staging.staged(roll_import).annotate(other=Subquery(others.values("list_number")[:1]))
    return rows.filter(Exists(others)).order_by("line")


def _without_ballot(rows: QuerySet[StagedElector]) -> Iterator[dict[str, Any]]:
    franchise = ("roll", "mark", "national", "prefectural", "municipal", "kept_in_prefecture")
    counts: Counter[tuple[int, frozenset[str]]] = Counter()
    # Count comes after the values, or every row would be a group of its own and all of them come into memory.
    for unit, *kind, count in rows.values_list("district__unit", *franchise).annotate(Count("pk")):
        counts[unit, scopes_of(Elector(**dict(zip(franchise, kind, strict=True))))] += count
    units = Unit.objects.in_bulk({unit for unit, _scopes in counts})
    for (unit, scopes), count in sorted(counts.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
        wanted = {contest.pk for contest in contests_in(units[unit]) if contest.scope in scopes}
        if wanted and style_with(units[unit], wanted) is None:
            yield {"unit": units[unit].name, "franchise": sorted(scopes), "rows": count}
