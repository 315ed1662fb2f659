"""Every attack of the suite, and the page that is made from it."""

import unittest

import scenes
import suite


class PageTests(unittest.TestCase):
    def test_the_page_is_up_to_date(self):
        self.assertEqual(suite.PAGE.read_text(encoding="utf-8"), suite.page(), "run Tests/Attacks/table")

    def test_every_attack_declares_what_it_is(self):
        known = suite.threats()
        titles = set()
        for attack in suite.attacks():
            with self.subTest(attack.__module__):
                title = suite.title(attack)
                self.assertRegex(title, r"\A[A-Z0-9`].{10,110}\.\Z")
                self.assertNotIn(title, titles)
                titles.add(title)
                self.assertIn(attack.threat, known)
                self.assertIn(attack.end, scenes.ENDS)
                self.assertRegex(attack.outcome, r"\A[A-Z`].{15,400}\Z")
        self.assertGreaterEqual(len(titles), 60)
        for end in scenes.ENDS:
            self.assertGreater(suite.count(end), 0)


def load_tests(loader, tests, pattern):
    tests.addTests(attack() for attack in suite.attacks())
    return tests
