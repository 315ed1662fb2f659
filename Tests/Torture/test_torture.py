"""A few points of every scenario; scripts/torture strikes all of them."""

import io
import os
import random
import unittest

import program
from power import PowerLoss
from scenarios import SCENARIOS
from torture import Tally, lose_power, sample

POINTS = 6
WAYS = 5


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


class PowerLossTests(unittest.TestCase):
    """Whenever the power goes, what was told to be saved is there, and all that is there is whole."""

    def prepare(self, name):
        scenario = SCENARIOS[name]()
        self.addCleanup(scenario.close)
        return scenario

    def lose_power(self, name):
        tally = Tally()
        lose_power(self.prepare(name), 1, WAYS, tally, io.StringIO(), next_run_share=0.01)
        self.assertEqual(tally.findings, [])
        return tally.crashes

    def test_save(self):
        self.assertGreater(self.lose_power("save"), 200)

    def test_save_in_groups(self):
        self.assertGreater(self.lose_power("save-grouped"), 200)

    def test_change_cid(self):
        self.lose_power("change_cid")

    def test_without_syncing_it_would_be_noticed(self):
        """Proves the other tests: the same run, as if one kind of sync had been left out."""
        for name, lost in (("save-grouped", "syncfs"), ("save", "fsync"), ("init", "fsync"), ("change_cid", "fsync")):
            with self.subTest(f"{name} without {lost}"):
                power = PowerLoss(self.prepare(name))
                power.records = [record for record in power.records if record[0] != lost]
                self.assertNotEqual(power.strike(WAYS, random.Random(1), 0, io.StringIO()), [])


for name, kind in SCENARIOS.items():
    setattr(TortureTests, f"test_{name.replace('-', '_')}", lambda self, kind=kind: self.strike(kind))
