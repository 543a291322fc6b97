"""Claims about evidence: what is kept, and every fault found at once, named as in the form."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.applications.claims import EVIDENCE, FieldKind, FileRule, check_claims, claimed_spans
from voting.applications.errors import ClaimInvalid
from voting.applications.rules import Span
from voting.applications.rules.conditions import SPAN_NAMES

ORDER = EVIDENCE["ISOLATION_ORDER"]
STAY = EVIDENCE["FACILITY_ROSTER"]
REASON = EVIDENCE["SWORN_REASON"]
PERIOD = {"start": "2026-05-01", "end": "2026-05-10"}
GOOD: dict[str, Any] = {"number": "架空保第12号", "issuer": "架空市保健所", "issued_on": "2026-05-01", "period": PERIOD}


def faults(code: str, claims: Any) -> set[str]:
    """The fields at fault."""
    with pytest.raises(ClaimInvalid) as failure:
        check_claims(EVIDENCE[code], claims)
    assert failure.value.code == "claim-invalid" and failure.value.where == code
    assert all(fault.message for fault in failure.value.faults)
    return {fault.field for fault in failure.value.faults}


def test_good_claims_are_kept_and_can_be_stored() -> None:
    cleaned = check_claims(ORDER, GOOD)
    assert cleaned == GOOD
    assert json.loads(json.dumps(cleaned)) == cleaned
    assert check_claims(ORDER, cleaned) == cleaned
    assert claimed_spans(ORDER, cleaned) == {"period": Span(date(2026, 5, 1), date(2026, 5, 10))}


@pytest.mark.parametrize("empty", [None, "", "  ", "\u3000"])
def test_what_is_empty_is_left_out_where_it_may_be(empty: str | None) -> None:
    assert "number" not in check_claims(ORDER, GOOD | {"number": empty})
    assert faults("ISOLATION_ORDER", GOOD | {"issuer": empty}) == {"issuer"}


def test_all_faults_are_found_at_once() -> None:
    bad = {
        "number": "x" * 41,
        "issued_on": "2026-02-30",
        "period": {"start": "", "end": "May"},
        "mobile": "090",
    }
    assert faults("ISOLATION_ORDER", bad) == {"number", "issuer", "issued_on", "period.start", "period.end", "'mobile'"}


def test_no_message_repeats_what_was_claimed() -> None:
    with pytest.raises(ClaimInvalid) as failure:
        check_claims(ORDER, {"issuer": 5, "issued_on": "架空 太郎", "period": "架空 花子", "number": "架空" * 40})
    assert "架空" not in str(failure.value)


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"start": "2026-05-10", "end": "2026-05-09"}, "period.end"),
        ({"start": "2026-05-10"}, "period.end"),
        ({"start": "2026-05-10", "end": ""}, "period.end"),
        ({"end": "2026-05-10"}, "period.start"),
        ({"start": "2026-5-1", "end": "2026-05-10"}, "period.start"),
        ({"start": "20260501", "end": "2026-05-10"}, "period.start"),
        ({"start": "2026-W18-5", "end": "2026-05-10"}, "period.start"),
        ({"start": "２０２６-05-01", "end": "2026-05-10"}, "period.start"),
        ({"start": "2026-05-01", "end": "9999-12-31"}, "period.end"),
        ({"start": "0001-01-01", "end": "2026-05-10"}, "period.start"),
        ({"start": 20260501, "end": "2026-05-10"}, "period.start"),
        ({"start": "2026-05-01T00:00", "end": "2026-05-10"}, "period.start"),
        ({"start": "2026-05-01", "end": "2026-05-10", "to": "x"}, "period"),
        ({}, "period"),
        ({"start": "", "end": ""}, "period"),
        ("2026-05-01/2026-05-10", "period"),
        (["2026-05-01", "2026-05-10"], "period"),
        (None, "period"),
    ],
)
def test_a_span_is_two_days_in_order(period: Any, field: str) -> None:
    assert faults("ISOLATION_ORDER", GOOD | {"period": period}) == {field}


def test_a_span_of_one_day_is_one() -> None:
    one_day = {"start": "2028-02-29", "end": "2028-02-29"}
    assert check_claims(ORDER, GOOD | {"period": one_day})["period"] == one_day


def test_a_stay_may_go_on_without_a_known_end() -> None:
    cleaned = check_claims(STAY, {"stay": {"start": "2026-05-01", "end": ""}})
    assert cleaned == {"stay": {"start": "2026-05-01"}}
    assert claimed_spans(STAY, cleaned) == {"stay": Span(date(2026, 5, 1), None)}
    assert faults("FACILITY_ROSTER", {"stay": {"end": "2026-05-01"}}) == {"stay.start"}


def test_texts_keep_their_characters() -> None:
    """髙﨑 and private characters stay as they are; the ends and the line breaks go."""
    text = " 髙﨑𠮷邉葛\U000e0100\ue000　病院\r\n二階 "
    assert check_claims(ORDER, GOOD | {"issuer": text})["issuer"] == "髙﨑𠮷邉葛\U000e0100\ue000　病院 二階"


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\u202eb", "a\u200bb", "a\ud800b", 5, True, ["a"], {"a": 1}])
def test_texts_that_cannot_be_shown_are_refused(text: Any) -> None:
    assert faults("ISOLATION_ORDER", GOOD | {"issuer": text}) == {"issuer"}


def test_a_text_of_the_greatest_length() -> None:
    assert check_claims(ORDER, GOOD | {"number": "𠮷" * 40})["number"] == "𠮷" * 40
    assert faults("ISOLATION_ORDER", GOOD | {"number": "𠮷" * 41}) == {"number"}


def test_the_six_reasons_of_the_law() -> None:
    """法48の2①一–六."""
    (item,) = (field for field in REASON.fields if field.kind is FieldKind.CHOICE)
    assert len(item.choices) == 6
    for value, _label in item.choices:
        assert check_claims(REASON, {"item": value, "reason": PERIOD})["item"] == value
    for value in ("holiday", "WORK", 1, ["work"], None):
        assert faults("SWORN_REASON", {"item": value, "reason": PERIOD}) == {"item"}


@pytest.mark.parametrize("claims", [None, "number", 5, [], [("issuer", "x")]])
def test_what_is_no_object_is_refused(claims: Any) -> None:
    assert faults("ISOLATION_ORDER", claims) == {"claims"}


def test_every_type_gives_spans_that_conditions_know() -> None:
    for code, evidence in EVIDENCE.items():
        assert evidence.code == code and str(evidence.label)
        assert evidence.spans <= SPAN_NAMES
        assert len({field.name for field in evidence.fields}) == len(evidence.fields)
    assert STAY.spans == {"stay", "designation"}
    assert not EVIDENCE["ROLL_DOB"].fields and check_claims(EVIDENCE["ROLL_DOB"], {}) == {}


def test_documents_come_as_files_and_declarations_do_not() -> None:
    assert {code for code, evidence in EVIDENCE.items() if evidence.file is FileRule.REQUIRED} == {
        "ISOLATION_ORDER",
        "WAIT_NOTICE",
    }
    assert EVIDENCE["OMITTED_WITH_REASON"].file is EVIDENCE["SWORN"].file is FileRule.NONE
    assert {code for code, evidence in EVIDENCE.items() if evidence.awaits_confirmation} == {"OMITTED_WITH_REASON"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates().map(date.isoformat),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "end", "x"]), inner),
    max_leaves=5,
)


@given(st.sampled_from(list(EVIDENCE.values())), st.data())
def test_anything_is_cleaned_or_refused(evidence: Any, data: st.DataObject) -> None:
    names = st.sampled_from([field.name for field in evidence.fields] + ["other"])
    claims = data.draw(st.dictionaries(names, values, max_size=5))
    try:
        cleaned = check_claims(evidence, claims)
    except ClaimInvalid as refusal:
        assert refusal.faults
        return
    assert check_claims(evidence, cleaned) == cleaned
    for span in claimed_spans(evidence, cleaned).values():
        assert span.start and (span.end is None or span.start <= span.end)
