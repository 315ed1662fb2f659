"""Sequences against the model, and the proof that it would find and shorten a fault."""

import io
import os
import pathlib
import tempfile
import time
import unittest

import model
import program
import shrink

SECONDS = 120
STEPS = 80


class ModelTests(unittest.TestCase):
    def prepare(self, **options):
        program.need_fuse()
        it = model.Model(io.StringIO(), **options)
        self.addCleanup(it.close)
        return it

    def test_sequences(self):
        """Whatever two machines, a scanner and a reader do: every snapshot stays what it was."""
        it = self.prepare()
        # The same sequences each time, as far as the clock allows; TORTURE_SEED gives others.
        failure = model.explore(it, int(os.environ.get("TORTURE_SEED", "1")) * 1000, STEPS, SECONDS)
        self.assertIsNone(failure, failure and model.shown(failure))

    def test_a_cache_that_is_blind_to_the_time_of_changes_is_found(self):
        """The program as if stat caches compared no ctime: a sneaky change is missed, and little more is needed to show it."""
        it = self.prepare(preload={"TORTURE_BLIND": "1"})
        failure = model.explore(it, 1, STEPS, float("inf"), storages=("folder",), sequences=10)
        self.assertIsNotNone(failure)
        self.assertIn("differs", failure.text)
        small = it.shrink(failure, time.monotonic() + 45)
        self.assertIsNotNone(small, failure.text)
        kinds = [step.get("change", step["do"]) for step in small.steps]
        self.assertLess(len(kinds), 10, model.shown(small))
        self.assertTrue({"sneak", "replace", "swap"} & set(kinds), kinds)
        self.assertGreaterEqual(sum("save" in kind or kind == "both" for kind in kinds), 2, kinds)
        # What is kept in a file shows it again, and only with this program.
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "failure.json"
            small.write(path)
            self.assertIsNotNone(it.replay(model.Failure.read(path)))
            it.preload = {}
            self.assertIsNone(it.replay(model.Failure.read(path)))


class ShrinkTests(unittest.TestCase):
    def test_what_does_not_matter_is_left_out(self):
        steps = list(range(100))
        self.assertEqual(shrink.shorter(steps, lambda left: {17, 18, 60} <= set(left)), [17, 18, 60])
        self.assertEqual(shrink.shorter(steps, lambda left: True), [])
        self.assertEqual(shrink.shorter(steps, lambda left: left == steps), steps)

    def test_it_ends_when_the_time_is_up(self):
        verdicts = iter([True, None])
        self.assertEqual(shrink.shorter([1, 2, 3, 4], lambda _: next(verdicts)), [3, 4])

    def test_steps_become_simpler(self):
        variants = {3: [1, 2], 2: [1]}
        steps = shrink.simpler([3, 3], lambda left: left[0] >= 2, lambda step: variants.get(step, []))
        self.assertEqual(steps, [2, 1])
