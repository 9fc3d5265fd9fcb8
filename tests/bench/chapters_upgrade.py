"""The upgrade of the running daemon: how long a client waits at most meanwhile, and how long the whole takes."""

import threading
import time

from figures import AtMost, median
from report import Row
from runner import interleaved, rounds
from standing import Together
from world import Missing

# The longest wait that is allowed, in milliseconds, by the number of programs.
PAUSES = {1: None, 100: 20, 1000: 100}


def upgrade(cast):
    """The longest wait of a client that asks without pauses, and from the request for the upgrade to its answer."""
    rows = []
    for count, limit in PAUSES.items():
        with Together(cast.ours[:2], count) as together:
            together.settle()
            for one in together.standing.values():
                one.wait_until_it_answers()
            found = {name: [] for name in together.standing}
            waits = interleaved(rounds(11), lambda name: once(together.standing[name], found[name]), list(found))
            waits.update(together.reasons)
            whole = {**{name: median(taken) for name, taken in found.items()}, **together.reasons}
        targets = [AtMost(name, limit) for name in ("musl", "glibc")] if limit else []
        programs = "%d program%s" % (count, "" if count == 1 else "s")
        rows.append(Row("upgrade with %s, the longest wait of a client" % programs, "ms", waits, targets))
        rows.append(Row("upgrade with %s, to its answer" % programs, "ms", whole))
    return rows


def once(one, whole):
    """Upgrades, and gives the longest wait of the other client meanwhile."""
    waits, is_over = [], threading.Event()

    def ask():
        other = one.rpc()
        while not is_over.is_set():
            begin = time.monotonic()
            other.getPID()
            waits.append((time.monotonic() - begin) * 1000)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        begin = time.monotonic()
        told = one.rpc().upgrade()
        whole.append((time.monotonic() - begin) * 1000)
    finally:
        is_over.set()
        asking.join()
    if not told.startswith("upgraded: "):
        raise Missing(told)
    return max(waits)
