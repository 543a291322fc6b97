"""The command line of dealers, trustees, mixers and officials. Exit codes: 0 done, 1 refused, 2 unreadable or misused.

Every command that needs the election takes its archive and verifies it; none takes a ciphertext.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from nacl.signing import SigningKey
from rich.console import Console

from tally import ceremony, stages, trustee, witness
from tally.board import NOT_YET, verified_state
from tally.errors import DamagedFile, NothingToDo, OtherElection, TallyError
from tally.files import PRIVATE, alone_beside, replace_file, write_private
from tally.progress import Steps, Tested
from tally.rehearsal import rehearse
from tally.sealed import recipient_box, require_passphrase, seal_signing_key, unseal_signing_key
from tally.shares import Share, unseal_share
from tally.signing import public_key
from tally.submission import Submission, parse_submission, write_all
from tally.trustee import Memory
from tally.trustee_file import Trustee, seal_trustee, unseal_trustee
from verifier.cli import jobs
from verifier.crypto.checkpoint import parse_note
from verifier.errors import VerifierError
from verifier.record.canonical import encode_bytes
from verifier.record.entries import Type
from verifier.record.key import key_hash
from verifier.record.manifest import MODULUS_BITS
from verifier.replay.state import Stage, State
from verifier.show import printable, progress
from verifier.verify import Progress

DONE, REFUSED, MISUSED = 0, 1, 2


def main(arguments: Sequence[str] | None = None, allowed_bits: tuple[int, ...] = MODULUS_BITS) -> int:
    """Run one command and return its exit code. `allowed_bits`: only tests allow smaller moduli."""
    options = _parser().parse_args(arguments)
    options.allowed_bits = allowed_bits
    try:
        options.run(options)
        return DONE
    except TallyError as error:
        return _refuse(error, REFUSED)
    except VerifierError as error:
        return _refuse(error, MISUSED)
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else error, MISUSED)
    except KeyboardInterrupt:
        return _refuse("interrupted; the same command begins again", MISUSED)


def _refuse(error: object, code: int) -> int:
    print(f"tally: {printable(str(error))}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tally", description="Everything in an election that needs a secret."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = _command(commands, "key", _key, "make a signing key, protected by a passphrase")
    command.add_argument("file", type=Path)

    command = _command(commands, "sign", _sign, "add a signature to an entry that waits for the board")
    command.add_argument("entry", type=Path)
    _add_key(command)

    command = _command(commands, "ceremony", _ceremony, "deal the election key, on a machine that is wiped afterwards")
    command.add_argument("archive", type=Path, help="the board, with the signed manifest")
    command.add_argument("directory", type=Path, help="where the key entry and one share for each trustee are written")
    command.add_argument(
        "--passphrases",
        action="store_true",
        help="each trustee types a passphrase; without it, shares are sealed for the trustees' signing keys",
    )

    trustees = commands.add_parser("trustee", help="what a trustee does").add_subparsers(required=True, metavar="WHAT")
    for name, run, text in (
        ("new", _trustee_new, "make your file, with a new signing key, protected by a passphrase"),
        ("show", _trustee_show, "say what your file holds"),
        ("import", _trustee_import, "check your share against the board, take it into your file, and confirm it"),
        ("rehearse", _trustee_rehearse, "prove that your share works, without opening anything"),
        ("open", _trustee_open, "verify the board and take the partial roots that it names"),
    ):
        command = _command(trustees, name, run, text)
        command.add_argument("file", type=Path, help="your own file, such as trustee.tashika; keep it and tell nobody")
        if name not in ("new", "show"):
            command.add_argument("archive", type=Path, help="the board, from the page of the trustees")
            _add_jobs(command)
        if name == "import":
            command.add_argument("share", type=Path, help="the share file from the key ceremony")

    command = _command(commands, "mix", _mix, "verify the board, then mix everything that waits for this mixer")
    command.add_argument("archive", type=Path)
    command.add_argument("directory", type=Path, help="where one entry for each mixed list is written")
    _add_key(command)
    _add_jobs(command)

    command = _command(
        commands, "serve-mixer", _serve_mixer, "mix what the board orders through REDIS_URL, until Ctrl-C"
    )
    _add_key(command)
    _add_jobs(command)

    command = _command(commands, "witness", _witness, "verify that the board continues what you saw, and cosign it")
    command.add_argument("archive", type=Path)
    _add_key(command)
    command.add_argument("--memory", type=Path, required=True, help="the last checkpoint that you cosigned")
    command.add_argument("--out", type=Path, required=True, help="the line for the board")
    _add_jobs(command)

    command = _command(commands, "count", _count, "combine the partial roots, or count what is opened: needs no secret")
    command.add_argument("archive", type=Path)
    command.add_argument("directory", type=Path, help="where the opening or the result is written")
    _add_jobs(command)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", type=Path, required=True, metavar="FILE", help="your signing key")


def _add_jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--jobs", type=jobs, default=os.cpu_count() or 1, metavar="N", help="processes (all cores)")


# What people type


def ask_passphrase(name: str) -> str:
    """The passphrase of the named thing: hidden on a terminal, a line of the input elsewhere."""
    try:
        line = getpass.getpass(f"Passphrase of {name}: ") + "\n" if sys.stdin.isatty() else sys.stdin.readline()
        line.encode()
    except EOFError:
        line = ""
    except UnicodeError:
        raise TallyError(f"the passphrase of {name} is not text") from None
    if not line:
        raise TallyError(f"no passphrase for {name} was given")
    return line.rstrip("\n")


def ask_new_passphrase(name: str) -> str:
    """A new passphrase, long enough: on a terminal it is typed twice."""
    passphrase = ask_passphrase(name)
    require_passphrase(passphrase)
    if sys.stdin.isatty() and ask_passphrase(f"{name}, again") != passphrase:
        raise TallyError("the two passphrases differ")
    return passphrase


def _signing_key(options: argparse.Namespace) -> SigningKey:
    return unseal_signing_key(options.key.read_bytes(), options.key.name, ask_passphrase)


def _verified(
    options: argparse.Namespace, known: str | None = None, excused: tuple[str, ...] = NOT_YET
) -> tuple[State, str]:
    jobs = getattr(options, "jobs", 1)
    with _bars() as shown:
        return verified_state(options.archive, known, jobs, shown, options.allowed_bits, excused)


def _bars() -> AbstractContextManager[Progress]:
    """Progress on a terminal, for one piece of work: never while somebody is asked something."""
    return progress(Console(stderr=True))


def _require_new_place(options: argparse.Namespace) -> None:
    """The line is not written over a key or what else the command reads."""
    if options.out.resolve() in {path.resolve() for path in (options.archive, options.key, options.memory)}:
        raise TallyError(f"{options.out} is read by this command: the line needs a file of its own")


def _say(text: object) -> None:
    print(printable(str(text)))


# Commands


def _key(options: argparse.Namespace) -> None:
    key = SigningKey.generate()
    write_private(options.file, seal_signing_key(key, ask_new_passphrase(options.file.name)))
    _say(f"public key: {encode_bytes(public_key(key))}")


def _sign(options: argparse.Namespace) -> None:
    submission = parse_submission(options.entry.read_bytes(), options.entry.name)
    key = _signing_key(options)
    submission.signed_by(key).write(options.entry)
    _say(f"{options.entry}: signed by {encode_bytes(public_key(key))}")


def _ceremony(options: argparse.Namespace) -> None:
    state, _ = _verified(options)
    manifest = state.manifest
    if manifest is None or state.key_hash is not None:
        raise OtherElection("the board must have a manifest and no key yet")
    names = [f"share-{number}.json" for number in range(1, len(manifest.trustees) + 1)]
    options.directory.mkdir(parents=True, exist_ok=True)
    if taken := [name for name in names if (options.directory / name).exists()]:
        raise TallyError(f"{options.directory / taken[0]} is there already: nothing was done")
    for party in manifest.trustees:
        recipient_box(party.key)  # found out before the long work, not after it
    passphrases = [
        ask_new_passphrase(f"the share of {party.name}") if options.passphrases else None for party in manifest.trustees
    ]
    n, t = len(manifest.trustees), manifest.threshold
    with _bars() as shown:
        dealt = ceremony.deal(manifest.modulus_bits, n, t, manifest.election, _tested(shown))
    body = ceremony.key_body(dealt, manifest.election)
    shares = [Share(manifest.election, key_hash(body), number, s) for number, s in enumerate(dealt.shares, 1)]
    sealed = [
        share.seal_for(party.key) if passphrase is None else share.seal(passphrase)
        for share, party, passphrase in zip(shares, manifest.trustees, passphrases, strict=True)
    ]
    _write_together({options.directory / name: data for name, data in zip(names, sealed, strict=True)})
    (entry,) = write_all([("key", Submission(Type.KEY, body))], options.directory)
    _say(f"{entry}: the key, to be signed by the officials; {n} shares beside it. Wipe this machine now.")


def _write_together(files: dict[Path, bytes]) -> None:
    """All of these private files or none."""
    written: list[Path] = []
    try:
        for path, data in files.items():
            write_private(path, data)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink()
        raise


def _tested(shown: Progress) -> Tested:
    """How many candidates there will be is chance, so the total is what was tested so far."""
    return lambda tested: shown("candidates for two safe primes", tested, 0)


# Trustees


def _trustee_new(options: argparse.Namespace) -> None:
    key = SigningKey.generate()
    write_private(options.file, seal_trustee(Trustee(key), ask_new_passphrase(options.file.name)))
    _say(f"public key: {encode_bytes(public_key(key))}")


def _trustee_show(options: argparse.Namespace) -> None:
    held, _ = _unsealed(options.file)
    _say(f"public key: {encode_bytes(public_key(held.key))}")
    if held.share is None or held.memory is None:
        _say("no share yet")
        return
    seen = parse_note(held.memory.checkpoint.encode()).checkpoint
    _say(f"trustee {held.share.trustee} of the election {encode_bytes(held.share.election)}")
    _say(f"board seen last: {seen.size} entries, {datetime.fromtimestamp(seen.time, UTC):%Y-%m-%d %H:%M} UTC")
    _say("opened: nothing yet" if held.memory.opened is None else f"opened: {encode_bytes(held.memory.opened)}")


def _trustee_import(options: argparse.Namespace) -> None:
    with alone_beside(options.file):
        held, passphrase = _unsealed(options.file)
        share = unseal_share(options.share.read_bytes(), options.share.name, ask_passphrase, held.key)
        if held.share not in (None, share):
            raise OtherElection(
                f"{options.file} holds another share: each election and each key need a file of their own"
            )
        state, checkpoint = _verified(options, held.memory.checkpoint if held.memory else None)
        confirmation, memory = trustee.import_share(state, checkpoint, share, held.key)
        out = _beside(options, f"share-confirmed-{share.trustee}.json")
        confirmation.write(out)
        # After a second import the file still says what was opened.
        memory = replace(memory, opened=held.memory.opened if held.memory else None)
        _keep(options.file, replace(held, share=share, memory=memory), passphrase)
    _hand_in(out, f"the share of trustee {share.trustee} fits the key on the board, and {options.file} holds it now")


def _trustee_rehearse(options: argparse.Namespace) -> None:
    with alone_beside(options.file):
        held, share, memory, passphrase = _imported(options.file)
        state, checkpoint = _verified(options, memory.checkpoint)
        proof = rehearse(state, checkpoint, share, held.key)
        out = _beside(options, f"rehearsal-{share.trustee}.json")
        replace_file(out, proof)
        _keep(options.file, replace(held, memory=replace(memory, checkpoint=checkpoint)), passphrase)
    _hand_in(out, f"the share of trustee {share.trustee} works; this proof opens nothing")


def _trustee_open(options: argparse.Namespace) -> None:
    with alone_beside(options.file):
        held, share, memory, passphrase = _imported(options.file)
        state, checkpoint = _verified(options, memory.checkpoint)
        out = _beside(options, f"partial-roots-{share.trustee}.json")

        def remember(new: Memory) -> None:
            _keep(options.file, replace(held, memory=new), passphrase)

        with _bars() as shown:
            opened = trustee.open_tally(state, checkpoint, share, held.key, memory, remember, shown)
        opened.write(out)
    _hand_in(out, f"partial roots of the {len(state.named())} ciphertexts that the board names")


def _unsealed(file: Path) -> tuple[Trustee, str]:
    raw, passphrase = file.read_bytes(), ask_passphrase(file.name)
    return unseal_trustee(raw, file.name, lambda _: passphrase), passphrase


def _imported(file: Path) -> tuple[Trustee, Share, Memory, str]:
    """The file's content, with the share that it must have by now."""
    held, passphrase = _unsealed(file)
    if held.share is None or held.memory is None:
        raise NothingToDo(f"{file} holds no share yet: import it first")
    return held, held.share, held.memory, passphrase


