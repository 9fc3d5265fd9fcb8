"""The pure parts of the bench: python3 -B -m unittest, from this folder."""

import unittest

from figures import AtLeast, AtLeastTimes, AtMost, AtMostTimes, growth, median, number, quantile, slope, verdict
from report import BEGIN, END, Row, chapter, markdown, replace_between, summary
from runner import turned


class Figures(unittest.TestCase):
    def test_medians_and_quantiles(self):
        self.assertEqual(median([3, 1, 2]), 2)
        self.assertEqual(median([4, 1, 2, 3]), 2.5)
        self.assertIsNone(median([]))
        self.assertEqual(quantile(list(range(101)), 0.99), 99)
        self.assertEqual(quantile([5], 0.5), 5)

    def test_lines_through_points(self):
        self.assertAlmostEqual(slope([(0, 1), (1, 3), (2, 5)]), 2)
        self.assertEqual(slope([(1, 5), (1, 7)]), 0)
        self.assertAlmostEqual(growth([(0, 100), (10, 110)]), 0.1)
        self.assertAlmostEqual(growth([(0, 100), (5, 130), (10, 100)]), 0)

    def test_numbers_for_people(self):
        for value, text in ((None, "-"), (0, "0"), (7, "7"), (1000, "1,000"), (0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1,234"), (-150, "-150")):
            self.assertEqual(number(value), text)

    def test_a_target_holds_or_does_not_or_cannot_be_told(self):
        values = {"a": 1.0, "b": 2.0}
        for target, holds in (
            (AtMost("a", 1), True),
            (AtMost("b", 1), False),
            (AtMost("c", 1), None),
            (AtLeast("a", 1), True),
            (AtLeast("a", 1.1), False),
            (AtLeast("c", 1), None),
            (AtMostTimes("b", 2, "a"), True),
            (AtMostTimes("b", 1.5, "a"), False),
            (AtMostTimes("b", 2, "c"), None),
            (AtLeastTimes("b", 2, "a"), True),
            (AtLeastTimes("b", 3, "a"), False),
            (AtLeastTimes("c", 3, "a"), None),
        ):
            self.assertIs(target.holds(values), holds, target.text("ms"))

    def test_the_verdict_of_a_row(self):
        values = {"a": 1.0, "b": 2.0}
        self.assertEqual(verdict([], values), "")
        self.assertEqual(verdict([AtMost("a", 1), AtMost("c", 1)], values), "yes")
        self.assertEqual(verdict([AtMost("a", 1), AtMost("b", 1)], values), "no: b")
        self.assertEqual(verdict([AtMost("c", 1)], values), "not measured")


class Turns(unittest.TestCase):
    def test_everybody_comes_first_in_turn(self):
        orders = [turned(["a", "b", "c"], turn) for turn in range(4)]
        self.assertEqual(["".join(order) for order in orders], ["abc", "bca", "cab", "abc"])
        self.assertEqual(turned([], 3), [])


class Tables(unittest.TestCase):
    ROWS = [
        Row("size", "MB", {"musl": 0.5, "4.3.0": 30, "s6": 2, "dinit": 1, "runit": "runit is missing"}, [AtMost("musl", 1)]),
        Row("rate", "", {"musl": 7}),
    ]

    def test_columns_are_as_wide_as_what_is_in_them(self):
        self.assertEqual(markdown(["a", "b"], [["long", "x"]]), "| a    | b |\n|------|---|\n| long | x |\n")

    def test_a_missing_peer_is_told_of_and_the_others_are_shown(self):
        text = chapter("Sizes", self.ROWS, ["musl", "4.3.0", "runit", "s6", "dinit"])
        self.assertIn("| measure | unit | musl  | 4.3.0 | s6 | dinit | target", text)
        self.assertIn("| size    | MB   | 0.500 | 30    | 2  | 1     | musl ≤ 1 MB | yes   |", text)
        self.assertIn("- size, runit: runit is missing\n", text)

    def test_the_best_peer_is_named(self):
        text = summary(self.ROWS, ["musl", "tiny"], ["s6", "dinit"], [])
        self.assertIn("| size, MB | 0.500 |      | 30    | 1 (dinit) |", text)
        self.assertIn("| rate     | 7     |      |       |           |", text)

    def test_costs_by_the_number_of_programs_have_a_table_of_their_own(self):
        grown = Row("restart", "µs", {"10": 5, "1000": 7}, [AtMostTimes("1000", 1.2, "10")])
        text = summary(self.ROWS + [grown], ["musl"], ["s6"], ["10", "1000"])
        self.assertIn("| restart, µs                        | 5  | 7    | 1000 ≤ 1.2 × 10 | no: 1000 |\n", text)
        self.assertEqual(text.count("restart"), 1)

    def test_only_what_is_between_the_markers_changes(self):
        page = "head\n%s\nold\n%s\ntail\n" % (BEGIN, END)
        self.assertEqual(replace_between(page, BEGIN, END, "new\n"), "head\n%s\nnew\n%s\ntail\n" % (BEGIN, END))
        for wrong in ("", BEGIN, END + BEGIN, BEGIN + BEGIN + END):
            with self.assertRaises(ValueError):
                replace_between(wrong, BEGIN, END, "")


if __name__ == "__main__":
    unittest.main()
