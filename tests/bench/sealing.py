"""Benchmark: sealing a ballot in Chromium, as a voter's device does.

`python -m tests.bench.sealing [--bits 3072] [--rounds 3]` prints one JSON line per measurement: the tables (`prepare`)
and the ballot (`seal`). The ballot has a *choose one* contest of 10 options and a blank, an *index* contest of 30
candidates and a *choose several* contest of 6 judges: 39 powers modulo N².

Chromium slows down the thread of a page but not its Workers, so that what a processor of a sixth of the speed takes
(`throttle` 6) is measured in the page, and the Worker only as it is.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

from tally.signing import public_key
from tests.bench._measure import report
from tests.election import contest, option, signing_key, small_manifest
from tests.keys import secret_key
from tests.voting.booth.pages import Booth, booth
from verifier.record.canonical import encode_bytes, encode_integer
from verifier.record.manifest import election_id

ROWS = 1_000_000
THROTTLES = (1, 6)


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bits", type=int, nargs="+", default=[3072])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for bits in options.bits:
        measure(bits, options.rounds)


def measure(bits: int, rounds: int) -> None:
    """One modulus size; each number is the median of the rounds."""
    N = secret_key(bits).public.N
    manifest = ballot_manifest(bits)
    key = {"election": encode_bytes(election_id(manifest)), "modulus": encode_integer(N, bits // 8)}
    election = {"manifest": manifest, "key": key, "rows": ROWS}
    request = {
        "style": "north",
        "slot": "slot-1",
        "sequence": 1,
        "credential": encode_bytes(public_key(signing_key("device"))),
        "choices": {"mayor": "o3", "council": "o17", "judges": ["o1", "o4"]},
    }
    with booth() as opened:
        devtools = opened.page.context.new_cdp_session(opened.page)
        for throttle in THROTTLES:
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
            product = opened.call("product", format(N, "x"), module="measure")
            names = ("page", "worker") if throttle == 1 else ("page",)
            for name in names:
                function = "inPage" if name == "page" else "inWorker"
                times = [timed(opened, function, election, request) for _ in range(rounds)]
                for act, seconds in zip(("prepare", "seal"), zip(*times, strict=True), strict=True):
                    report(f"{act}-in-{name}", bits, 1, statistics.median(seconds), product, throttle=throttle)


def timed(opened: Booth, function: str, election: dict[str, Any], request: dict[str, Any]) -> list[float]:
    """[prepare, seal] in seconds."""
    seconds: list[float] = opened.call(function, election, request, module="measure")
    return seconds


def ballot_manifest(bits: int) -> dict[str, Any]:
    """A mayor, a council and a review of judges."""
    contests = [
        {**contest("mayor", "choose-one", []), "options": listed(10)},
        {**contest("council", "index", []), "options": listed(30)},
        {**contest("judges", "choose-several", [], least=0, most=6), "options": listed(6)},
    ]
    styles = [{"id": "north", "unit": "north", "contests": [part["id"] for part in contests]}]
    return small_manifest(modulus_bits=bits, contests=contests, styles=styles)


def listed(count: int) -> list[dict[str, Any]]:
    return [option(f"o{at}", f"候補 {at}") for at in range(count)]


if __name__ == "__main__":
    main()
