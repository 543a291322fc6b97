"""The Celery processes of an election that are killed: as in production, but impatient, so that a test ends today."""

from __future__ import annotations

import sys

from nacl.signing import SigningKey

from tally import fleet, worker
from tests.election import BITS

fleet.PATIENCE = 2.0
worker.ALIVE = 4
worker.ALLOWED_BITS = (BITS,)
worker.app.conf.broker_transport_options = {"visibility_timeout": 5, "socket_timeout": 5}
app = worker.app


def mixer() -> None:
    """The program of a mixer; its key comes on the standard input, so that it is in no command and no environment."""
    worker.serve(SigningKey(bytes.fromhex(sys.stdin.readline())), 1)


def count() -> None:
    """The worker that knows the database, with the clock that begins lost work again."""
    import voting.celery  # noqa: F401  sets up the site, which tasks need
    from voting.counting import tasks

    app.conf.beat_schedule["watch"]["schedule"] = 2
    app.conf.beat_schedule["watch"]["options"] = {"queue": tasks.QUEUE, "expires": 2}
    app.worker_main(
        ["worker", "-Q", tasks.QUEUE, "-c", "1", "-B", "-s", sys.argv[2], "-l", "WARNING", "-n", "count@%h"]
    )


if __name__ == "__main__":
    {"mixer": mixer, "count": count}[sys.argv[1]]()
