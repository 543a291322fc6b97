"""The count as work in the background."""

from __future__ import annotations

from voting.elections.models import Election


def start(election: Election) -> None:
    """Have the count go on with what can be done now; harmless at any time, again too."""
