"""`make lines`: how much source there is, without tests, comments and empty lines, and how much of it is unsafe.

    python3 -B tests/lines.py [FOLDER]

Counts the folders of src, and in src/sys the pieces of unsafe code: blocks, functions, implementations and
lists of foreign functions.
"""

import os
import re
import sys

# A module for tests alone, in the file itself or beside it.
TESTS = re.compile(r"^#\[cfg\((?:test|all\(test\b.*)\)\]$")
MODULE = re.compile(r"^(?:pub(?:\(\w+\))? )?mod (\w+)(;| \{)$")
UNSAFE = re.compile(r"\bunsafe (?:\{|fn|impl|extern)")


def code_of(text):
    """The lines that are code of the program, and the names of the modules beside it that are tests."""
    code, tests = [], []
    lines = iter(text.splitlines())
    for line in lines:
        if TESTS.match(line):
            module = next((MODULE.match(after) for after in lines if not after.startswith("#")), None)
            if module and module.group(2) == ";":
                tests.append(module.group(1))
            elif module:
                skip(lines)
            continue
        stripped = line.strip()
        if stripped and not stripped.startswith("//"):
            code.append(re.sub(r"\s//[^\"]*$", "", line))
    return code, tests


def skip(lines):
    """Goes on behind the end of a module."""
    for line in lines:
        if line == "}":
            return


def read(folder):
    """By path, the lines of code of every file that is no test."""
    found, tests = {}, set()
    for directory, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".rs"):
                continue
            path = os.path.join(directory, name)
            with open(path, encoding="utf-8") as file:
                found[path], modules = code_of(file.read())
            beside = directory if name in ("mod.rs", "lib.rs", "main.rs") else path[: -len(".rs")]
            tests.update(os.path.join(beside, module) for module in modules)
    is_test = lambda path: any(path == test + ".rs" or path.startswith(test + os.sep) for test in tests)
    return {path: code for path, code in found.items() if not is_test(path)}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "src"
    parts, unsafe = {}, {}
    for path, code in read(folder).items():
        words = os.path.relpath(path, folder).split(os.sep)
        part = words[0] if len(words) > 1 else "(root)"
        parts[part] = parts.get(part, 0) + len(code)
        pieces = len(UNSAFE.findall("\n".join(code)))
        if pieces:
            unsafe[path] = pieces
    for part, count in sorted(parts.items(), key=lambda pair: -pair[1]):
        print("%7d  %s" % (count, part))
    print("%7d  lines of source" % sum(parts.values()))
    print()
    for path, count in sorted(unsafe.items(), key=lambda pair: -pair[1]):
        print("%7d  %s" % (count, path))
    print("%7d  pieces of unsafe code" % sum(unsafe.values()))


if __name__ == "__main__":
    main()
