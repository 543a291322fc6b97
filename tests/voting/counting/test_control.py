"""The control room: whose turn it is, what waits for two people, who took part, and no vote before the result."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tally.submission import Submission
from tests.election import CLOSES, signing_key
from tests.voting.booth.hall import Hall
from tests.voting.polling import Counter, electors
from verifier.record.entries import Type
from voting.access.models import AccessEntry
from voting.board.models import BoardEntry
from voting.counting import control, progress, tasks
from voting.elections.models import District
from voting.errors import NotPermitted
from voting.officials import services as officials
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.polls import opening
from voting.polls.acceptance import settle
from voting.polls.errors import NotReady
from voting.polls.opening import ask, prepare, require_agreed
from voting.polls.stages import Standing, steps

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The elections whose count was started: here nothing is computed in the background."""
    started: list[str] = []
    monkeypatch.setattr(tasks, "start", lambda election: started.append(election.slug))
    monkeypatch.setattr("voting.polls.views.start", lambda election: started.append(election.slug))
    return started


def desk(official: Official) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(official)
    return client


def seen(official: Official, part: str = "") -> str:
    """What somebody reads in the control room."""
    answer = desk(official).get(f"/office/counting/kakuu/{part}")
    assert answer.status_code == 200
    return answer.content.decode()


def standings(counter: Counter) -> dict[str, str]:
    return {step.kind.value: step.standing.value for step in steps(counter.row)}


@pytest.fixture
def closed(polls: Counter) -> Counter:
    """Two ballots, accepted; nothing is below the minimum group of two."""
    for elector in electors(polls.row)[:2]:
        polls.voter(elector)
    polls.close()
    polls.accept_rest()
    return polls


@pytest.fixture
def small(polls: Counter) -> Counter:
    """One ballot only: every contest is below the minimum group of two."""
    polls.voter(electors(polls.row)[0])
    polls.close()
    polls.accept_rest()
    return polls


@pytest.fixture
def full(hall: Hall) -> Hall:
    """Three people have voted on contests of every kind; the polls are closed."""
    hall.vote({"name": "架空 花子"}, {"name": "架空花子"}, {"name": "架空 花子"})
    hall.end()
    return hall


# Where it stands, and who goes on


def test_each_step_says_who_goes_on(closed: Counter) -> None:
    """From the freeze to the result: the role and the office, the person who asked, the trustees by name."""

    def next_one() -> tuple[str, str]:
        stop = control.room(closed.row).next
        assert stop is not None
        return stop.step.kind, stop.who

    closed.row.refresh_from_db()
    town = closed.town
    # Nothing is refused: the withdrawals are passed over.
    assert next_one() == (Type.TALLY_FROZEN, f"Has to ask: counting manager ({town.board})")
    asked = ask(Act.FREEZE_TALLY, closed.row, by=town.count_manager)
    assert next_one() == (Type.TALLY_FROZEN, f"{town.count_manager.name} asked. Has to approve: counting witness")
    officials.approve(asked, by=town.count_witness)
    assert next_one() == (Type.TALLY_FROZEN, "Agreed. Two officials sign it for the board")
    closed.act(Type.TALLY_FROZEN, CLOSES)
    assert next_one() == (Type.OPENING, "Trustees: 2 more of trustee 1, trustee 2, trustee 3")
    closed.open_tally()
    assert next_one() == (Type.RESULT, f"Has to ask: counting manager ({town.board})")
    closed.agree(Act.PUBLISH_RESULT)
    closed.act(Type.RESULT, CLOSES)
    done = control.room(closed.row)
    assert done.next is None and all(stop.at for stop in done.stops if stop.step.kind is not Type.WITHDRAWALS)


def test_refused_ballots_come_first(polls: Counter) -> None:
    """Who accepts, until all is decided; then the withdrawal, which two officials sign."""
    kept, refused = [polls.voter(elector) for elector in electors(polls.row)[:2]]
    polls.close()
    stop = control.room(polls.row).next
    assert stop is not None and stop.step.kind is Type.WITHDRAWALS
    assert stop.who.endswith("polling station manager, polling witness")
    assert "neither accepted, refused nor over" in seen(polls.town.count_manager)
    settle(polls.row)
    polls.refuse(refused, "other")
    polls.accept_rest()
    stop = control.room(polls.row).next
    assert stop is not None and stop.who == "Two officials sign it for the board"


