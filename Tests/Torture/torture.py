"""Kills or fails the program at every n-th call of a run, or plays sequences against a model (see scripts/torture)."""

import argparse
import json
import os
import pathlib
import random
import sys
import time

import faults

BUILD = faults.BUILD
sys.path[:0] = [str(faults.HERE.parent / "Oracle"), str(faults.HERE.parent / "S3Double")]
os.environ["REKKORD_BINARY"] = os.path.abspath(os.environ.get("REKKORD_BINARY", BUILD / "release" / "rekkord"))

import model  # noqa: E402
from place import Finding  # noqa: E402
from power import PowerLoss  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

MODEL_SHRINK_SECONDS = 600


class Tally:
    """What was done and found; in a file as well, so that a long run goes on where it was stopped, and counts add up."""

    def __init__(self, path=None, is_fresh=False):
        self.path = path
        self.kills = self.failures = self.crashes = 0
        # The same for each scenario, in this order.
        self.scenarios = {}
        self.findings = []
        # Scenario and fault: the next call to strike; None when all were struck.
        self.lanes = {}
        if path and path.exists() and not is_fresh:
            self.__dict__ |= json.loads(path.read_text())

    def count(self, scenario, fault=None, crashes=0):
        counts = (int(fault is not None and fault.kills), int(fault is not None and not fault.kills), crashes)
        self.kills, self.failures, self.crashes = added((self.kills, self.failures, self.crashes), counts)
        self.scenarios[scenario.name] = added(self.scenarios.get(scenario.name, (0, 0, 0)), counts)

    def keep(self):
        if self.path:
            kept = {name: value for name, value in self.__dict__.items() if name != "path"}
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(kept, indent=1))
            fresh.rename(self.path)

    def table(self):
        rows = (f"  {name}: {kills} kills, {faults} faults, {crashes} crashes" for name, (kills, faults, crashes) in self.scenarios.items())
        return "\n".join(rows)

    def line(self):
        return f"{self.kills} kills, {self.failures} faults, {self.crashes} crashes, {len(self.findings)} findings"


def added(counts, more):
    return [one + other for one, other in zip(counts, more, strict=True)]


def strike(scenario, fault, at, tally, out):
    """One point; whether the run reached that call."""
    try:
        outcome = scenario.attempt(fault, at)
    except Finding as finding:
        _, victim = faults.Report.last(scenario.place.base / "report")
        again = f"scripts/torture {scenario.name} --size {scenario.size} --fault {fault.name} --at {at}"
        tally.findings.append(f"{again}: {victim}: {finding}")
        print(f"FINDING {tally.findings[-1]}", file=out, flush=True)
    else:
        victim = outcome.victim
    if victim is not None:
        tally.count(scenario, fault)
    return victim is not None


def exhaust(scenario, fault, deadline, tally, out):
    """Every n-th call from where the tally is."""
    lane = f"{scenario.name} {fault.name}"
    at = tally.lanes.get(lane, 1)
    if at is None:
        return
    while at is not None and time.monotonic() < deadline:
        last = at
        # A limit may be out of reach.
        at = at + 1 if strike(scenario, fault, at, tally, out) or at <= len(fault.limits) else None
        tally.lanes[lane] = at
        tally.keep()
    if at is None:
        print(f"{lane}: all {last - 1} calls; {tally.line()}", file=out, flush=True)


def sample(scenario, names, seed, tally, out, deadline=float("inf"), points=float("inf")):
    """Faults at random calls, for as long as there is time and points are left."""
    chooser = random.Random(seed)
    counts = {}
    done = 0
    while time.monotonic() < deadline and done < points:
        fault = faults.FAULTS[chooser.choice(names)]
        if fault.name not in counts:
            scenario.place.reset()
            counts[fault.name] = len(fault.limits) or max(1, scenario.run(fault, 0).count)
        strike(scenario, fault, chooser.randint(1, counts[fault.name]), tally, out)
        tally.keep()
        done += 1


