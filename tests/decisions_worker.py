"""A process that appends to a record until it is killed; it forks another for each order, so that hundreds can be killed in seconds.

It reads a line per order, ``PATH LIMIT`` (0: no limit on the size of files), answers with the number of the process that it forked, and
that process writes a line for each entry once it is acknowledged, and ``!`` and the reason when one is refused.
"""

import os
import resource
import sys

from tests.decisions_sample import START, private_key

from overflight.decisions import acts
from overflight.decisions.acts import Actor
from overflight.decisions.bodies import Interest
from overflight.decisions.record import Identity, Record
from overflight.decisions.storage import open_store
from overflight.errors import OverflightError


def append_until_killed(path: str) -> None:
    key = private_key("auditor-1")
    with Record(open_store(path)) as record:
        record.read()
        number = len(record.store.notes("public"))
        while True:
            interest = Interest(kind="tie", party=f"party {number}", detail="x" * 200)
            actor = Actor(Identity("auditor-1", "secret", key), START)
            make = lambda logs: acts.register(actor, logs, person="analyst-1", interest=interest, ended=False, marking="public")  # noqa: B023, E731
            (entry,) = record.act(key, make)
            os.write(1, f"{entry.id}\n".encode())
            number += 1


def main() -> None:
    for line in sys.stdin:
        path, limit = line.split()
        child = os.fork()
        if child == 0:
            if int(limit):
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
            try:
                append_until_killed(path)
            except OverflightError as error:
                os.write(1, f"! {error}\n".encode())
            finally:
                os._exit(0)
        os.write(2, f"{child}\n".encode())
        os.waitpid(child, 0)
        os.write(2, b"done\n")


if __name__ == "__main__":
    main()