def test_mixers_take_turns(full: Hall) -> None:
    """Who has shuffled what, and who can go on: as each stage comes to the board."""
    full.fix()
    assert [(one.done, one.total, one.waiting) for one in control.room(full.row).mixers] == [(0, 3, 3), (0, 3, 0)]
    stop = control.room(full.row).next
    assert stop is not None and (stop.step.kind, stop.who) == (Type.MIX_STAGE, "Mixers: mixer 1")
    assert standings(full)["opening"] == "later"
    full.mix_one()
    assert [(one.done, one.waiting) for one in control.room(full.row).mixers] == [(1, 2), (0, 1)]
    full.mix()
    assert [(one.done, one.waiting) for one in control.room(full.row).mixers] == [(3, 0), (3, 0)]
    assert standings(full)["mix-stage"] == "done" and standings(full)["opening"] == "now"


def test_without_a_mixnet_contest_nobody_waits_for_mixers(closed: Counter) -> None:
    closed.freeze()
    assert "mix-stage" not in standings(closed)
    assert standings(closed)["opening"] == "now" and control.room(closed.row).mixers == []


def test_work_that_goes_on_is_told_with_rate_and_remaining_time(full: Hall) -> None:
    full.fix()
    before = timezone.now().timestamp()
    progress.note(full.row.pk, "mix", 100, 1000, "council", 0, 1)
    work = progress.Work("mix", "council", 0, 1, 100, 1000, before - 60, before)
    [going] = control.room(full.row).going
    assert going.what == "a mixer shuffles · mixer 1 · 架空市議会議員選挙 · group 1"
    assert (going.done, going.total) == (100, 1000)
    told = control._in_words(work, full.row)
    assert (told.rate, told.remaining) == ("1.7 in a second", "about 9 minutes left")
    assert "100 of 1000" in seen(full.town.clerk)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "less than a minute left"),
        (59.9, "less than a minute left"),
        (60, "about 1 minutes left"),
        (5399, "about 90 minutes left"),
        (5400, "about 1 hours and 30 minutes left"),
        (36_000, "about 10 hours and 0 minutes left"),
    ],
)
def test_remaining_time_in_words(seconds: float | None, words: str) -> None:
    assert control.remaining_in_words(seconds) == words


def test_problems_are_sentences(closed: Counter) -> None:
    closed.freeze()
    progress.problem(closed.row.pk, "mixer 1", "Mixer 1 has not answered for ten minutes.")
    assert "Mixer 1 has not answered for ten minutes." in seen(closed.town.count_witness)
    progress.solved(closed.row.pk, "mixer 1")
    assert "Mixer 1 has not answered" not in seen(closed.town.count_witness)


def test_the_fragment_leaves_out_what_is_to_do_while_it_is_the_same(closed: Counter) -> None:
    """A form that somebody fills in is not replaced; when something is asked for, it is sent anew."""
    page = seen(closed.town.count_manager, "live/")
    key = page.split('data-key="')[1].split('"')[0]
    assert "Ask: freeze what is counted" in page
    same = desk(closed.town.count_manager).get("/office/counting/kakuu/live/", {"key": key}).content.decode()
    assert 'data-part="to-do"' not in same and 'data-part="steps"' in same
    ask(Act.FREEZE_TALLY, closed.row, by=closed.town.count_manager)
    new = desk(closed.town.count_manager).get("/office/counting/kakuu/live/", {"key": key}).content.decode()
    assert 'data-part="to-do"' in new and "A second person decides." in new


# Two people


