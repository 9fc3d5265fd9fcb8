"""What is pure here: medians, ratios, lines through points, and whether a target holds."""

import statistics


def median(values):
    """The median, or None of nothing."""
    return statistics.median(values) if values else None


def quantile(values, at):
    """The value below which that part of the values lies, without interpolation."""
    return sorted(values)[int(at * (len(values) - 1))]


def slope(points):
    """The slope of the straight line that fits (x, y) points best (least squares); 0 where x does not change."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def growth(points):
    """How much the line through the points grows from the first x to the last, as a part of its value at the
    first: 0.05 for 5 %."""
    rise = slope(points) * (points[-1][0] - points[0][0])
    start = statistics.fmean(y for _, y in points) - rise / 2
    return rise / start if start > 0 else 0.0


def number(value):
    """A figure for people: three digits that count, and separators of thousands."""
    if value is None:
        return "-"
    if isinstance(value, int) or value == 0:
        return "{:,.0f}".format(value)
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return "{:.{}f}".format(value, digits)


class AtMost:
    """A subject's figure is at most a limit."""

    def __init__(self, subject, limit):
        self.subject, self.limit = subject, limit

    def text(self, unit):
        return ("%s ≤ %s %s" % (self.subject, "%g" % self.limit, unit)).rstrip()

    def holds(self, values):
        """True or False, or None where there is no figure to judge by."""
        value = values.get(self.subject)
        return None if value is None else value <= self.limit


class AtLeast(AtMost):
    """A subject's figure is at least a limit."""

    def text(self, unit):
        return ("%s ≥ %s %s" % (self.subject, "%g" % self.limit, unit)).rstrip()

    def holds(self, values):
        """As above."""
        value = values.get(self.subject)
        return None if value is None else value >= self.limit


class AtMostTimes:
    """A subject's figure is at most so many times another's."""

    def __init__(self, subject, factor, other):
        self.subject, self.factor, self.other = subject, factor, other

    def text(self, _unit):
        if self.factor == 1:
            return "%s ≤ %s" % (self.subject, self.other)
        return "%s ≤ %s × %s" % (self.subject, "%.3g" % self.factor, self.other)

    def holds(self, values):
        """As above."""
        value, other = values.get(self.subject), values.get(self.other)
        return None if value is None or other is None else value <= self.factor * other


class AtLeastTimes(AtMostTimes):
    """A subject's figure is at least so many times another's."""

    def text(self, _unit):
        return "%s ≥ %s × %s" % (self.subject, "%.3g" % self.factor, self.other)

    def holds(self, values):
        """As above."""
        value, other = values.get(self.subject), values.get(self.other)
        return None if value is None or other is None else value >= self.factor * other


def verdict(targets, values):
    """One word or two: what becomes of a row's targets together."""
    if not targets:
        return ""
    held = [target.holds(values) for target in targets]
    if False in held:
        missed = [target.subject for target, holds in zip(targets, held) if holds is False]
        return "no: " + ", ".join(sorted(set(missed)))
    return "yes" if True in held else "not measured"