def _keep(file: Path, held: Trustee, passphrase: str) -> None:
    replace_file(file, seal_trustee(held, passphrase), PRIVATE)


def _beside(options: argparse.Namespace, name: str) -> Path:
    """Where what is handed in is written: beside the trustee's file, over nothing that the command reads."""
    out: Path = options.file.with_name(name)
    if out.resolve() in {
        path.resolve() for path in (options.file, options.archive, getattr(options, "share", out.parent))
    }:
        raise TallyError(f"{out} is read by this command: give that file another name")
    return out


def _hand_in(out: Path, what: str) -> None:
    _say(what)
    _say(f"to hand in: {out}")


# Mixers, witnesses, everybody


def _mix(options: argparse.Namespace) -> None:
    state, _ = _verified(options)
    key = _signing_key(options)
    mixers = state.manifest.mixers if state.manifest else ()
    mine = [number for number, mixer in enumerate(mixers, 1) if mixer.key == public_key(key)]
    pending = [place for place in state.pending_stages() if place[2] in mine]
    if not pending:
        raise NothingToDo("nothing waits for this mixer")
    for contest, group, stage in pending:
        name = f"mix {contest}, group {group}"
        with _bars() as shown:
            body, columns = stages.mix_stage_body(state, contest, group, _under(shown, name))
        submission = Submission(Type.MIX_STAGE, body, (), columns).signed_by(key)
        (path,) = write_all([(f"mix-{contest}-{group}-{stage}", submission)], options.directory)
        _say(path)


