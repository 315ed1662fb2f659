"""A few points of every scenario; scripts/torture strikes all of them."""

import io
import os
import unittest

import program
from scenarios import SCENARIOS
from torture import Tally, sample

POINTS = 6


class TortureTests(unittest.TestCase):
    """Whatever call of a command is killed or fails: nothing is lost, and the next run completes."""

    def strike(self, kind):
        if kind.name == "mount":
            program.need_fuse()
        scenario, tally = kind(), Tally()
        self.addCleanup(scenario.close)
        # The same points each time; TORTURE_SEED gives others.
        seed = os.environ.get("TORTURE_SEED", "1")
        sample(scenario, kind.faults, f"{seed} {kind.name}", tally, io.StringIO(), points=POINTS)
        self.assertEqual(tally.findings, [])
        self.assertGreater(tally.kills + tally.failures, POINTS // 2)


for name, kind in SCENARIOS.items():
    setattr(TortureTests, f"test_{name.replace('-', '_')}", lambda self, kind=kind: self.strike(kind))
