"""The database as the log that replay reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import Max

from verifier.errors import NotCanonical
from voting.board.models import BoardEntry, ColumnBlob
from voting.errors import BoardInconsistent


class DatabaseLog:
    """Implements `verifier.replay.state.Log`."""

    def __init__(self, election: int) -> None:
        """`election`: the primary key."""
        self.election = election
        self.pending: Mapping[bytes, bytes] = {}
        """columns of the entry that is being admitted, not stored yet"""

    @property
    def size(self) -> int:
        """How many entries there are."""
        last = BoardEntry.objects.filter(election=self.election).aggregate(last=Max("index"))["last"]
        return 0 if last is None else last + 1

    def entry(self, index: int) -> bytes:
        """The bytes of entry `index`. Raises NotCanonical when there is none."""
        raw = BoardEntry.objects.filter(election=self.election, index=index).values_list("raw", flat=True).first()
        if raw is None:
            raise NotCanonical(f"there is no entry {index}")
        return bytes(raw)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes of the entries from `start` on, up to but without `stop`.

        Raises BoardInconsistent when one is missing.
        """
        rows = BoardEntry.objects.filter(election=self.election, index__gte=start).order_by("index")
        rows = rows if stop is None else rows.filter(index__lt=stop)
        for expected, (index, raw) in enumerate(rows.values_list("index", "raw").iterator(chunk_size=1000), start):
            if index != expected:
                raise BoardInconsistent(f"entry {expected} is missing")
            yield bytes(raw)

    def column(self, digest: bytes) -> bytes:
        """The bytes of a column. Raises NotCanonical when it is not there."""
        if digest in self.pending:
            return self.pending[digest]
        stored = ColumnBlob.objects.filter(election=self.election, digest=digest).values_list("data", flat=True)
        data = stored.first()
        if data is None:
            raise NotCanonical(f"column {digest.hex()} is missing")
        return bytes(data)

    def columns(self, stop: int) -> Iterator[tuple[bytes, bytes]]:
        """The columns of the entries before `stop`, with their digests, one at a time: a column can be large."""
        rows = ColumnBlob.objects.filter(election=self.election, entry__index__lt=stop).order_by("pk")
        for digest, data in rows.values_list("digest", "data").iterator(chunk_size=1):
            yield bytes(digest), bytes(data)
