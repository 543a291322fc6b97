"""The demonstration, step by step. Everything goes the way it goes in a real election: entries are signed by those who
may sign them and admitted by the board's service; nothing is written to the database past it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from nacl.signing import SigningKey

from tally import ceremony, trustee, witness
from tally.ballot import BallotMaker, Choice
from tally.shares import Share, unseal_share
from tally.signing import public_key, sign_entry
from verifier import PROTOCOL
from verifier.ballots import Setting
from verifier.crypto.group import SEED
from verifier.record.canonical import decode_bytes, encode_bytes
from verifier.record.entries import Type
from verifier.record.key import key_hash
from verifier.record.manifest import ACTS, BLANK
from verifier.record.schema import format_minute
from verifier.replay.state import State
from voting.applications.models import Application
from voting.applications.rules.moments import JAPAN
from voting.board import keys
from voting.board.replica import replica_of
from voting.board.services import NO_COLUMNS, add_cosignature, append, publish_checkpoint
from voting.counting import progress
from voting.counting.conductor import Hands, go_on
from voting.counting.hands import HereHands
from voting.credentials.services import begin_binding, finish_binding
from voting.demo.cast import THRESHOLD, Cast
from voting.demo.office import ElectionOffice, people, write_roll
from voting.demo.show import Show
from voting.demo.town import UNITS, Question, Scenario, Voter
from voting.elections.services import define_election
from voting.officials.roles import Act
from voting.officials.services import approve
from voting.polls.acceptance import (
    accept_rest,
    ask_to_refuse,
    exceptional,
    follow_board,
    settle,
    strip,
)
from voting.polls.opening import ask, prepare
from voting.records.balance import balance
from voting.records.models import Part
from voting.records.seal import ask_to_seal
from voting.roll.commitment import ask_to_commit, make_leaves

MINIMUM_GROUP = 10
CAMPAIGN_DAYS = 7
BEFORE_NOTICE = timedelta(days=2)
CLOSING_TIME = time(20)
LIVE_UNTIL_POLL = timedelta(days=2)


class Demonstration:
    """One election in the making, with the keys of everybody in it."""

    def __init__(self, scenario: Scenario, bits: int, show: Show, visitors: Sequence[str] = ()) -> None:
        """`visitors`: voters who get a letter instead of voting here; the polls are then open now."""
        self.scenario, self.bits, self.show, self.visitors = scenario, bits, show, visitors
        self.cast = Cast()
        self.hands: Hands = HereHands(self.cast.mixers)
        self.office = ElectionOffice()
        # A clock of its own: the poll was yesterday, and days of voting pass in a minute, unless somebody visits it.
        self.day = timezone.localdate() + (LIVE_UNTIL_POLL if visitors else -timedelta(days=1))
        self.notice = self.day - timedelta(days=CAMPAIGN_DAYS)
        self.opens = datetime.combine(self.notice + timedelta(days=1), time(), JAPAN).astimezone(UTC)
        self.closes = datetime.combine(self.day - timedelta(days=1), CLOSING_TIME, JAPAN).astimezone(UTC)
        self.clock = self.opens - BEFORE_NOTICE
        self.until = timezone.now() if visitors else self.closes
        self.people = people(scenario)
        self.applications: dict[str, Application] = {}
        self.slots: dict[str, str] = {}
        self.shares: list[bytes] = []
        self.memories: dict[int, trustee.Memory] = {}

    def begin(self) -> None:
        """From the manifest to the votes of everybody but the visitors."""
        self.define()
        self.deal()
        self.import_roll()
        self.apply()
        self.bind()
        self.vote()

    def finish(self) -> None:
        """From the close to the sealed records."""
        self.close()
        self.mix()
        self.open()
        self.publish()
        self.seal()

    # The way to the board

    @property
    def state(self) -> State:
        return replica_of(self.election.pk).catch_up().state

    def _append(
        self, entry_type: Type, body: Any, signers: Iterable[SigningKey], columns: Mapping[bytes, bytes] = NO_COLUMNS
    ) -> int:
        signatures = sign_entry(entry_type, body, signers)
        entry = append(
            self.election, entry_type=entry_type, body=body, signatures=signatures, columns=columns, time=self.clock
        )
        return entry.index

    def _act(self, entry_type: Type, agreed: Act | None = None) -> int:
        """An official act: two officials agree on it in the office, two sign it for the board."""
        if agreed is not None:
            first, second = self.office.deciding(agreed)
            approve(ask(agreed, self.election, by=first), by=second)
        return self._append(entry_type, prepare(self.election, entry_type).body, self.cast.officials[:2])

    # Steps

    def define(self) -> None:
        """Two officials agree on the definition and sign the manifest; its hash is the election's id."""
        self.show.step("Two officials sign the manifest", "its hash is the election's id")
        record = manifest_record(self.scenario, self.cast, self.bits, self.opens, self.closes)
        election = define_election(slug=f"demo-{secrets.token_hex(4)}", record=record)
        self.election = self.office.own(election, self.scenario.kind, self.notice, self.day)
        self._act(Type.MANIFEST, Act.FIX_DEFINITION)
        self.election.refresh_from_db()
        self.id = bytes(self.election.manifest_hash or b"")
        self.show.fact("election id", encode_bytes(self.id))

    def deal(self) -> None:
        """The dealer makes the key; each trustee imports the share that is sealed for the own signing key."""
        n, t = len(self.cast.trustees), THRESHOLD
        self.show.step("The dealer makes the key", f"{self.bits} bits, {n} trustees of whom {t} open")
        with self.show.search("candidates for two safe primes") as tested:
            dealt = ceremony.deal(self.bits, n, t, self.id, tested)
        body = ceremony.key_body(dealt, self.id)
        self._append(Type.KEY, body, self.cast.officials[:2])
        parties = self.state.manifest.trustees if self.state.manifest else ()
        for number, (party, s) in enumerate(zip(parties, dealt.shares, strict=True), 1):
            self.shares.append(Share(self.id, key_hash(body), number, s).seal_for(party.key))
        checkpoint = publish_checkpoint(self.election, self.clock).text
        for number, key in enumerate(self.cast.trustees, 1):
            confirmation, memory = trustee.import_share(self.state, checkpoint, self._share(number), key)
            self.memories[number] = memory
            self._append(confirmation.type, confirmation.body, [key])
        self.show.fact("shares confirmed", f"{n} of {n}")

    def _share(self, number: int) -> Share:
        key = self.cast.trustees[number - 1]
        return unseal_share(self.shares[number - 1], f"share {number}", _no_passphrase, key)

    def import_roll(self) -> None:
        """A roll file is checked, approved by a second official, and committed to; the roll itself stays private."""
        self.show.step(
            "The roll is imported and committed to", f"{len(self.people)} rows, approved by a second official"
        )
        path = settings.VAR_DIR / "demo" / "roll.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_roll(path, self.people, self.notice)
        with self.show.task("rows") as progress:
            imported = self.office.import_roll(self.election, path, progress)
        self.show.fact("roll file", f"{path.name}, {imported.encoding}, {imported.rows_read} rows")
        with self.show.task("leaves") as progress:
            make_leaves(self.election, progress)
        approve(ask_to_commit(self.election, by=self.office.clerk), by=self.office.chair)
        self._act(Type.ROLL_COMMITMENT)

    def apply(self) -> None:
        """Voters apply in several categories; a clerk reviews, the chair decides, a health officer confirms."""
        self.show.step("Voters apply, two officials decide", f"{len(self.scenario.voters)} ballots are issued")
        voters = {voter.id: person for voter, person in zip(self.scenario.voters, self.people, strict=False)}
        with self.show.task("applications") as progress:
            self.applications = self.office.ballots_for(self.election, voters, self.clock, progress)
        self.office.others(self.election, self.people[len(voters) :], self.clock)
        self.show.outcomes(self.office.outcomes)

    def bind(self) -> None:
        """The registrar binds each voter's device to a slot of the board; the polls open."""
        count = len(self.applications) - len(self.visitors)
        self.show.step("Devices are bound to slots", f"{count} entries signed by device and registrar")
        here = [(voter, application) for voter, application in self.applications.items() if voter not in self.visitors]
        for voter, application in self.show.progress("slots", here):
            device = self.cast.voter(voter)
            body = begin_binding(application, public_key(device))
            signed = sign_entry(Type.CREDENTIAL_REGISTERED, body, [device])
            finish_binding(application, decode_bytes(signed[0]["signature"], 64), time=self.clock)
            self.slots[voter] = body["slot"]
        self._act(Type.POLLS_OPENED, Act.OPEN_POLLS)

    def vote(self) -> None:
        """Devices encrypt and prove, the board admits; first everybody's first ballot, then the later ones."""
        voters = [voter for voter in self.scenario.voters if voter.id not in self.visitors]
        rounds = max(len(voter.ballots) for voter in voters)
        turns = [(voter, number) for number in range(rounds) for voter in voters if number < len(voter.ballots)]
        revotes = len(turns) - len(voters)
        self.show.step("Voters vote", f"{len(turns)} ballots, {revotes} of them in place of an earlier one")
        manifest, key = self.state.require()
        maker = BallotMaker(Setting(manifest, key, self.state.base))
        pause = (self.until - self.opens) / (len(turns) + 1)
        for turn, (voter, number) in enumerate(self.show.progress("ballots", turns)):
            self.clock = (self.opens + turn * pause).replace(second=0, microsecond=0)
            if voter.challenges and number == 0:
                self._challenge(maker, voter)
            ballot, _ = self._ballot(maker, voter, voter.ballots[number])
            self._append(Type.BALLOT_CAST, ballot, [self.cast.voter(voter.id)])

    def _ballot(self, maker: BallotMaker, voter: Voter, choices: Mapping[str, Choice]) -> tuple[dict[str, Any], bytes]:
        name, seed = self.slots[voter.id], secrets.token_bytes(32)
        slot = self.state.slots[name]
        return maker.make(slot.style, name, slot.sequence + 1, slot.credential, choices, seed), seed

    def _challenge(self, maker: BallotMaker, voter: Voter) -> None:
        """A voter tests the device: this ballot is published with its seed and never counts."""
        ballot, seed = self._ballot(maker, voter, voter.ballots[0])
        body = {"ballot": ballot, "seed": encode_bytes(seed)}
        self._append(Type.BALLOT_OPENED, body, [self.cast.voter(voter.id)])

    def close(self) -> None:
        """The polls close; ballots of people who voted on paper are refused, the rest is accepted and frozen."""
        follow_board(self.election)
        paper = [self.applications[voter.id] for voter in self.scenario.voters if voter.votes_on_paper]
        for application in paper:
            self.office.vote_on_paper(application.elector)
        self.clock = self.closes
        self._act(Type.POLLS_CLOSED, Act.CLOSE_POLLS)
        self.show.step("Ballots are accepted, the counted set is frozen", f"{len(paper)} refused: paper wins")
        settle(self.election)
        for case in exceptional(self.election):
            asked = ask_to_refuse(
                case.application, ground=case.ground, reason="期日前投票の記録", by=self.office.poll_manager
            )
            approve(asked, by=self.office.poll_witness)
        self.show.fact("accepted", f"{accept_rest(self.election, by=self.office.poll_manager)} ballots")
        if paper:
            self._act(Type.WITHDRAWALS)
        self._act(Type.TALLY_FROZEN, Act.FREEZE_TALLY)
        strip(self.election)
        for tally in self.state.tallies:
            groups = [f"{'+'.join(group.units)} ({group.ballots})" for group in tally.groups]
            self.show.fact(f"groups of {tally.contest.id}", ", ".join(groups))

    def mix(self) -> None:
        """Each mixer in turn permutes and re-encrypts every mixnet list."""
        self.show.step("Mixers shuffle the ballots of mixnet contests", f"{len(self.cast.mixers)} mixers")
        self._go_on()

    def open(self) -> None:
        """Three of five trustees take roots of what replay names; the count combines them."""
        chosen = sorted(secrets.SystemRandom().sample(range(1, len(self.cast.trustees) + 1), THRESHOLD))
        named = ", ".join(map(str, chosen))
        self.show.step("Trustees open", f"trustees {named} take N-th roots of {len(self.state.named())} ciphertexts")
        checkpoint = publish_checkpoint(self.election, self.clock).text
        for number in chosen:
            key = self.cast.trustees[number - 1]
            with self.show.task(f"trustee {number}") as progress:
                opened = trustee.open_tally(
                    self.state,
                    checkpoint,
                    self._share(number),
                    key,
                    self.memories[number],
                    lambda memory, number=number: self.memories.update({number: memory}),  # type: ignore[misc]
                    lambda _, done, total, progress=progress: progress(done, total),  # type: ignore[misc]
                )
            self._append(opened.type, opened.body, [key], opened.columns)
        self._go_on()
        self._act(Type.RESULT, Act.PUBLISH_RESULT)

    def _go_on(self) -> None:
        """The count goes on by itself until somebody is needed."""
        with self.show.works() as tell:
            go_on(self.election, self.hands, lambda: self.clock, tell)
        for problem in progress.problems(self.election.pk).values():
            self.show.fact("problem", problem)

    def publish(self) -> None:
        """The board signs its head, and a newspaper cosigns it."""
        self.show.step("The board signs its head, a witness cosigns", "")
        manifest, _ = self.state.require()
        checkpoint = publish_checkpoint(self.election, self.clock)
        add_cosignature(self.election, witness.cosign(manifest, checkpoint.text, self.cast.witness))
        self._go_on()
        self.show.fact("entries on the board", str(checkpoint.size))

    def seal(self) -> None:
        """Two officials seal the records, which they can only when every ballot issued is accounted for."""
        self.show.step("The records balance and are sealed", "two officials")
        total = balance(self.election).total
        self.show.fact(
            "issued", f"{total.issued} = {total.cast} cast + {total.returned} returned + {total.lapsed} lapsed"
        )
        self.show.fact("cast", f"{total.cast} = {total.accepted} accepted + {total.refused} refused")
        for part in Part:
            approve(ask_to_seal(self.election, by=self.office.clerk, part=part), by=self.office.chair)

    # What the demo knows and nobody else does

    def published(self) -> dict[str, dict[str, int]]:
        """contest → answer → votes, as the board says."""
        result = self.state.result
        if result is None:
            raise RuntimeError("there is no result yet")
        return {contest["contest"]: _votes(contest["total"]) for contest in result["contests"]}


