"""The site of an election whose processes are killed: the toy modulus, a shared cache, all files in one folder."""

from __future__ import annotations

import os
from pathlib import Path

from tests.election import BITS
from voting.settings import *  # noqa: F403

VAR_DIR = Path(os.environ["KILLED_DIR"])
BOARD_KEY_FILE = VAR_DIR / "board.key"
TASHIKA_ALLOWED_MODULUS_BITS = (BITS,)
