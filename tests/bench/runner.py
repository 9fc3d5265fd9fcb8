"""How often something is measured: rounds in which each subject has its turn, so that what else the machine does
falls on all of them alike; medians are shown."""

import os

from figures import median
from world import Missing

# Set by `make bench QUICK=1`: a look at whether all of it works, not figures to keep.
QUICK = bool(os.environ.get("QUICK"))


def rounds(full):
    """So many rounds, or few of them when it has to be quick."""
    return max(1, full // 5) if QUICK else full


def turned(names, turn):
    """The names in another order at each turn, so that everybody comes first as often: whoever does wakes up the machine."""
    first = turn % len(names) if names else 0
    return names[first:] + names[:first]


def interleaved(turns, measure, names, slow=(), slow_turns=1):
    """Medians by name of what `measure(name)` gives, each in turn; a subject that is slow has fewer turns. A reason in
    the place of the figure where it raises Missing."""
    taken = {name: [] for name in names}
    reasons = {}
    for turn in range(turns):
        for name in turned(names, turn):
            if name in reasons or (name in slow and turn >= slow_turns):
                continue
            try:
                taken[name].append(measure(name))
            except Missing as why:
                reasons[name] = str(why)
    return {**{name: median(values) for name, values in taken.items() if values}, **reasons}


def on_one_processor(measure):
    """Measures with everything on one processor: with two, a client and a daemon that do nothing but wait for each
    other mostly measure how long an idle processor takes to wake up."""
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(all_of_them)})
    try:
        return measure()
    finally:
        os.sched_setaffinity(0, all_of_them)