def _no_passphrase(name: str) -> str:
    raise RuntimeError(f"{name} is sealed for a key, not under a passphrase")


def _votes(total: Mapping[str, Any]) -> dict[str, int]:
    votes = {label(line["answer"]): line["count"] for line in total["counts"] if line["count"]}
    if total["blank"]:
        votes[BLANK] = total["blank"]
    return votes


def label(answer: Choice | Sequence[str]) -> str:
    """One text for an option or a ranking."""
    return answer if isinstance(answer, str) else " > ".join(answer)


def cast_votes(scenario: Scenario) -> dict[str, dict[str, int]]:
    """The same from the choices themselves: the last ballot of everyone who did not vote on paper."""
    votes: dict[str, Counter[str]] = {question.id: Counter() for question in scenario.questions}
    for voter in scenario.voters:
        if voter.votes_on_paper:
            continue
        for question in scenario.questions:
            choice = voter.ballots[-1][question.id]
            votes[question.id].update(choice if question.kind == "choose-several" else [label(choice)])
    return {contest: dict(counter) for contest, counter in votes.items()}


def manifest_record(scenario: Scenario, cast: Cast, bits: int, opens: datetime, closes: datetime) -> dict[str, Any]:
    """The manifest of the demonstration, in wire form."""
    board = keys.load_or_create(Path(settings.BOARD_KEY_FILE))
    parties = {
        role: [{"name": name, "key": encode_bytes(key)} for name, key in named]
        for role, named in cast.parties().items()
    }
    return {
        "protocol": PROTOCOL,
        "title": scenario.title,
        "legal_basis": "架空市条例（実在しません）",
        "opens": format_minute(opens),
        "closes": format_minute(closes),
        "modulus_bits": bits,
        "threshold": THRESHOLD,
        "minimum_group": MINIMUM_GROUP,
        "revote": True,
        "generators": SEED,
        "board": {"origin": "board.kakuu.example/demo", "key": encode_bytes(public_key(board))},
        "registrar": parties["registrar"][0],
        "officials": parties["official"],
        "trustees": parties["trustee"],
        "mixers": parties["mixer"],
        "witnesses": parties["witness"],
        "witness_threshold": 1,
        "acts": dict.fromkeys(ACTS, 2),
        "units": [{"id": identifier, "name": name} for identifier, name in UNITS],
        "contests": [_contest_record(question, opens, closes) for question in scenario.questions],
        "styles": [
            {"id": unit, "unit": unit, "contests": [question.id for question in scenario.questions]}
            for unit, _ in UNITS
        ],
        "served": [],  # taken when two officials agree on the definition
    }


def _contest_record(question: Question, opens: datetime, closes: datetime) -> dict[str, Any]:
    return {
        "id": question.id,
        "title": question.title,
        "kind": question.kind,
        "form": str(question.form),
        "seats": question.seats,
        "options": [
            {
                "id": option.id,
                "name": option.name,
                "reading": option.reading,
                "party": option.party,
                "list": "",
                "priority": 0,
                "candidates": [],
            }
            for option in question.options
        ],
        "blank": question.blank,
        "least": question.least,
        "most": question.most,
        "width": 1,
        "opens": format_minute(opens),
        "closes": format_minute(closes),
    }
