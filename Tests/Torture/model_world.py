"""The world of the model: two machines that save, who scans, who reads; and what each snapshot has to show, in memory."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import faults
from model_mount import Mount
from model_tree import Observer, Tree
from model_views import Views, differences
from place import Finding, expect
from rekkord_oracle import blobs
from rekkord_oracle.primitives import FormatError

MACHINES = ("a", "b")
# What the clock of a machine is ahead in a step that asks for it: a stat cache then takes files that just changed.
AHEAD_SECONDS = 3


@dataclass
class Machine:
    name: str
    tree: Tree
    cache: pathlib.Path
    scratch: pathlib.Path
    # Calls of its last save that a kill may strike.
    calls: int = 60

    @property
    def channel(self):
        return f"machine:{self.name}"

    @property
    def kept_cache(self):
        return self.cache.with_name(self.cache.name + ".kept")


@dataclass
class Snapshot:
    label: str
    channel: str
    oid: str
    time: int
    # {absolute path: {path below it: Row}}; None where entries could not be read while they changed.
    roots: dict = field(default_factory=dict)


class World:
    def __init__(self, place, preload=None):
        """`preload`: more of the environment of saves, as the tests of this test need it."""
        self.place, self.preload = place, preload or {}
        place.reset()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rekkord-model-"))
        self.observer = Observer()
        self.machines = [self.machine(name) for name in MACHINES]
        self.snapshots = {}  # by label, in the order in which they were made
        self.tag_names = set()
        self.views = Views(self)
        self.mount = None
        self.counts = {}

    def machine(self, name):
        scratch = self.folder / f"scratch-{name}"
        tree = self.folder / f"machine-{name}" / "tree"
        for folder in (scratch, tree):
            folder.mkdir(parents=True)
        return Machine(name, Tree(str(tree)), self.place.work / f"cache-{name}", scratch)

    def close(self):
        if self.mount:
            self.mount.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def take(self, step):
        """One step; what must not happen raises Finding."""
        try:
            getattr(self, "do_" + step["do"].replace("-", "_"))(step)
        except subprocess.TimeoutExpired as error:
            raise Finding(f"it hangs: {error}") from error
        except (FormatError, OSError) as error:
            raise Finding(f"{type(error).__name__}: {error}") from error
        self.count("steps")

    def finish(self):
        """All that was ever saved is there, in every view."""
        self.take({"do": "verify"})
        self.take({"do": "snapshots"})
        for number, label in enumerate(self.snapshots):
            self.take({"do": "check", "of": label})
            self.take({"do": "look", "of": label, "seed": number})
            self.take({"do": "list", "of": label})
        for machine in range(len(MACHINES)):
            newest = self.newest(self.machines[machine].channel)
            if newest:
                self.take({"do": "restore", "of": newest.label, "to": "new", "options": ["-m", "Owner,XAttrs"]})
        self.take({"do": "scan", "options": ["--all"]})
        self.take({"do": "unmount"})

    # What is known

    def newest(self, channel):
        own = [snapshot for snapshot in self.snapshots.values() if snapshot.channel == channel]
        return max(own, key=lambda snapshot: (snapshot.time, snapshot.oid), default=None)

    def command(self, key, cache, *arguments):
        return self.place.command(arguments[0], "--cache-dir", cache, *arguments[1:], key=key)

    def read(self, *arguments, key="ReadWrite"):
        """What a reader is told, who has a cache of their own."""
        command = self.command(key, self.place.work / "cache-reader", *arguments)
        return self.ended(command, faults.run(command, self.place.environment, self.folder)).stdout

    def ended(self, command, outcome):
        expect(outcome.status == 0, f"{' '.join(map(str, command))}: status {outcome.status}: {outcome.stderr}")
        return outcome

    def new_tags(self):
        """Tags that nobody knew; those that were known are there."""
        tags = self.views.reader().tags()[0]
        names = {tag.object_name for tag in tags}
        expect(self.tag_names <= names, "a snapshot is gone")
        return [tag for tag in tags if tag.object_name not in self.tag_names]

    # Changes

    def do_change(self, step):
        self.count("changes", self.machines[step["machine"]].tree.apply(step))

    def do_settle(self, _):
        """Until all that changed is so old that stat caches may remember it."""
        time.sleep(2.1)

    # Saves

    def do_save(self, step):
        self.save_all([step])

    def do_both(self, step):
        self.save_all(step["saves"], step.get("scan"))

    def do_save_while_changing(self, step):
        """Of what changes meanwhile a save has this or that; from then on it is as fixed as all others."""
        machine = self.machines[step["save"]["machine"]]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            changing = pool.submit(lambda: [machine.tree.apply(change) for change in step["changes"]])
            try:
                self.save_all([step["save"]], is_loose=True)
            finally:
                changing.result()

    def save_all(self, steps, scan=None, is_loose=False):
        """Saves at the same time, and perhaps a scan."""
        has_kill = any("at" in step for step in steps)
        if has_kill and self.place.rests_alone:
            self.do_unmount(None)
        runs = []
        for step in steps:
            machine = self.machines[step["machine"]]
            self.prepare_cache(machine, step.get("cache"))
            operands = self.operands(machine, step.get("paths"))
            expected = {} if is_loose else {path: self.observer.observe(path) for path in operands}
            if not step_has_attributes(step):
                expected = {path: without_attributes(rows) for path, rows in expected.items()}
            runs.append((machine, step, operands, expected))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            saves = [pool.submit(self.run_save, machine, step, operands) for machine, step, operands, _ in runs]
            scanning = pool.submit(self.run_scan, scan) if scan is not None else None
            outcomes = [save.result() for save in saves]
            if scanning:
                scanning.result()
        if has_kill:
            self.place.come_to_rest()
        tags = self.new_tags()
        for (machine, step, _, expected), outcome in zip(runs, outcomes):
            own = [tag for tag in tags if os.fsdecode(tag.payload.channel) == machine.channel]
            tags = [tag for tag in tags if tag not in own]
            self.judge_save(machine, step, expected, outcome, own, is_loose)
        expect(not tags, "a snapshot that nobody made")

    def prepare_cache(self, machine, what):
        if what == "delete":
            shutil.rmtree(machine.cache, ignore_errors=True)
        elif what == "reset":
            self.place.run("reset_cache", "--cache-dir", machine.cache, key=f"machine-{machine.name}")
        elif what == "keep":
            shutil.rmtree(machine.kept_cache, ignore_errors=True)
            if machine.cache.exists():
                shutil.copytree(machine.cache, machine.kept_cache)
        elif what == "older" and machine.kept_cache.exists():
            shutil.rmtree(machine.cache, ignore_errors=True)
            shutil.copytree(machine.kept_cache, machine.cache)

    def operands(self, machine, paths):
        """Files and folders among `paths`, none inside another; else the whole tree."""
        chosen = []
        for path in sorted(paths or ()):
            path = machine.tree.path(path)
            is_inside = any(path.startswith(other + "/") for other in chosen)
            if not os.path.islink(path) and (os.path.isfile(path) or os.path.isdir(path)) and not is_inside:
                chosen.append(path)
        return chosen or [machine.tree.top]

    def run_save(self, machine, step, operands):
        options = ["--format", "JSON", "-j", step.get("threads", 1), *step.get("options", ())]
        command = self.command(f"machine-{machine.name}", machine.cache, "save", *options, machine.channel, *operands)
        more = {"TORTURE_CLOCK": str(AHEAD_SECONDS)} if step.get("ahead") else {}
        fault = faults.FAULTS[step.get("fault", "kill")]
        outcome = faults.run(command, self.place.environment, machine.scratch, fault, step.get("at", 0), **more, **self.preload)
        if outcome.victim is None and outcome.count:
            machine.calls = outcome.count
        return outcome

    def judge_save(self, machine, step, expected, outcome, tags, is_loose):
        who = f"save of {machine.name}"
        expect(len(tags) <= 1, f"{who}: {len(tags)} snapshots")
        if outcome.victim:
            self.count("kills")
            expect(outcome.status == -9, f"{who}: status {outcome.status} after a kill: {outcome.stderr}")
        else:
            self.count("saves")
            expect(outcome.status in ((0, 3) if is_loose else (0,)), f"{who}: status {outcome.status}: {outcome.stderr}")
            expect(len(tags) == 1, f"{who}: no snapshot: {outcome.stderr}")
        for tag in tags:
            oid = blobs.object_id("M", tag.digest)
            snapshot = Snapshot(str(step["n"]), machine.channel, oid, tag.payload.time, expected)
            if outcome.stdout:
                told = json.loads(outcome.stdout)
                expect(told["object"] == oid, f"{who}: tells {told['object']}, not {oid}")
            if is_loose:
                snapshot.roots = self.views.stored(oid) if outcome.status == 0 else None
            self.tag_names.add(tag.object_name)
            self.snapshots[snapshot.label] = snapshot
            self.check(snapshot, self.views.stored(oid) if snapshot.roots is not None else None, "what is stored")

    def check(self, snapshot, found, view, expected=None):
        """A view of a snapshot, or what is to be seen of it there, equals the model."""
        if snapshot.roots is not None:
            wrong = differences(snapshot.roots if expected is None else expected, found)
            expect(not wrong, f"{view}: snapshot {snapshot.label} of {snapshot.channel} differs: {wrong}")

    # Other commands

    def do_scan(self, step):
        self.run_scan(step)
        expect(not self.new_tags(), "a scan made a snapshot")

    def run_scan(self, step):
        command = self.command("ReadWrite", self.place.work / "cache-scanner", "scan", *step.get("options", ()))
        fault = faults.FAULTS["kill"]
        outcome = faults.run(command, self.place.environment, self.folder, fault, step.get("at", 0))
        if outcome.victim:
            self.count("kills")
            expect(outcome.status == -9, f"scan: status {outcome.status} after a kill")
        else:
            self.count("scans")
            self.ended(command, outcome)
            # Without any snapshot there is a note instead.
            expect(b": all clear" in outcome.stdout or not self.snapshots, f"scan: {outcome.stdout}{outcome.stderr}")

    def do_change_cid(self, _):
        self.place.run("change_cid", "--cache-dir", self.place.work / "cache-owner", key="Master")

    def do_restore(self, step):
        snapshot = self.snapshots.get(step["of"])
        if snapshot is None or snapshot.roots is None:
            return
        is_new, options = step["to"] == "new", step["options"]
        target = self.folder / ("restored" if is_new else "restored-over")
        if is_new:
            shutil.rmtree(target, ignore_errors=True)
        else:
            options = ["-f", "--delete", *options]
        for change in step.get("changes", ()):
            Tree(str(target) + self.machines[change["machine"]].tree.top).apply(change)
        command = self.command("ReadWrite", self.place.work / "cache-reader", "restore", *options, snapshot.oid, target)
        outcome = faults.run(command, self.place.environment, self.folder, faults.FAULTS["kill"], step.get("at", 0))
        if outcome.victim:
            self.count("kills")
            expect(outcome.status == -9, f"restore: status {outcome.status} after a kill")
            return
        self.ended(command, outcome)
        self.count("restores")
        found = {root: self.observer.observe(str(target) + root) for root in snapshot.roots}
        expected, found = self.views.restored(snapshot.roots, found, options, is_new)
        self.check(snapshot, found, f"restored {step['to']}", expected)

    def do_mount(self, step):
        self.do_unmount(step)
        self.mount = Mount(self, step.get("options", ()))

    def do_unmount(self, _):
        if self.mount:
            mount, self.mount = self.mount, None
            mount.end()

    def do_kill_mount(self, _):
        if self.mount:
            self.mount.kill()
            self.mount = None

    def do_look(self, step):
        snapshot = self.snapshots.get(step["of"])
        if snapshot and snapshot.roots is not None:
            self.mount = self.mount or Mount(self, ())
            self.mount.look(snapshot, step["seed"])
            self.count("looks")

    def do_history(self, step):
        if self.snapshots:
            self.mount = self.mount or Mount(self, ())
            self.mount.history(self.machines[step["machine"]].tree.path(step["path"]))
            self.count("looks")

    def do_list(self, step):
        snapshot = self.snapshots.get(step["of"])
        if snapshot and snapshot.roots is not None:
            found, expected = self.views.listed(snapshot)
            self.check(snapshot, found, "list", expected)
            self.count("looks")

    def do_snapshots(self, _):
        self.views.expect_snapshots()
        self.count("looks")

    def do_check(self, step):
        snapshot = self.snapshots.get(step["of"])
        if snapshot and snapshot.roots is not None:
            self.check(snapshot, self.views.stored(snapshot.oid), "what is stored")
            self.count("looks")

    def do_verify(self, _):
        self.place.expect_sound(self.views.reader())
        expect(not self.new_tags(), "a snapshot that nobody made")


def step_has_attributes(step):
    return "XAttrs" in step.get("options", ())


def without_attributes(rows):
    return {path: row.without(attributes=()) for path, row in rows.items()}

