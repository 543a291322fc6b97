"""One vote for one person: the whole table of steps, on paper or online, for everybody who looks like the same one."""

from __future__ import annotations

from itertools import product

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.voting import kakuu
from tests.voting.kakuu import World
from tests.voting.offices import Town
from voting.access.models import AccessEntry
from voting.errors import AlreadyProposed, NotEligible, NotPermitted, SamePerson, VoteTaken
from voting.officials.models import Official, Proposal
from voting.officials.roles import Act
from voting.officials.services import approve
from voting.roll.models import Distinction, Elector, PaperWay, Vote
from voting.roll.services import (
    STEPS,
    Step,
    ask_to_tell_apart,
    ask_to_undo_paper,
    lookalikes,
    record_paper_vote,
    take_step,
)

pytestmark = pytest.mark.django_db

ON_PAPER = (Vote.PAPER, Vote.PAPER_WINS)


@pytest.fixture
def world(town: Town) -> World:
    return kakuu.world(town)


def put(elector: Elector, vote: Vote) -> None:
    """The roll says so, however it came there."""
    way = PaperWay.EARLY if vote in ON_PAPER else ""
    Elector.objects.filter(pk=elector.pk).update(vote=vote, paper_way=way, vote_at=None)


def vote_of(elector: Elector) -> str:
    return Elector.objects.get(pk=elector.pk).vote


def step(elector: Elector, what: Step) -> Elector:
    return take_step(elector.pk, what, paper_way=PaperWay.STATION if what is Step.PAPER else "")


# The table


@pytest.mark.parametrize("revote", [True, False])
def test_only_what_the_table_names_happens(town: Town, revote: bool) -> None:
    """Every pair of what the roll says and a step. Where nobody votes again, no paper follows an online ballot that
    is cast (requirement 20; domain, 8.1).
    """
    elector = kakuu.world(town, revote=revote).electors["taro"]
    for before, what in product(Vote, Step):
        put(elector, before)
        after = STEPS.get((before, what))
        if after is None or (after is Vote.PAPER_WINS and not revote):
            with pytest.raises(VoteTaken) as refusal:
                step(elector, what)
            assert (refusal.value.code, refusal.value.where) == ("vote-taken", elector.list_number)
            assert vote_of(elector) == before
            continue
        start = timezone.now()
        marked = step(elector, what)
        stored = Elector.objects.get(pk=elector.pk)
        assert marked.vote == stored.vote == after
        assert stored.vote_at is not None and start <= stored.vote_at <= timezone.now()
        assert stored.paper_way == (PaperWay.STATION if after in ON_PAPER else "")


def test_what_was_voted_is_never_undone() -> None:
    """Nothing leads back from a ballot that is cast, accepted or on paper, but two people who mend a wrong record."""
    final = {Vote.CAST, Vote.ACCEPTED, *ON_PAPER}
    others = {key: after for key, after in STEPS.items() if key[1] is not Step.UNDO_PAPER}
    assert all(after in final for (before, _step), after in others.items() if before in final)
    assert not [1 for before, _step in others if before in (Vote.ACCEPTED, *ON_PAPER)]


# Lookalikes (requirement 5)


def test_variants_on_both_rolls_are_lookalikes(world: World) -> None:
    """斎藤実, 齋藤實 and 斉藤実 of one birthday and sex, one of them living abroad."""
    rows = [world.electors[key] for key in ("twin", "other_twin", "abroad_twin")]
    for row in rows:
        assert set(lookalikes(row)) == set(rows) - {row}
    assert not lookalikes(world.electors["taro"]).exists()


def test_lookalikes_are_of_one_election(town: Town, world: World) -> None:
    again = kakuu.world(town, slug="again")
    assert again.electors["twin"] not in lookalikes(world.electors["twin"])
    take_step(world.electors["twin"].pk, Step.ISSUE)
    take_step(again.electors["twin"].pk, Step.ISSUE)


@pytest.mark.parametrize("what", [Step.ISSUE, Step.PAPER])
@pytest.mark.parametrize("vote", [vote for vote in Vote if vote is not Vote.NONE])
def test_a_lookalike_with_a_vote_stands_in_the_way(world: World, what: Step, vote: Vote) -> None:
    """Issued, cast, or on paper: nobody gets a second one by a second row."""
    first, second = world.electors["other_twin"], world.electors["abroad_twin"]
    put(first, vote)
    with pytest.raises(SamePerson) as refusal:
        step(second, what)
    assert first.list_number in refusal.value.reason and refusal.value.where == second.list_number
    assert vote_of(second) == Vote.NONE


