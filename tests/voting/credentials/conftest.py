from __future__ import annotations

from tests.voting.polling import counter, polls, ready

__all__ = ["counter", "polls", "ready"]
