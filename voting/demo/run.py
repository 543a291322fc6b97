"""The demonstration, step by step. Everything goes the way it goes in a real election: entries are signed by those who
may sign them and admitted by the board's service; nothing is written to the database past it.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from nacl.signing import SigningKey

from tally import ceremony, stages, trustee, witness
from tally.ballot import BallotMaker, Choice
from tally.shares import Share, unseal_share
from tally.signing import public_key, sign_entry
from verifier import PROTOCOL
from verifier.ballots import Setting
from verifier.crypto.group import SEED
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.record.key import key_hash
from verifier.record.manifest import ACTS, BLANK, election_id
from verifier.record.roll import roll_leaf, roll_tree
from verifier.record.schema import format_minute
from verifier.replay.state import State
from voting.board import keys
from voting.board.replica import replica_of
from voting.board.services import NO_COLUMNS, add_cosignature, append, publish_checkpoint
from voting.demo.cast import THRESHOLD, Cast
from voting.demo.show import Show
from voting.demo.town import UNITS, Question, Scenario, Voter
from voting.elections.services import define_election

MINIMUM_GROUP = 10
SPARE_ROWS = 15
"""people on the roll who do not apply"""
WITHDRAWAL_REASON = "投票用紙で投票した"
DAYS_AGO = 7


class Demonstration:
    """One election in the making, with the keys of everybody in it."""

    def __init__(self, scenario: Scenario, bits: int, show: Show) -> None:
        self.scenario, self.bits, self.show = scenario, bits, show
        self.cast = Cast()
        # A clock of its own, in the past: five days of voting pass in a minute.
        self.clock = (timezone.now() - timedelta(days=DAYS_AGO)).astimezone(UTC).replace(second=0, microsecond=0)
        self.opens, self.closes = self.clock + timedelta(days=1), self.clock + timedelta(days=6)
        self.shares: list[bytes] = []
        self.memories: dict[int, trustee.Memory] = {}

    def run(self) -> None:
        """Everything from the manifest to the published result."""
        self.define()
        self.deal()
        self.commit_roll()
        self.register()
        self.vote()
        self.close()
        self.mix()
        self.open()
        self.publish()

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

    def _act(self, entry_type: Type, **fields: Any) -> int:
        """An official act, signed by two officials."""
        return self._append(entry_type, self._body(**fields), self.cast.officials[:2])

    def _body(self, **fields: Any) -> dict[str, Any]:
        return {"election": encode_bytes(self.id), **fields}

    # Steps

    def define(self) -> None:
        """Two officials sign the manifest; its hash is the election's id."""
        self.show.step("Two officials sign the manifest", "its hash is the election's id")
        record = manifest_record(self.scenario, self.cast, self.bits, self.opens, self.closes)
        self.election = define_election(slug=f"demo-{secrets.token_hex(4)}", record=record)
        self._append(Type.MANIFEST, record, self.cast.officials[:2])
        self.id = election_id(record)
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

    def commit_roll(self) -> None:
        """The roll stays private; its Merkle root and its number of rows are public."""
        rows = len(self.scenario.voters) + SPARE_ROWS
        self.show.step("The roll is committed to", f"{rows} rows, each under a salt of its own")
        self.leaves = [roll_leaf(index, secrets.token_bytes(32), f"架空の選挙人 {index + 1}") for index in range(rows)]
        self.roll = roll_tree(self.leaves)
        self._act(Type.ROLL_COMMITMENT, root=encode_bytes(self.roll.root()), rows=rows)

    def register(self) -> None:
        """The registrar binds each device's key to one voter slot; the polls open."""
        self.show.step("The registrar binds voters' keys to slots", f"{len(self.scenario.voters)} applications")
        order = list(range(len(self.leaves)))
        secrets.SystemRandom().shuffle(order)
        for voter, index in zip(self.show.progress("slots", self.scenario.voters), order, strict=False):
            device = self.cast.voter(voter.slot)
            body = self._body(
                slot=voter.slot,
                style=voter.unit,
                credential=encode_bytes(public_key(device)),
                index=index,
                leaf=encode_bytes(self.leaves[index]),
                path=[encode_bytes(node) for node in self.roll.inclusion_path(index, len(self.leaves))],
            )
            self._append(Type.CREDENTIAL_REGISTERED, body, [self.cast.registrar, device])
        self._act(Type.POLLS_OPENED)

    def vote(self) -> None:
        """Devices encrypt and prove, the board admits; first everybody's first ballot, then the later ones."""
        rounds = max(len(voter.ballots) for voter in self.scenario.voters)
        turns = [
            (voter, number) for number in range(rounds) for voter in self.scenario.voters if number < len(voter.ballots)
        ]
        revotes = len(turns) - len(self.scenario.voters)
        self.show.step("Voters vote", f"{len(turns)} ballots, {revotes} of them in place of an earlier one")
        manifest, key = self.state.require()
        maker = BallotMaker(Setting(manifest, key, self.state.base))
        pause = (self.closes - self.opens) / (len(turns) + 1)
        for turn, (voter, number) in enumerate(self.show.progress("ballots", turns)):
            self.clock = (self.opens + turn * pause).replace(second=0, microsecond=0)
            if voter.challenges and number == 0:
                self._challenge(maker, voter)
            ballot, _ = self._ballot(maker, voter, voter.ballots[number])
            self._append(Type.BALLOT_CAST, ballot, [self.cast.voter(voter.slot)])

    def _ballot(self, maker: BallotMaker, voter: Voter, choices: Mapping[str, Choice]) -> tuple[dict[str, Any], bytes]:
        slot, seed = self.state.slots[voter.slot], secrets.token_bytes(32)
        return maker.make(slot.style, voter.slot, slot.sequence + 1, slot.credential, choices, seed), seed

    def _challenge(self, maker: BallotMaker, voter: Voter) -> None:
        """A voter tests the device: this ballot is published with its seed and never counts."""
        ballot, seed = self._ballot(maker, voter, voter.ballots[0])
        body = {"ballot": ballot, "seed": encode_bytes(seed)}
        self._append(Type.BALLOT_OPENED, body, [self.cast.voter(voter.slot)])

    def close(self) -> None:
        """Two officials close the polls, withdraw those who voted on paper, and freeze what will be counted."""
        self.clock = self.closes
        self._act(Type.POLLS_CLOSED)
        paper = [voter.slot for voter in self.scenario.voters if voter.votes_on_paper]
        self.show.step("Two officials close, withdraw and freeze", f"{len(paper)} slots withdrawn: paper wins")
        if paper:
            self._act(Type.WITHDRAWALS, slots=paper, reasons=[{"reason": WITHDRAWAL_REASON, "slots": len(paper)}])
        replica = replica_of(self.election.pk)
        body = stages.freeze_body(self.state, replica.log)
        self._append(Type.TALLY_FROZEN, body, self.cast.officials[:2])
        for contest in body["contests"]:
            groups = [f"{'+'.join(group['units'])} ({group['ballots']})" for group in contest["groups"]]
            self.show.fact(f"groups of {contest['contest']}", ", ".join(groups))

    def mix(self) -> None:
        """Each mixer in turn permutes and re-encrypts every mixnet list."""
        self.show.step("Mixers shuffle the ballots of mixnet contests", f"{len(self.cast.mixers)} mixers")
        while pending := self.state.pending_stages():
            contest, group, stage = pending[0]
            with self.show.task(f"mixer {stage}: {contest}, group {group}") as progress:
                body, columns = stages.mix_stage_body(self.state, contest, group, progress)
            self._append(Type.MIX_STAGE, body, [self.cast.mixers[stage - 1]], columns)

    def open(self) -> None:
        """Three of five trustees take roots of what replay names; anyone combines them."""
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
        body, columns = stages.opening_body(self.state)
        self._append(Type.OPENING, body, [], columns)
        self._append(Type.RESULT, stages.result_body(self.state), self.cast.officials[:2])

    def publish(self) -> None:
        """The board signs its head, and a newspaper cosigns it."""
        self.show.step("The board signs its head, a witness cosigns", "")
        manifest, _ = self.state.require()
        checkpoint = publish_checkpoint(self.election, self.clock)
        add_cosignature(self.election, witness.cosign(manifest, checkpoint.text, self.cast.witness))
        self.show.fact("entries on the board", str(checkpoint.size))

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
        "contests": [_contest_record(question) for question in scenario.questions],
        "styles": [
            {"id": unit, "unit": unit, "contests": [question.id for question in scenario.questions]}
            for unit, _ in UNITS
        ],
    }


def _contest_record(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "title": question.title,
        "kind": question.kind,
        "options": [
            {"id": option.id, "name": option.name, "reading": option.reading, "party": option.party}
            for option in question.options
        ],
        "blank": question.blank,
        "least": question.least,
        "most": question.most,
        "width": 1,
    }
