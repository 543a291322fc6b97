"""From the definition of an election to its manifest, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from verifier import PROTOCOL
from verifier.errors import BadInteger, NotCanonical
from verifier.record.canonical import encode_bytes
from verifier.record.manifest import Kind, Manifest, Option, parse_manifest
from verifier.record.schema import format_minute
from voting.elections.models import Candidate, Contest, Election, Party, Style, StyleContest, Unit
from voting.errors import ManifestIncomplete

ROLES = {
    Party.Role.OFFICIAL: "officials",
    Party.Role.TRUSTEE: "trustees",
    Party.Role.MIXER: "mixers",
    Party.Role.WITNESS: "witnesses",
}
"""The list of the manifest for each role; the registrar stands alone."""


def build_manifest(election: Election) -> dict[str, Any]:
    """The manifest in wire form, as `verifier.record.manifest.parse_manifest` accepts it.

    Raises ManifestIncomplete naming every problem.
    """
    problems = [*_invalid_rows(election), *_missing_parts(election)]
    if problems:
        raise ManifestIncomplete(problems)
    record = _record(election)
    try:
        parse_manifest(record)
    except (NotCanonical, BadInteger) as error:
        raise ManifestIncomplete([str(error)]) from None
    return record


def _record(election: Election) -> dict[str, Any]:
    parties = list(election.parties.all())
    registrar = next(party for party in parties if party.role == Party.Role.REGISTRAR)
    lists = {name: [_party_record(party) for party in parties if party.role == role] for role, name in ROLES.items()}
    return {
        "protocol": PROTOCOL,
        "title": election.title,
        "legal_basis": election.legal_basis,
        "opens": format_minute(election.opens),
        "closes": format_minute(election.closes),
        "modulus_bits": election.modulus_bits,
        "threshold": election.threshold,
        "minimum_group": election.minimum_group,
        "revote": election.revote,
        "generators": election.generators,
        "board": {"origin": election.origin, "key": encode_bytes(bytes(election.board_key))},
        "registrar": _party_record(registrar),
        **lists,
        "witness_threshold": election.witness_threshold,
        "acts": election.acts,
        "units": [{"id": unit.identifier, "name": unit.name} for unit in election.units.all()],
        "contests": [
            _contest_record(election, contest) for contest in election.contests.prefetch_related("candidates")
        ],
        "styles": [
            {
                "id": style.identifier,
                "unit": style.unit.identifier,
                "contests": [place.contest.identifier for place in style.places.all()],
            }
            for style in election.styles.select_related("unit").prefetch_related("places__contest")
        ],
        "served": election.served,
    }


def _party_record(party: Party) -> dict[str, str]:
    return {"name": party.name, "key": encode_bytes(bytes(party.public_key))}


def _contest_record(election: Election, contest: Contest) -> dict[str, Any]:
    return {
        "id": contest.identifier,
        "title": contest.title,
        "kind": contest.kind,
        "form": contest.form,
        "seats": contest.seats,
        "options": [_option_record(option) for option in contest.candidates.all()],
        "blank": contest.blank,
        "least": contest.least,
        "most": contest.most,
        "width": contest.width,
        "opens": format_minute(contest.opens or election.opens),
        "closes": format_minute(contest.closes or election.closes),
    }


def _option_record(option: Candidate) -> dict[str, Any]:
    return {
        "id": option.identifier,
        "name": option.name,
        "reading": option.reading,
        "party": option.party,
        "list": option.list,
        "priority": option.priority,
        "candidates": option.listed.splitlines(),
    }


def _rows(election: Election) -> Iterable[models.Model]:
    yield election
    yield from election.units.all()
    yield from election.contests.all()
    yield from Candidate.objects.filter(contest__election=election).order_by("contest__position", "position")
    yield from election.styles.all()
    yield from StyleContest.objects.filter(style__election=election).order_by("style__position", "position")
    yield from election.parties.all()


def _invalid_rows(election: Election) -> Iterable[str]:
    """What a single row says that cannot be: each field with its sentence. The rest the database holds by itself."""
    for row in _rows(election):
        relations = {field.name for field in row._meta.fields if field.is_relation}
        try:
            row.full_clean(exclude=relations, validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            for field, messages in error.message_dict.items():
                yield from (f"{row._meta.model_name} {row}, {field}: {message}" for message in messages)


def _missing_parts(election: Election) -> Iterable[str]:
    """What the definition still lacks, or where two rows contradict each other."""
    count = {role: election.parties.filter(role=role).count() for role in Party.Role}
    contests = list(election.contests.all())
    yield from ([] if count[Party.Role.REGISTRAR] else ["there is no registrar"])
    yield from ([] if election.units.exists() else ["there is no counting unit"])
    yield from ([] if contests else ["there is no contest"])
    yield from ([] if election.styles.exists() else ["there is no ballot style"])
    acts = election.acts.values() if isinstance(election.acts, dict) else ()
    needed = max((n for n in acts if isinstance(n, int)), default=2)
    if count[Party.Role.OFFICIAL] < max(2, needed):
        yield f"{count[Party.Role.OFFICIAL]} of {max(2, needed)} officials"
    if count[Party.Role.TRUSTEE] < election.threshold:
        yield f"{count[Party.Role.TRUSTEE]} trustees where the threshold is {election.threshold}"
    if count[Party.Role.WITNESS] < election.witness_threshold:
        yield f"{count[Party.Role.WITNESS]} witnesses where the witness threshold is {election.witness_threshold}"
    if any(contest.kind in (Kind.INDEX, Kind.RANKING, Kind.TEXT) for contest in contests):
        yield from ([] if count[Party.Role.MIXER] else ["a mixnet contest needs at least one mixer"])
    for contest in contests:
        if contest.kind != Kind.TEXT and not contest.candidates.exists():
            yield f"contest {contest.identifier} has no candidates"
    for style in election.styles.select_related("unit"):
        if not style.places.exists():
            yield f"ballot style {style.identifier} has no contests"
        if style.unit.election_id != election.pk:
            yield f"ballot style {style.identifier} is of a counting unit of another election"
        if style.places.exclude(contest__election=election).exists():
            yield f"ballot style {style.identifier} has a contest of another election"


@transaction.atomic
def define_election(*, slug: str, record: Any) -> Election:
    """The definition that `build_manifest` turns into `record` again. Raises NotCanonical or BadInteger."""
    manifest = parse_manifest(record)
    election = _create_election(slug, manifest)
    units = {
        identifier: Unit.objects.create(
            election=election, position=position, identifier=identifier, name=manifest.unit_names[identifier]
        )
        for position, identifier in enumerate(manifest.units, 1)
    }
    contests = _create_contests(election, manifest)
    for position, style in enumerate(manifest.styles, 1):
        row = Style.objects.create(election=election, position=position, identifier=style.id, unit=units[style.unit])
        StyleContest.objects.bulk_create(
            StyleContest(style=row, contest=contests[contest], position=place)
            for place, contest in enumerate(style.contests, 1)
        )
    parties = {role: getattr(manifest, name) for role, name in ROLES.items()}
    parties[Party.Role.REGISTRAR] = (manifest.registrar,)
    Party.objects.bulk_create(
        Party(election=election, role=role, position=position, name=party.name, public_key=party.key)
        for role, members in parties.items()
        for position, party in enumerate(members, 1)
    )
    return election


def _create_election(slug: str, manifest: Manifest) -> Election:
    same = ("title", "legal_basis", "opens", "closes", "modulus_bits", "threshold", "minimum_group", "revote")
    more = ("generators", "origin", "board_key", "witness_threshold", "acts")
    served = [{"path": file.path, "sha256": encode_bytes(file.sha256)} for file in manifest.served]
    election = Election(slug=slug, served=served, **{name: getattr(manifest, name) for name in (*same, *more)})
    election.full_clean()
    election.save()
    return election


def _create_contests(election: Election, manifest: Manifest) -> Mapping[str, Contest]:
    contests = {}
    for position, contest in enumerate(manifest.contests, 1):
        row = Contest.objects.create(
            election=election,
            position=position,
            identifier=contest.id,
            title=contest.title,
            kind=contest.kind.value,
            blank=contest.blank,
            least=contest.least,
            most=contest.most,
            width=contest.width,
            form=contest.form.value,
            seats=contest.seats,
            opens=contest.opens if contest.opens != manifest.opens else None,
            closes=contest.closes if contest.closes != manifest.closes else None,
        )
        Candidate.objects.bulk_create(_candidate(row, place, option) for place, option in enumerate(contest.options, 1))
        contests[contest.id] = row
    return contests


def _candidate(contest: Contest, position: int, option: Option) -> Candidate:
    return Candidate(
        contest=contest,
        position=position,
        identifier=option.id,
        name=option.name,
        reading=option.reading,
        party=option.party,
        list=option.list,
        priority=option.priority,
        listed="\n".join(option.candidates),
    )