def _serve_mixer(options: argparse.Namespace) -> None:
    from tally import worker  # Celery is on servers only; no trustee needs it

    if not worker.app.conf.broker_url:
        raise NothingToDo("REDIS_URL does not say where orders come from, such as redis://host:6379/0")
    key = _signing_key(options)
    _say(f"{worker.queue_of(public_key(key))}: waiting for orders; Ctrl-C ends it")
    worker.serve(key, options.jobs)


def _under(shown: Progress, name: str) -> Steps:
    return lambda done, total: shown(name, done, total)


def _witness(options: argparse.Namespace) -> None:
    _require_new_place(options)
    known = _last_cosigned(options.memory)
    state, checkpoint = _verified(options, known, witness.EXCUSED)
    if state.manifest is None:
        raise OtherElection("the board has no manifest yet")
    line = witness.cosign(state.manifest, checkpoint, _signing_key(options))
    replace_file(options.memory, checkpoint.encode())
    replace_file(options.out, line.encode() + b"\n")
    _say(f"{options.out}: cosignature of the checkpoint over {state.size} entries")


def _last_cosigned(memory: Path) -> str | None:
    if not memory.exists():
        _say(f"{memory} is not there: taken for the first time that you cosign this board")
        return None
    try:
        return memory.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DamagedFile(f"{memory}: not a checkpoint") from None


def _count(options: argparse.Namespace) -> None:
    state, _ = _verified(options)
    if state.stage is Stage.OPENED:
        named, submission = "result", Submission(Type.RESULT, stages.result_body(state))
    elif state.stage is Stage.FROZEN and not state.missing_stages():
        named, submission = "opening", Submission(Type.OPENING, *_unsigned(stages.opening_body(state)))
    else:
        raise NothingToDo(f"the election is {state.stage}: nothing can be counted now")
    (path,) = write_all([(named, submission)], options.directory)
    _say(path)


def _unsigned(made: tuple[dict[str, object], stages.Columns]) -> tuple[object, tuple[()], stages.Columns]:
    body, columns = made
    return body, (), columns