def test_a_manager_and_a_witness_freeze(closed: Counter) -> None:
    """Asked for and approved through the pages; then the entry is there to sign, and not before."""
    town = closed.town
    manager, witness = desk(town.count_manager), desk(town.count_witness)
    entry = f"/office/polls/kakuu/entry/{Type.TALLY_FROZEN}/?room=1"
    assert manager.get(entry).headers["Location"] == "/office/counting/kakuu/"
    answer = manager.post("/office/polls/kakuu/ask/freeze-tally/", {"room": "1", "reason": "開票を始める"})
    assert answer.headers["Location"] == "/office/counting/kakuu/"
    proposal = Proposal.objects.get(act=Act.FREEZE_TALLY)
    link = f"/office/officials/proposal/{proposal.pk}/"
    assert link in seen(town.count_witness) and link not in seen(town.count_manager)
    manager.post(f"{link}decide/", {"decision": "approve"})
    proposal.refresh_from_db()
    assert proposal.decision == "pending"
    witness.post(f"{link}decide/", {"decision": "approve"})
    proposal.refresh_from_db()
    assert (proposal.decision, proposal.decided_by) == ("approved", town.count_witness)
    prepared = json.loads(manager.get(entry).content)
    assert prepared["type"] == "tally-frozen" and prepared["signatures"] == []


def test_the_count_goes_on_when_something_came_to_the_board(closed: Counter, begun: list[str], tmp_path: Any) -> None:
    """What two officials signed is uploaded by the manager who counts; a refused file starts nothing."""
    closed.agree(Act.FREEZE_TALLY)
    prepared = prepare(closed.row, Type.TALLY_FROZEN)
    path = tmp_path / "freeze.json"
    one = prepared.signed_by(signing_key("official 1"))
    one.write(path)
    uploaded(closed.town.count_manager, path)
    assert begun == [] and not BoardEntry.objects.filter(type=Type.TALLY_FROZEN).exists()
    one.signed_by(signing_key("official 2")).write(path)
    closed.row.closes = CLOSES
    uploaded(closed.town.count_manager, path)
    assert begun == ["kakuu"] and BoardEntry.objects.filter(type=Type.TALLY_FROZEN).exists()


def uploaded(official: Official, path: Any) -> HttpResponse:
    with open(path, "rb") as file:
        answer = desk(official).post("/office/polls/kakuu/submit/", {"file": file, "room": "1"})
    assert answer.headers["Location"] == "/office/counting/kakuu/"
    return answer


def test_who_counts_brings_no_other_entries(ready: Counter, tmp_path: Any) -> None:
    """The counting manager handles the freeze and the result; the rest is the election board's."""
    ready.agree(Act.OPEN_POLLS)
    path = tmp_path / "open.json"
    submission = prepare(ready.row, Type.POLLS_OPENED)
    for name in ("official 1", "official 2"):
        submission = submission.signed_by(signing_key(name))
    submission.write(path)
    uploaded(ready.town.count_manager, path)
    assert not BoardEntry.objects.filter(type=Type.POLLS_OPENED).exists()
    assert desk(ready.town.count_manager).get("/office/polls/kakuu/entry/polls-opened/").status_code == 403


@pytest.mark.parametrize("act", [Act.FREEZE_TALLY, Act.PUBLISH_RESULT])
def test_one_official_alone_does_neither(closed: Counter, act: Act) -> None:
    """Nobody but the counting manager asks; the manager does not approve, and nobody but the second role does."""
    town = closed.town
    if act is Act.PUBLISH_RESULT:
        closed.freeze()
        closed.open_tally()
    kind = Type.TALLY_FROZEN if act is Act.FREEZE_TALLY else Type.RESULT
    second = town.count_witness if act is Act.FREEZE_TALLY else town.returning_officer
    people = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in people:
        if somebody != town.count_manager:
            with pytest.raises(NotPermitted):
                ask(act, closed.row, by=somebody)
    with pytest.raises(NotReady, match="have not agreed"):
        prepare(closed.row, kind)
    asked = ask(act, closed.row, by=town.count_manager)
    for somebody in people:
        if somebody != second:
            with pytest.raises(NotPermitted):
                officials.approve(asked, by=somebody)
    with pytest.raises(NotReady, match="have not agreed"):
        prepare(closed.row, kind)
    officials.approve(asked, by=second)
    assert prepare(closed.row, kind).type is kind


