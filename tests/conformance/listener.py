"""An event listener that records what it receives, to the byte, in NAME.events.

It says READY and answers everything with OK, unless NAME.steps tells it what to do
in its first life, one step a line: say TEXT (with escapes), receive (one event),
take (whatever bytes come), wait FILE, touch FILE, serve (answer OK from now on), die.
After the last step it waits for the end of its input.
"""

import os
import sys
import time

NAME = os.environ["SUPERVISOR_PROCESS_NAME"]
# Payloads are read by characters, as `len` counts them.
EVENTS = open(0, encoding="utf-8", newline="\n", closefd=False)


def say(data):
    os.write(1, data)


def record(data):
    file = os.open(NAME + ".events", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(file, data + b"\n=\n")
    os.close(file)


def receive():
    header = EVENTS.readline()
    if not header:
        sys.exit(0)
    length = int(header.split(" len:")[1])
    record((header + EVENTS.read(length)).encode())


def serve():
    while True:
        receive()
        say(b"RESULT 2\nOKREADY\n")


def wait(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def steps():
    try:
        os.rename(NAME + ".steps", NAME + ".taken")
    except FileNotFoundError:
        return ["say READY\\n", "serve"]
    with open(NAME + ".taken") as file:
        return file.read().splitlines()


def take(step):
    verb, _, rest = step.partition(" ")
    if verb == "say":
        say(rest.encode().decode("unicode_escape").encode("latin-1"))
    elif verb == "receive":
        receive()
    elif verb == "take":
        record(os.read(0, 65536))
    elif verb == "wait":
        wait(rest)
    elif verb == "touch":
        open(rest, "w").close()
    elif verb == "serve":
        serve()
    elif verb == "die":
        os._exit(1)
    else:
        sys.exit("no such step: " + step)


for step in steps():
    take(step)
EVENTS.read()
