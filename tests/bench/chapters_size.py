"""What lies on the disk."""

import os
import subprocess

from figures import AtMost
from report import Row


def size(cast):
    """Each build, what 4.3.0 needs with Python, and the tools of the peers that take part here."""
    values = sizes({subject.name: subject for subject in cast.ours})
    values["4.3.0"] = cast.original.missing() or with_python(cast) / 1e6
    for peer in cast.peers:
        values[peer.name] = peer.missing() or sum(os.path.getsize(os.path.realpath(peer.tool(name))) for name in peer.tools) / 1e6
    note = "4.3.0: its package, Python's binary and its standard library without the tests; peers: their tools without libraries"
    targets = [AtMost("glibc", 1.9), AtMost("musl", 1)]
    return [
        Row("binary", "MB", values, targets, note),
        Row("binary, Rust's library built along for size (make small)", "MB", sizes(cast.small), targets),
        Row("binary, as small as it can be built here (make tiny)", "MB", sizes({"musl": cast.tiny}), [AtMost("musl", 0.7)]),
    ]


def sizes(builds):
    """MB of each, or why there is none."""
    return {name: build.missing() or os.path.getsize(build.path) / 1e6 for name, build in builds.items()}


def with_python(cast):
    """Bytes of 4.3.0, its interpreter and the standard library."""
    python = os.path.join(os.path.dirname(cast.original.path), "python")
    asked = (
        "import sys, sysconfig, os, supervisor; at = sysconfig.get_config_var;"
        "print(os.path.realpath(sys.executable)); print(sysconfig.get_path('stdlib'));"
        "print(os.path.dirname(supervisor.__file__)); print(os.path.join(at('LIBDIR') or '', at('INSTSONAME') or ''))"
    )
    words = subprocess.run([python, "-c", asked], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    total = os.path.getsize(words[0])
    if words[3].endswith(".so") or ".so." in words[3]:
        total += os.path.getsize(words[3]) if os.path.exists(words[3]) else 0
    left_out = {"test", "tests", "site-packages", "dist-packages", "__pycache__", "idlelib", "ensurepip"}
    for top in words[1:3]:
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in left_out]
            total += sum(os.lstat(os.path.join(folder, name)).st_size for name in files)
    return total
