"""Power loss: what a command did to files is recorded, and the disk is put together as a crash may leave it.

What was synced is there. Of the rest, each change of a name and each block of data may be there or not: names in the
order of the journal or in any order, data whole, torn, zeroed or lost. Renames are atomic, as they are on all file
systems with a journal; a synced file may lack its name until its folder was synced too.
"""

import functools
import os
import struct
from dataclasses import dataclass

import caches
import faults
from place import Finding, expect
from rekkord_oracle import blobs, keys
from rekkord_oracle.primitives import FormatError
from rekkord_oracle.repository import MissingObject, Repository
from rekkord_oracle.verify import FOLDERS

FOLDER = "folder"
# The same few paths are asked for again and again.
folder_of = functools.cache(os.path.dirname)
BLOCK = 512
# How much of what was not synced is there: of the names, and of the data; "mixed": another fate for each file.
NAME_FATES = ("none", "all", "journal", "any")
DATA_FATES = ("none", "all", "torn", "zeros", "mixed")
# After so many disks in a row that were judged before, a crash point has nothing new.
PATIENCE = 10


@dataclass(frozen=True)
class Names:
    """One atomic change of names: {path: inode, FOLDER, or None for gone}."""

    changes: tuple

    def touches(self, folder):
        return any(folder_of(path) == folder for path, _ in self.changes)


@dataclass(frozen=True)
class Data:
    """A write, or without bytes a new size."""

    inode: int
    offset: int
    content: bytes | None


def read_trace(path):
    """The records of the interposer, as tuples of text, with the data at the end."""
    trace = path.read_bytes()
    position, records = 0, []
    while position < len(trace):
        fields, length = struct.unpack_from("<II", trace, position)
        position += 8
        words = os.fsdecode(trace[position : position + fields]).split("\0")[:-1]
        words = [os.path.normpath(word) if word.startswith("/") else word for word in words]
        position += fields
        records.append((*words, trace[position : position + length]))
        position += length
    return records


class Disk:
    """A tree below `root`: what is durable, and what may become so, in order."""

    def __init__(self, root):
        self.names = {str(root): FOLDER}
        self.data = {}
        for folder, folders, files in os.walk(root):
            self.names |= {os.path.join(folder, name): FOLDER for name in folders}
            for name in files:
                path = os.path.join(folder, name)
                inode = self.names[path] = os.lstat(path).st_ino
                with open(path, "rb") as file:
                    self.data[inode] = file.read()
        self.seen = dict(self.names)
        self.pending = []

    def play(self, record):
        """Takes one record of a trace."""
        what, *words, data = record
        match what:
            case "create":
                self.data[int(words[0])] = b""
                self._rename((words[1], int(words[0])))
            case "mkdir":
                self._rename((words[0], FOLDER))
            case "unlink" | "rmdir":
                self._rename((words[0], None))
            case "rename":
                self._rename((words[0], None), (words[1], self.seen[words[0]]))
            case "link":
                self._rename((words[1], self.seen[words[0]]))
            case "write":
                self.pending.append(Data(int(words[0]), int(words[1]), data))
            case "truncate":
                self.pending.append(Data(int(words[0]), int(words[1]), None))
            case "fsync":
                inode, path = int(words[0]), words[1]
                self._settle(lambda op: op.touches(path) if isinstance(op, Names) else op.inode == inode)
            case "syncfs":
                self._settle(lambda op: True)

    def _rename(self, *changes):
        self.pending.append(Names(changes))
        self.seen |= changes

    def _settle(self, is_synced):
        """Makes changes durable; of a name only the newest one counts."""
        rest = []
        for op in self.pending:
            if not is_synced(op):
                rest.append(op)
            elif isinstance(op, Data):
                self.data[op.inode] = changed(self.data[op.inode], op)
            else:
                self.names |= op.changes
                stale = {path for path, _ in op.changes}
                rest = [kept for kept in map(lambda old: without(old, stale), rest) if kept]
        self.pending = rest

    def after_crash(self, name_fate, data_fate, chooser):
        """{path: content or None for a folder} of one way in which the disk may be found."""
        names, data = dict(self.names), dict(self.data)
        changes = [op for op in self.pending if isinstance(op, Names)]
        kept = {"none": 0, "journal": chooser.randint(0, len(changes))}.get(name_fate, len(changes))
        for op in changes[:kept]:
            if name_fate != "any" or chooser.random() < 0.5:
                names |= op.changes
        fates = {}
        for op in self.pending:
            if isinstance(op, Data):
                fate = data_fate if data_fate != "mixed" else fates.setdefault(op.inode, chooser.choice(DATA_FATES[:-1]))
                data[op.inode] = survived(data[op.inode], op, fate, chooser)
        state = {}
        # A name is there when the folders that lead to it are; paths sort after their folders.
        root = min(names, key=len)
        for path in sorted(path for path, value in names.items() if value is not None):
            if path == root or state.get(folder_of(path), b"") is None:
                state[path] = None if names[path] == FOLDER else data[names[path]]
        return state


def without(op, stale):
    if isinstance(op, Data):
        return op
    left = tuple(change for change in op.changes if change[0] not in stale)
    return Names(left) if left else None


def changed(old, op):
    if op.content is None:
        return old[: op.offset].ljust(op.offset, b"\0")
    end = op.offset + len(op.content)
    return old[: op.offset].ljust(op.offset, b"\0") + op.content + old[end:]


