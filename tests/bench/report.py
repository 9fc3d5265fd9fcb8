"""Tables: one for each chapter on the terminal and in Markdown, and the one in the README."""

import os

from figures import number, verdict

BEGIN = "<!-- figures: made by `make bench`; what stands between these two lines is overwritten -->"
END = "<!-- end of figures -->"


class Row:
    """A measure: figures by subject (or a text for why there is none), and what they are held to."""

    def __init__(self, measure, unit, values, targets=(), note=""):
        self.measure, self.unit, self.targets, self.note = measure, unit, list(targets), note
        self.values = {name: value for name, value in values.items() if isinstance(value, (int, float))}
        self.reasons = {name: value for name, value in values.items() if isinstance(value, str)}

    def target(self):
        """What is to hold, in words."""
        return "; ".join(target.text(self.unit) for target in self.targets)

    def verdict(self):
        """Whether it does."""
        return verdict(self.targets, self.values)

    def figure(self, name):
        """The figure of a subject as text; empty where it was not meant to be measured."""
        return number(self.values[name]) if name in self.values else "-" if name in self.reasons else ""


def markdown(header, rows):
    """A table in Markdown with columns as wide as what is in them."""
    cells = [list(header)] + [list(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def chapter(title, rows, order):
    """A chapter's table with a column for each subject that has a figure in it, and below it why others have none."""
    names = [name for name in order if any(name in row.values for row in rows)]
    header = ["measure", "unit"] + names + ["target", "holds"]
    lines = [[row.measure, row.unit] + [row.figure(name) for name in names] + [row.target(), row.verdict()] for row in rows]
    text = "## %s\n\n%s" % (title, markdown(header, lines))
    notes = [(row.measure, row.note) for row in rows if row.note]
    notes += [("%s, %s" % (row.measure, name), why) for row in rows for name, why in row.reasons.items()]
    said = []
    for where, why in notes:
        if why not in said:
            said.append(why)
            text += "%s- %s: %s\n" % ("" if len(said) > 1 else "\n", where, why)
    return text


def summary(rows, ours, peers, counts):
    """The README's tables: ours, 4.3.0, the best of the peers by name, the floor, and what was to hold; and, for the
    rows that have them, the figures by how many programs there are."""
    lines, grown = [], []
    for row in rows:
        name = "%s, %s" % (row.measure, row.unit) if row.unit else row.measure
        if any(count in row.values or count in row.reasons for count in counts):
            grown.append([name] + [row.figure(count) for count in counts] + [row.target(), row.verdict()])
            continue
        found = [(row.values[peer], peer) for peer in peers if peer in row.values]
        best = "%s (%s)" % (number(min(found)[0]), min(found)[1]) if found else ""
        figures = [row.figure(name) for name in ours] + [row.figure("4.3.0"), best, row.figure("floor")]
        lines.append([name] + figures + [row.target(), row.verdict()])
    text = markdown(["Measure"] + list(ours) + ["4.3.0", "best peer", "floor", "target", "holds"], lines)
    if grown:
        text += "\n" + markdown(["Measure, by the number of programs"] + list(counts) + ["target", "holds"], grown)
    return text


def replace_between(text, begin, end, inside):
    """The text with what stands between the two marker lines replaced. ValueError where they are not there once each,
    in this order."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError("the markers of the figures are not there once each")
    head, rest = text.split(begin)
    return "%s%s\n%s%s%s" % (head, begin, inside, end, rest.split(end)[1])


def write_file(path, text):
    """Whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