def test_a_lookalike_does_not_stop_what_was_begun(world: World) -> None:
    """A vote that somebody has already goes on, even if the same name came to the roll since."""
    first, second = world.electors["twin"], world.electors["other_twin"]
    put(first, Vote.ISSUED)
    put(second, Vote.ISSUED)
    step(first, Step.CAST)
    step(second, Step.GIVE_BACK)
    assert (vote_of(first), vote_of(second)) == (Vote.CAST, Vote.NONE)


def test_two_officials_tell_two_people_apart(world: World) -> None:
    """Only these two: a third row that looks the same still stands in the way."""
    first, second, third = (world.electors[key] for key in ("twin", "other_twin", "abroad_twin"))
    town = world.town
    asked = ask_to_tell_apart(second, first, reason="戸籍を確認", by=town.clerk)
    step(first, Step.ISSUE)
    with pytest.raises(SamePerson):
        step(second, Step.ISSUE)
    with pytest.raises(NotPermitted):
        approve(asked, by=town.clerk)
    approve(asked, by=town.second_clerk)
    row = Distinction.objects.get()
    assert {row.first, row.second} == {first, second} and row.first_id < row.second_id
    assert set(lookalikes(first)) == {third}
    step(second, Step.ISSUE)
    with pytest.raises(SamePerson):
        step(third, Step.ISSUE)
    logged = AccessEntry.objects.filter(act=Act.TELL_APART, subjects=sorted([first.pk, second.pk]))
    assert logged.count() == 2, "asked for, and done"


def test_only_rows_that_look_alike_are_told_apart_on_the_page(world: World) -> None:
    clerk = Client(headers={"accept-language": "en"})
    clerk.force_login(world.town.clerk)
    taro, hanako, twin = (world.electors[key] for key in ("taro", "hanako", "twin"))
    address = reverse("roll:apart", args=[taro.pk, hanako.pk])
    page = clerk.post(address, {"reason": "戸籍を確認"}, follow=True).content.decode()
    assert "These two rows do not look like one person." in page and not Proposal.objects.exists()
    address = reverse("roll:apart", args=[twin.pk, world.electors["other_twin"].pk])
    clerk.post(address, {"reason": "長" * 1001})
    assert not Proposal.objects.exists()  # nothing is cut in silence
    clerk.post(address, {"reason": "戸籍を確認"})
    assert Proposal.objects.get().reason == "戸籍を確認"


def test_who_may_tell_apart(world: World) -> None:
    first, second = world.electors["twin"], world.electors["other_twin"]
    _board, *neighbours = kakuu.neighbour()
    town = world.town
    for somebody in (town.poll_manager, town.attestor, town.auditor, town.system_admin, *neighbours):
        with pytest.raises(NotPermitted):
            ask_to_tell_apart(first, second, reason="x", by=somebody)
    asked = ask_to_tell_apart(first, second, reason="x", by=town.clerk)
    for somebody in (town.poll_manager, town.auditor, *neighbours):
        with pytest.raises(NotPermitted):
            approve(asked, by=somebody)
    with pytest.raises(AlreadyProposed):
        ask_to_tell_apart(second, first, reason="x", by=town.chair)
    assert not Distinction.objects.exists()


def test_only_two_rows_of_one_election_are_told_apart(town: Town, world: World) -> None:
    twin = world.electors["twin"]
    for other in (twin, kakuu.world(town, slug="again").electors["twin"]):
        with pytest.raises(ValueError, match="two rows"):
            ask_to_tell_apart(twin, other, reason="x", by=town.clerk)


# Paper


@pytest.mark.parametrize("way", PaperWay)
def test_a_paper_vote_is_marked_and_logged(world: World, way: PaperWay) -> None:
    """And from then on nothing is issued online."""
    taro, town = world.electors["taro"], world.town
    marked = record_paper_vote(taro, way=way, by=town.poll_manager)
    assert (marked.vote, marked.paper_way) == (Vote.PAPER, way)
    entry = AccessEntry.objects.get()
    assert (entry.act, entry.official, entry.subjects) == ("mark-paper", "poll-manager", [taro.pk])
    assert taro.name not in entry.purpose
    for what in (Step.ISSUE, Step.PAPER):
        with pytest.raises(VoteTaken):
            step(taro, what)


