from __future__ import annotations

from tests.voting.booth.hall import hall, hall_settings
from tests.voting.polling import counter, polls, ready

__all__ = ["counter", "hall", "hall_settings", "polls", "ready"]
