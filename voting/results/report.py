"""The verifier's report about the archive that everybody can download, made once for each state of the board.

It is the same program that observers run, over the same bytes. Run by the server it convinces nobody; it shows what
should come out, and tells the office of a fault before others do.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import F
from rich.console import Console

import verifier
from verifier import show
from verifier.record.manifest import MODULUS_BITS
from verifier.verify import Progress, verify
from voting.board.archive import link_kept
from voting.board.log import DatabaseLog
from voting.counting import progress
from voting.elections.models import Election
from voting.results.models import Verification

KIND = "verify"
WIDTH = 110
"""characters in a line of the text"""


def make_report(election: Election, jobs: int = 1) -> Verification:
    """Verify the archive of the board as it is now, with `jobs` processes; the report that is there, if there is one.

    A task of the count has one process: it must not start others.

    Raises as `voting.board.archive.export`, and Unreadable (a worker process died).
    """
    Path(settings.VAR_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=settings.VAR_DIR) as folder:
        path = Path(folder, "archive.zip")
        archive = link_kept(election, path)
        known = Verification.objects.filter(election=election, tag=archive.tag, program=program()).first()
        if known is not None:
            return known
        try:
            outcome = verify(path, jobs, progress=_telling(election), allowed_bits=_allowed_bits())
        finally:
            progress.finish(election.pk, KIND)
    text = io.StringIO()
    show.report(Console(file=text, width=WIDTH, color_system=None), outcome)
    made, _created = Verification.objects.get_or_create(
        election=election,
        tag=archive.tag,
        program=program(),
        defaults={"size": archive.size, "root": archive.root, "report": show.as_json(outcome), "text": text.getvalue()},
    )
    return made


def latest_report(election: Election) -> Verification | None:
    """The last report, if it is about the board as it is now or as it was before."""
    return Verification.objects.filter(election=election).order_by(F("size").desc(), F("made_at").desc()).first()


def covers_everything(report: Verification) -> bool:
    """Whether nothing was added to the board since."""
    return report.size == DatabaseLog(report.election_id).size


@cache
def program() -> str:
    """Which verifier this is: `cd verifier; find . -name '*.py' | LC_ALL=C sort | xargs sha256sum | sha256sum`."""
    root = Path(verifier.__file__).parent
    names = sorted(f"./{path.relative_to(root).as_posix()}" for path in root.rglob("*.py"))
    lines = [f"{hashlib.sha256(Path(root, name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _telling(election: Election) -> Progress:
    def tell(what: str, done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            progress.note(election.pk, KIND, done, total)

    return tell


def _allowed_bits() -> tuple[int, ...]:
    allowed: tuple[int, ...] = getattr(settings, "TASHIKA_ALLOWED_MODULUS_BITS", MODULUS_BITS)
    return allowed