def test_nothing_is_frozen_before_the_close_nor_published_before_the_opening(closed: Counter, polls: Counter) -> None:
    manager = closed.town.count_manager
    with pytest.raises(NotReady, match="have not opened"):
        ask(Act.PUBLISH_RESULT, closed.row, by=manager)
    closed.freeze()
    with pytest.raises(NotReady, match="have not opened"):
        ask(Act.PUBLISH_RESULT, closed.row, by=manager)


def test_nothing_is_frozen_while_the_polls_are_open(polls: Counter) -> None:
    with pytest.raises(NotReady, match="not closed yet"):
        ask(Act.FREEZE_TALLY, polls.row, by=polls.town.count_manager)
    assert "Ask: freeze" not in seen(polls.town.count_manager)


# Small contests


def test_two_people_decide_to_open_a_small_contest(small: Counter) -> None:
    """The manager chooses in the control room; the witness reads it in the request; the entry says so."""
    town = small.town
    page = seen(town.count_manager)
    assert 'name="opened" value="mayor"' in page and 'name="opened" value="judges"' in page
    desk(town.count_manager).post("/office/polls/kakuu/ask/freeze-tally/", {"room": "1", "opened": ["mayor"]})
    proposal = Proposal.objects.get(act=Act.FREEZE_TALLY)
    assert proposal.payload == {"opened": ["mayor"]}
    assert "opened although below the minimum group: mayor" in proposal.summary
    officials.approve(proposal, by=town.count_witness)
    body = prepare(small.row, Type.TALLY_FROZEN).body
    assert {contest["contest"]: contest["open"] for contest in body["contests"]} == {"mayor": True, "judges": False}


def test_what_is_not_small_is_not_decided_about(closed: Counter) -> None:
    assert 'name="opened"' not in seen(closed.town.count_manager)
    for contest in ("mayor", "nobody"):
        with pytest.raises(NotReady, match=f"{contest}: not below the minimum group"):
            ask(Act.FREEZE_TALLY, closed.row, by=closed.town.count_manager, opened=[contest])
    assert not Proposal.objects.filter(act=Act.FREEZE_TALLY).exists()


@pytest.mark.parametrize(("agreed", "signed"), [((), True), (("mayor",), False)])
def test_a_freeze_that_opens_something_else_is_refused(small: Counter, agreed: tuple[str, ...], signed: bool) -> None:
    """Two signatures are enough for the board; the office wants the contests that two people agreed on."""
    small.agree(Act.FREEZE_TALLY, opened=agreed)
    body = prepare(small.row, Type.TALLY_FROZEN).body
    require_agreed(small.row, Submission(Type.TALLY_FROZEN, body))
    body["contests"][0]["open"] = signed
    with pytest.raises(NotReady, match="is not what two officials agreed on"):
        require_agreed(small.row, Submission(Type.TALLY_FROZEN, body))


def test_a_result_that_nobody_agreed_on_is_refused(closed: Counter) -> None:
    closed.freeze()
    closed.open_tally()
    closed.agree(Act.PUBLISH_RESULT)
    body = prepare(closed.row, Type.RESULT).body
    require_agreed(closed.row, Submission(Type.RESULT, body))
    body["contests"][0]["total"]["counts"][0]["count"] += 1
    with pytest.raises(NotReady, match="is not what two officials agreed on"):
        require_agreed(closed.row, Submission(Type.RESULT, body))


# Nothing leaks


def test_no_answer_is_in_the_control_room_before_the_result(full: Hall) -> None:
    """At every stage: no candidate, no text that somebody wrote, nothing of the opened tally."""
    words = ["架空 花子", "架空花子", "架空 一郎", "議員 41", "判事 02", "委員 竹"]
    manager = full.town.count_manager

    def nothing() -> None:
        for part in ("", "live/"):
            page = seen(manager, part)
            assert not [word for word in words if word in page]

    nothing()
    full.fix()
    nothing()
    full.mix()
    full.unlock()
    nothing()
    full.agree(Act.PUBLISH_RESULT)
    nothing()


def test_looking_changes_nothing(closed: Counter) -> None:
    before = BoardEntry.objects.count(), Proposal.objects.count(), AccessEntry.objects.count()
    seen(closed.town.poll_manager)
    seen(closed.town.poll_manager, "live/")
    assert (BoardEntry.objects.count(), Proposal.objects.count(), AccessEntry.objects.count()) == before