def test_who_holds_a_ballot_gives_it_back_first(world: World) -> None:
    """令64: no paper while an online ballot is out, whichever way; after it was given back, there is."""
    taro, town = world.electors["taro"], world.town
    step(taro, Step.ISSUE)
    for way in PaperWay:
        with pytest.raises(VoteTaken):
            record_paper_vote(taro, way=way, by=town.clerk)
    assert not AccessEntry.objects.exists()
    step(taro, Step.GIVE_BACK)
    assert record_paper_vote(taro, way=PaperWay.EARLY, by=town.clerk).vote == Vote.PAPER


def test_an_unused_ballot_lapses_and_leaves_the_polling_station(world: World) -> None:
    taro = world.electors["taro"]
    step(taro, Step.ISSUE)
    step(taro, Step.LAPSE)
    assert record_paper_vote(taro, way=PaperWay.STATION, by=world.town.poll_manager).vote == Vote.PAPER


@pytest.mark.parametrize("revote", [True, False])
def test_after_casting(town: Town, revote: bool) -> None:
    """Where one may vote again, paper wins, and the online ballot is marked for withdrawal; otherwise there is none."""
    taro = kakuu.world(town, revote=revote).electors["taro"]
    step(taro, Step.ISSUE)
    step(taro, Step.CAST)
    if revote:
        assert record_paper_vote(taro, way=PaperWay.EARLY, by=town.clerk).vote == Vote.PAPER_WINS
    else:
        with pytest.raises(VoteTaken, match="does not allow to vote again"):
            record_paper_vote(taro, way=PaperWay.EARLY, by=town.clerk)
    with pytest.raises(VoteTaken):
        step(taro, Step.GIVE_BACK)


def test_a_stale_row_is_not_believed(world: World) -> None:
    """What another process marked since counts, not what this one remembers."""
    remembered = Elector.objects.get(pk=world.electors["taro"].pk)
    step(world.electors["taro"], Step.ISSUE)
    with pytest.raises(VoteTaken):
        record_paper_vote(remembered, way=PaperWay.EARLY, by=world.town.clerk)


def test_who_may_mark_paper(world: World) -> None:
    taro, town = world.electors["taro"], world.town
    _board, *neighbours = kakuu.neighbour()
    allowed = (town.clerk, town.second_clerk, town.chair, town.second_chair, town.poll_manager)
    everybody = [one for one in vars(town).values() if isinstance(one, Official)]
    for somebody in [*everybody, *neighbours]:
        if somebody not in allowed:
            with pytest.raises(NotPermitted):
                record_paper_vote(taro, way=PaperWay.EARLY, by=somebody)
    assert vote_of(taro) == Vote.NONE
    for somebody in allowed:
        put(taro, Vote.NONE)
        assert record_paper_vote(taro, way=PaperWay.EARLY, by=somebody).vote == Vote.PAPER


def test_nothing_is_marked_where_nobody_holds_the_election(world: World) -> None:
    world.election.office = None
    world.election.save()
    taro = Elector.objects.get(pk=world.electors["taro"].pk)
    with pytest.raises(VoteTaken):
        record_paper_vote(taro, way=PaperWay.EARLY, by=world.town.clerk)
    with pytest.raises(ValueError, match="two rows"):
        ask_to_tell_apart(taro, Elector.objects.get(number="hanako"), reason="x", by=world.town.clerk)


# Recorded by mistake


def test_two_people_take_a_vote_on_paper_back(world: World) -> None:
    """A wrong number on the roll must not cost anybody the vote, online or on paper."""
    town, taro, hanako = world.town, world.electors["taro"], world.electors["hanako"]
    put(hanako, Vote.CAST)
    for elector, before in ((taro, Vote.NONE), (hanako, Vote.CAST)):
        marked = record_paper_vote(elector, way=PaperWay.STATION, by=town.poll_manager)
        asked = ask_to_undo_paper(marked, reason="番号の間違い", by=town.poll_manager)
        approve(asked, by=town.clerk)
        assert (vote_of(elector), Elector.objects.get(pk=elector.pk).paper_way) == (before, "")


def test_only_a_vote_on_paper_is_taken_back(world: World) -> None:
    taro = world.electors["taro"]
    for vote in set(Vote) - {Vote.PAPER, Vote.PAPER_WINS}:
        put(taro, vote)
        with pytest.raises(VoteTaken):
            ask_to_undo_paper(Elector.objects.get(pk=taro.pk), reason="x", by=world.town.clerk)


def test_who_has_no_franchise_does_not_vote_on_paper(world: World) -> None:
    with pytest.raises(NotEligible):
        record_paper_vote(world.electors["dead"], way=PaperWay.STATION, by=world.town.poll_manager)
    assert vote_of(world.electors["dead"]) == Vote.NONE
