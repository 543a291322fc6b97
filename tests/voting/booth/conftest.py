from __future__ import annotations

from tests.voting.booth.hall import hall, hall_settings
from tests.voting.booth.voter import voter

__all__ = ["hall", "hall_settings", "voter"]