# Turnout


def test_before_the_close_there_are_only_totals(polls: Counter) -> None:
    for elector in electors(polls.row)[:3]:
        polls.voter(elector)
    assert control.turnout_by_category(polls.row) == [] == control.turnout_by_area(polls.row)
    room = control.room(polls.row)
    assert room.issued == 3
    assert "北投票区" not in seen(polls.town.clerk)


def test_turnout_when_nothing_changes_any_more(closed: Counter) -> None:
    """One in the north and one in the south: none is told apart."""
    [category] = control.turnout_by_category(closed.row)
    assert (category.issued, category.cast) == (2, 2)
    [(unit, districts)] = control.turnout_by_area(closed.row)
    assert (unit.name, unit.issued, unit.cast) == ("北, 南", 2, 2)
    assert [(line.name, line.cast) for line in districts] == [("北投票区, 南投票区", 2)]


def test_all_of_a_small_election_is_below_the_minimum(small: Counter) -> None:
    [category] = control.turnout_by_category(small.row)
    assert category.cast is None
    assert "fewer than 2 cast" in seen(small.town.clerk)


def test_no_difference_of_two_lines_is_a_small_district(closed: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of 53 and 60; in the first a district of 3, in the second one of 8. Put together across units, the three
    would be the difference between the unit's line and that of its large district.
    """
    north, south = closed.row.units.order_by("position")
    codes = {"n1": (north, 50), "n2": (north, 3), "s1": (south, 52), "s2": (south, 8)}
    made = {
        code: (District(pk=number, code=code, name=code, unit=unit), cast)
        for number, (code, (unit, cast)) in enumerate(codes.items(), 900)
    }
    numbers = {district.pk: (cast + 1, cast) for district, cast in made.values()}

    class Rows(list[District]):
        def select_related(self, *_names: str) -> Rows:
            return self

        def order_by(self, *_names: str) -> Rows:
            return self

    class Row:
        pk, minimum_group, districts = closed.row.pk, 10, Rows(district for district, _cast in made.values())

    monkeypatch.setattr(control, "_by", lambda election, path: numbers)
    found = control.turnout_by_area(Row())  # type: ignore[arg-type]
    assert [(unit.name, unit.cast, [(line.name, line.cast) for line in inside]) for unit, inside in found] == [
        ("北", 53, [("n1, n2", 53)]),
        ("南", 60, [("s1, s2", 60)]),
    ]


# Going on


def test_who_may_have_the_count_go_on(closed: Counter, begun: list[str]) -> None:
    town = closed.town
    for somebody, status in ((town.count_witness, 403), (town.auditor, 403), (town.clerk, 302)):
        assert desk(somebody).post("/office/counting/kakuu/go-on/").status_code == status
    assert begun == ["kakuu"]
    assert desk(town.clerk).get("/office/counting/kakuu/go-on/").status_code == 405


def test_a_step_is_not_done_before_its_last_shuffle(full: Hall) -> None:
    full.fix()
    for _ in range(5):
        full.mix_one()
        assert standings(full)["mix-stage"] == Standing.NOW
    full.mix_one()
    assert standings(full)["mix-stage"] == Standing.DONE


def test_before_the_opening_the_room_does_not_wait_for_the_board(full: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay may be busy for minutes with checking a stage."""
    monkeypatch.setattr(control, "adjudicated", lambda *_: pytest.fail("it asks replay"))
    names = control.undecided_names(full.row)
    assert names and all(left is None for *_, left in names)


def test_a_summary_of_many_contests_is_cut(closed: Counter) -> None:
    """All of them are in what is agreed on; a proposal that could not be stored would keep them closed for good."""
    contests = [f"contest-with-a-long-identifier-{number:02}" for number in range(40)]
    assert len(opening._summary(Act.FREEZE_TALLY, closed.row, contests)) <= 500
    assert opening._summary(Act.FREEZE_TALLY, closed.row, contests[:2]).endswith(", ".join(contests[:2]))
