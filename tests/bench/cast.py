"""Who takes part, by name, and in which order the tables show them."""

from peers import PEERS
from subjects import OURS, Floor, original, ours


class Cast:
    """All subjects; `ours` are the builds that run, `small` and `tiny` are looked at for their size."""

    def __init__(self, home):
        builds = ours()
        self.home = home
        self.ours = [builds[name] for name in OURS]
        self.musl, self.glibc, self.dynamic = self.ours
        self.small = {name: builds["small-" + name] for name in ("musl", "glibc")}
        self.tiny = builds["tiny"]
        self.original = original(home)
        self.floor = Floor()
        self.peers = PEERS
        self.order = OURS + ["4.3.0"] + [peer.name for peer in PEERS] + ["cat", "floor"]

    def peer(self, *names):
        """Some of the peers."""
        return [peer for peer in self.peers if peer.name in names]