def survived(old, op, fate, chooser):
    """The content of a file after one write that was not synced."""
    if fate == "none":
        return old
    if fate == "all" or op.content is None:
        return changed(old, op) if fate == "all" or chooser.random() < 0.5 else old
    new = changed(old, op)
    # The size may come before the data, which then reads as zeros.
    found = bytearray(old.ljust(len(new), b"\0") if fate == "zeros" else old)
    for start in range(op.offset - op.offset % BLOCK, op.offset + len(op.content), BLOCK):
        if chooser.random() < 0.5:
            piece = new[start : start + BLOCK]
            found[len(found) :] = bytes(max(0, start - len(found)))
            found[start : start + len(piece)] = piece
    return bytes(found)


class CrashedRepository(Repository):
    """The independent reader on a state; what it decodes once it knows."""

    known = {}

    def __init__(self, state, root, master):
        self.objects = {
            path.removeprefix(root + "/"): content
            for path, content in state.items()
            if content is not None and path.startswith(root + "/")
        }
        super().__init__(None, master)

    def read(self, name):
        if name not in self.objects:
            raise MissingObject(f"{name}: missing")
        return self.objects[name]

    def object_names(self, prefix=""):
        return [name for name in self.objects if name.startswith(prefix) and not name.startswith("tmp/")]

    def get(self, catalog, digest, types):
        name = blobs.object_name(catalog, digest)
        key = (name, self.objects.get(name), frozenset(types))
        if key not in self.known:
            self.known[key] = super().get(catalog, digest, types)
        return self.known[key]


class PowerLoss:
    """All crash points of one run of a scenario."""

    def __init__(self, scenario):
        self.scenario, self.place = scenario, scenario.place
        self.place.reset()
        self.disk = Disk(self.place.work)
        trace = self.place.base / "trace"
        trace.write_bytes(b"")
        more = {"TORTURE_TRACE": str(trace), "TORTURE_ROOT": str(self.place.work), **scenario.more}
        outcome = faults.run(scenario.arguments(), self.place.environment, self.place.base, **more)
        expect(outcome.status == 0, f"status {outcome.status}: {outcome.stderr}")
        self.records = read_trace(trace)
        scenario.learn()
        key = self.place.work / "Master.key"
        self.master = keys.load_key(key)
        self.key_path, self.key_content = str(key), key.read_bytes()
        self.root = str(self.place.repo)
        self.judged = set()

    @property
    def points(self):
        """Crashes that left different disks."""
        return len({disk for disk, _ in self.judged})

    def strike(self, per_point, chooser, next_run_share, out):
        """Crashes after each record, with up to `per_point` disks that were not judged before; returns the findings."""
        findings = []
        for number, record in enumerate([None, *self.records]):
            if record:
                self.disk.play(record)
            is_over = number == len(self.records)
            for fate, state in self.disks_after_crash(per_point, is_over, chooser):
                try:
                    self.judge(state, is_over, chooser.random() < next_run_share)
                except (Finding, FormatError) as finding:
                    text = f"{self.scenario.name}: power loss after {number} ({record and record[:-1]}), {fate}: {finding}"
                    findings.append(text)
                    print(f"FINDING {text}", file=out, flush=True)
        return findings

    def disks_after_crash(self, count, is_over, chooser):
        """(fates, state) of up to `count` ways that no crash left before; what must hold is more when all is over."""
        fates = [("none", "none"), ("all", "none"), ("all", "all")]
        repeats = 0
        while count > 0 and repeats < PATIENCE:
            fate = fates.pop(0) if fates else (chooser.choice(NAME_FATES), chooser.choice(DATA_FATES))
            state = self.disk.after_crash(*fate, chooser)
            key = hash(frozenset(state.items())), is_over
            if key in self.judged:
                repeats += 1
                continue
            self.judged.add(key)
            repeats, count = 0, count - 1
            yield fate, state

    def judge(self, state, is_over, runs_next):
        self.judge_key(state, is_over)
        if f"{self.root}/rekkord" not in state:
            expect(self.scenario.name == "init" and not is_over, "the repository is gone")
            return
        lacking = [name for name in FOLDERS if state.get(f"{self.root}/{name}", b"") is not None]
        expect(not lacking, f"folders are missing: {lacking[:3]}")
        reader = CrashedRepository(state, self.root, self.master)
        self.place.expect_sound(reader)
        self.scenario.judge_crash(reader, state, is_over)
        self.judge_cache(state, reader)
        if runs_next:
            self.judge_next_run(state)

    def judge_key(self, state, is_over):
        """A repository is not there without its key."""
        if is_over or f"{self.root}/rekkord" in state:
            expect(state.get(self.key_path) == self.key_content, "the key is gone")

    def judge_cache(self, state, reader):
        """Whatever the cache calls stored is stored."""
        for path in state:
            if not path.endswith("/cache.sqlite"):
                continue
            files = {suffix: state[path + suffix] for suffix in caches.SUFFIXES if path + suffix in state}
            rows = caches.rows(files, self.place.base / "crashed-cache", "SELECT oid FROM blobs")
            for (oid,) in rows:
                expect(isinstance(oid, bytes), "the cache holds nonsense")
                name = blobs.object_name("MR"[oid[0]], oid[1:])
                expect(name in reader.objects, f"the cache calls {name} stored")

    def judge_next_run(self, state):
        """The program itself goes on from here."""
        self.place.write_state(state)
        place = self.place
        if not (place.work / "WriteOnly.key").exists():
            place.run("derive", "-t", "WriteOnly", "-O", place.work / "WriteOnly.key", key="Master")
        place.run("save", "web", place.tree)
        place.expect_sound()
        place.expect_equal_tree()