def lose_power(scenario, seed, per_point, tally, out, next_run_share=0.01):
    """Crashes at every change that one run of a scenario makes, in several ways each; once for each seed and size."""
    lane = f"{scenario.name} power, size {scenario.size}, seed {seed}, {per_point} ways"
    if lane in tally.lanes:
        return
    power = PowerLoss(scenario)
    tally.findings += power.strike(per_point, random.Random(seed), next_run_share, out)
    tally.count(scenario, crashes=power.points)
    tally.lanes[lane] = None
    tally.keep()
    print(f"{lane}: {len(power.records)} changes, {power.points} different disks; {tally.line()}", file=out, flush=True)


def run_model(arguments):
    """Sequences of the model until the time is up or one fails, or one that is in a file."""
    it = model.Model(sys.stdout)
    try:
        if arguments.replay:
            failure = it.replay(model.Failure.read(arguments.replay))
            if failure:
                print(model.shown(failure))
        else:
            failure = model.explore(it, arguments.seed, arguments.steps, arguments.seconds)
            if failure:
                model.report(it, failure, BUILD, MODEL_SHRINK_SECONDS)
    finally:
        it.close()
    counts = ", ".join(f"{it.counts[name]} {name}" for name in model.SUMMARY)
    print(f"{it.sequences} sequences, {counts}, {1 if failure else 0} findings")
    return 1 if failure else 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after about so long")
    parser.add_argument("--random", action="store_true", help="random points of larger runs, until the time is up")
    parser.add_argument("--power", action="store_true", help="power loss after every change of a file instead")
    parser.add_argument("--model", action="store_true", help="random sequences of commands against a model in memory instead")
    parser.add_argument("--steps", type=int, default=model.STEPS, help="in each sequence of the model")
    parser.add_argument("--replay", type=pathlib.Path, metavar="FILE", help="with --model: the sequence that was found")
    parser.add_argument("--ways", type=int, default=30, help="in which each loss of power leaves the disk at most")
    parser.add_argument("--seed", type=int, default=1, help="of the random points")
    parser.add_argument("--size", type=int, help="files of the tree; default: 1, 20 with --power, 300 with --random")
    parser.add_argument("--fault", action="append", choices=faults.FAULTS, help="only these")
    parser.add_argument("--at", type=int, help="only this call, to see a finding again")
    parser.add_argument("--state", type=pathlib.Path, default=BUILD / "torture.json", help="what was done already, with what was counted")
    parser.add_argument("--again", action="store_true", help="forget what was done already")
    parser.add_argument("scenarios", nargs="*", metavar="COMMAND", help=f"of {', '.join(SCENARIOS)}; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen = [SCENARIOS[name] for name in arguments.scenarios or SCENARIOS]
    size = arguments.size or (300 if arguments.random else 20 if arguments.power else 1)
    if arguments.model:
        return run_model(arguments)
    deadline = time.monotonic() + arguments.seconds
    tally = Tally(None if arguments.at else arguments.state, arguments.again)
    for index, kind in enumerate(chosen):
        names = [name for name in kind.faults if not arguments.fault or name in arguments.fault]
        if not names or time.monotonic() > deadline or arguments.power and not kind.is_durable:
            continue
        scenario = kind(size)
        try:
            if arguments.power:
                lose_power(scenario, arguments.seed, arguments.ways, tally, sys.stdout)
            elif arguments.at:
                for name in names:
                    strike(scenario, faults.FAULTS[name], arguments.at, tally, sys.stdout)
            elif arguments.random:
                share = (deadline - time.monotonic()) / (len(chosen) - index)
                sample(scenario, names, arguments.seed, tally, sys.stdout, deadline=time.monotonic() + share)
            else:
                for name in names:
                    exhaust(scenario, faults.FAULTS[name], deadline, tally, sys.stdout)
        finally:
            scenario.close()
    if not arguments.at:
        print(f"In all runs that {arguments.state} knows:\n{tally.table()}")
    print(tally.line())
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
