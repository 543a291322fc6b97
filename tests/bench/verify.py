"""Benchmark: verifying whole archives from the command line's own code, with the memory that it takes.

`python -m tests.bench.verify [--n 1000 10000] [--bits 2048] [--jobs 1 2]` makes an election of n ballots, a *choose
one* and a mixnet contest, two mixers, and verifies its archive in a fresh process. `peak_mib` is the largest resident
size of that process plus, for each job, that of its largest worker. Making the elections takes most of the time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench._measure import mulmod_seconds, report
from tests.election import Election, contest, small_manifest
from verifier.report import Trust

MIB = 1024
MEASURE = """
import json, re, resource, sys, time
from pathlib import Path
from verifier.verify import verify
if __name__ == "__main__":
    started = time.perf_counter()
    outcome = verify(Path(sys.argv[1]), int(sys.argv[2]))
    seconds = time.perf_counter() - started
    # VmHWM, because ru_maxrss of a process begins with what its parent held.
    own = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    failures = [str(failure) for failure in outcome.report.failures]
    print(json.dumps({"valid": outcome.report.valid, "failures": failures, "seconds": seconds,
                      "own": own, "workers": workers}))
"""


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--bits", type=int, default=2048)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "measure.py"
        program.write_text(MEASURE)
        for n in options.n:
            archive = Path(folder) / f"{n}.zip"
            election = held(n, options.bits)
            election.write(archive)
            mulmod = mulmod_seconds(election.state.key.N2)
            del election
            for jobs in options.jobs:
                measure(program, archive, options.bits, n, jobs, mulmod)
            archive.unlink()


def held(n: int, bits: int) -> Election:
    """An election of n voters, from the manifest to the result; nothing is checked on the way."""
    contests = [contest("mayor", "choose-one", ["甲", "乙", "丙"]), contest("council", "index", ["子", "丑", "寅"])]
    manifest = small_manifest(
        modulus_bits=bits,
        contests=contests,
        styles=[{"id": "north", "unit": "north", "contests": ["mayor", "council"]}],
    )
    election = Election(manifest, rows=n)
    election.replay.judge = Trust()
    election.set_up()
    for index in range(n):
        election.register(f"slot-{index}", "north", index)
    election.open_polls()
    clock = election.clock
    for index in range(n):
        election.cast(f"slot-{index}", mayor="abc"[index % 3], council="cba"[index % 3])
        election.clock = clock
    election.close_polls()
    election.freeze()
    election.mix()
    election.root(1, 3)
    election.open_and_publish()
    return election


def measure(program: Path, archive: Path, bits: int, n: int, jobs: int, mulmod: float) -> None:
    """Verify in a process of its own and print a line."""
    command = [sys.executable, str(program), str(archive), str(jobs)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": "."})
    found = json.loads(answer.stdout)
    if not found["valid"]:
        raise SystemExit(f"an honest archive was rejected: {found['failures'][:3]}")
    workers = found["workers"] * jobs if jobs > 1 else 0
    peak = (found["own"] + workers) // MIB
    report(f"verify, {jobs} jobs", bits, n, found["seconds"], mulmod, peak_mib=peak)


if __name__ == "__main__":
    main()
