"""`make bench`: measures this program beside Supervisor 4.3.0, the peers and the floor, all in one run; prints a table
for each chapter, writes them to target/bench/*.md, and the README's table. It takes a quarter of an hour at most.

    python3 -B tests/bench [--quick] [--original FOLDER] [CHAPTER...]
"""

import argparse
import importlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# What is measured, in the order of the README's table: title, file and function.
CHAPTERS = {
    "size": ("Size", "chapters_size", "size"),
    "memory": ("Memory", "chapters_memory", "measure"),
    "idle": ("Idleness", "chapters_memory", "idle"),
    "launch": ("Launch", "chapters_life", "launch"),
    "restart": ("Restart", "chapters_life", "restart"),
    "control": ("Commands", "chapters_life", "control"),
    "stop": ("Stop", "chapters_life", "stop"),
    "upgrade": ("Upgrade", "chapters_upgrade", "upgrade"),
    "one": ("Output of one child", "chapters_output", "one"),
    "formats": ("Output with a format", "chapters_output", "formats"),
    "small": ("Output of many children", "chapters_output", "small"),
    "calls": ("Requests", "chapters_doors", "calls"),
    "events": ("Events", "chapters_doors", "events"),
    "scale": ("Scale", "chapters_scale", "scale"),
    "memory-back": ("Memory comes back", "chapters_scale", "comes_back"),
}


def main():
    parser = argparse.ArgumentParser(prog="tests/bench")
    parser.add_argument("--quick", action="store_true", help="few rounds; the README stays as it is")
    parser.add_argument("--original", default="target/supervisor-4.3.0", help="where Supervisor 4.3.0 is")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="only these: " + ", ".join(CHAPTERS))
    options = parser.parse_args()
    for name in options.chapters:
        if name not in CHAPTERS:
            parser.error("there is no chapter %s" % name)
    if options.quick:
        os.environ["QUICK"] = "1"
    from cast import Cast
    from report import BEGIN, END, chapter, replace_between, summary, write_file
    from world import ROOT, TARGET, Missing, become_the_reaper, compile_programs, machine

    compile_programs()
    become_the_reaper()
    # What was just built would count as dirty memory of whoever runs it.
    os.sync()
    cast = Cast(options.original)
    begin = time.time()
    day = time.strftime("%Y-%m-%d", time.gmtime(begin))
    print("%s, %s\n" % (day, machine()))
    rows = []
    scale = ["10", "100", "1000", "5000"]
    for name in options.chapters or CHAPTERS:
        title, file, function = CHAPTERS[name]
        started = time.time()
        try:
            found = getattr(importlib.import_module(file), function)(cast)
        except Missing as why:
            print("## %s\n\nnot measured: %s\n" % (title, why), flush=True)
            continue
        text = chapter(title, found, cast.order + scale)
        print("%s\n(%.0f s)\n" % (text, time.time() - started), flush=True)
        write_file(os.path.join(TARGET, name + ".md"), "%s\n%s, %s\n" % (text, day, machine()))
        rows.extend(found)
    short = summary(rows, ["musl", "glibc"], [peer.name for peer in cast.peers], scale)
    said = "Medians of `make bench` of %s on %s.\n\n%s" % (day, machine(), short)
    write_file(os.path.join(TARGET, "summary.md"), said)
    missed = [row for row in rows if row.verdict().startswith("no")]
    print("%d of %d measures with a target miss it; %.0f s" % (len(missed), sum(bool(row.targets) for row in rows), time.time() - begin))
    for row in missed:
        print("  %s: %s" % (row.measure, row.verdict()))
    if not options.quick and not options.chapters:
        readme = os.path.join(ROOT, "README.md")
        with open(readme, encoding="utf-8") as file:
            page = file.read()
        write_file(readme, replace_between(page, BEGIN, END, said))


if __name__ == "__main__":
    main()
