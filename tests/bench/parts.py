"""`make parts`: of what the static binary consists, in KB, by the symbols of a build that kept them.

    python3 -B tests/bench/parts.py BINARY

A function that was made of a library's generic code for types of the program counts as the library's.
"""

import collections
import re
import subprocess
import sys

# The part of a symbol by its crate or, in the program itself, by its module.
PARTS = {
    "the shell and the commands of supervisorctl": ["supervisorctl"],
    "reading the configuration": ["config", "command_line", "text", "schedule"],
    "the daemon: processes, logs, events": [
        "supervisord", "supervisor", "process", "dependencies", "dispatchers", "loggers", "loop_context", "events", "timers",
        "vec_map", "sort",
    ],
    "the servers: HTTP, XML-RPC, the pages": ["http", "rpc", "web", "xmlrpc"],
    "the system layer, pidproxy and the rest": [""],
    "the editor of lines": ["rustyline", "unicode_segmentation", "unicode_width", "buffer_redux", "utf8parse"],
    "Rust's library": ["core", "alloc", "std", "hashbrown", "compiler_builtins", "rustc_demangle", "memchr", "__rustc"],
    "other crates": ["*"],
    "the C library": ["c"],
}


def part_of(name):
    """The part that a demangled symbol belongs to."""
    if "::" not in name:
        owner = "c"
    else:
        path = re.findall(r"[A-Za-z_0-9]+", re.sub(r"^[<&*\[( ]+(dyn |mut )?", "", name))
        owner = path[0]
        if owner in ("pollvisor", "supervisord"):
            inside = path[1] if owner == "pollvisor" and len(path) > 1 else ""
            return next((part for part, owners in PARTS.items() if inside in owners), "the system layer, pidproxy and the rest")
        if owner in ("str", "char", "bool", "f64", "usize", "isize", "dyn") or re.fullmatch(r"[ui]\d+", owner):
            owner = "core"
    return next((part for part, owners in PARTS.items() if owner in owners), "other crates")


def main():
    binary = sys.argv[1]
    sizes = collections.Counter()
    symbols = subprocess.run(["nm", "-S", "-C", binary], capture_output=True, text=True, check=True).stdout
    places = set()
    for line in symbols.splitlines():
        found = re.match(r"(\w+) (\w+) ([tTwW]) (.*)", line)
        # What has two names is there once.
        if found and found[1] not in places:
            places.add(found[1])
            sizes[part_of(found[4])] += int(found[2], 16)
    functions = sum(sizes.values())
    sections = subprocess.run(["size", "-A", binary], capture_output=True, text=True, check=True).stdout
    for line in sections.splitlines():
        words = line.split()
        if words[:1] == [".rodata"]:
            sizes["texts and tables of all of them"] = int(words[1])
        elif words[:1] == [".text"]:
            sizes["code without a name, and between functions"] = max(0, int(words[1]) - functions)
    print("| Part | KB |\n|---|---|")
    for part, size in sizes.most_common():
        print("| %s | %d |" % (part, round(size / 1000)))


if __name__ == "__main__":
    main()
