"""Commands that write keys and repositories."""

import pathlib
import shutil

from place import expect
from rekkord_oracle import keys
from scenario import Scenario


class Save(Scenario):
    """A second save of a changed tree, with a cache that knows the first."""

    name = "save"
    is_durable = True

    def prepare(self):
        place = self.place
        place.make_keys()
        place.settle()
        place.run("save", "web", place.tree)
        before = place.tags()
        place.change_tree()
        place.keep()
        # What the save is to come to, found out without any cache.
        place.reset()
        shutil.rmtree(place.work / "cache")
        place.run("save", "web", place.tree)
        self.expected = place.roots()
        self.entries = place.entries()
        self.before = before
        place.reset()

    def arguments(self):
        return self.place.command("save", "--format", "JSON", "web", self.place.tree)

    def judge_crash(self, reader, state, is_over):
        place, tags = self.place, self.place.tags(reader)
        expect(self.before <= tags, "a snapshot is gone")
        if is_over:
            expect(len(tags - self.before) == 1, "the new snapshot is gone")
            expect(place.roots(reader=reader) == self.expected, "the snapshot is another")

    def judge(self, fault, outcome):
        place = self.place
        tags = place.tags()
        expect(self.before <= tags, "a snapshot is gone")
        expect(len(tags - self.before) <= 1, "more than one new snapshot")
        place.expect_sound()
        if outcome.status in (0, 3) and outcome.stdout:
            expect(len(tags - self.before) == 1, f"status {outcome.status} without a snapshot")
        if outcome.status == 0 and outcome.victim and fault.name != "EPIPE":
            expect(place.roots() == self.expected, f"status 0, and the snapshot lacks something: {outcome.stderr}")
        if outcome.status == 3 and len(tags) > len(self.before):
            self.expect_stored_or_named(outcome.stderr)
        place.run("save", "web", place.tree)
        place.expect_sound()
        expect(place.roots() == self.expected, "the next save saved something else")
        expect(len(place.tags()) == len(tags) + 1, "the next save made no snapshot of its own")


    def expect_stored_or_named(self, stderr):
        """What an incomplete snapshot lacks was told: the place, or a folder on the way to it."""
        found = self.place.entries()
        expect(found.keys() <= self.entries.keys(), "the snapshot has more than was saved")
        for path, entry in self.entries.items():
            places = (path, *map(str, pathlib.PurePath(path).parents))
            is_named = any(f"'/{place}'" in stderr for place in places)
            expect(found.get(path) == entry or is_named, f"status 3, and nobody told that '/{path}' is not as saved: {stderr}")


class SyncFS(Save):
    """The same where files become durable in groups."""

    name = "save-grouped"
    more = {"TORTURE_FSTYPE": "EF53"}


class FirstSave(Save):
    """The first save of a machine: no cache, no tag, no badge; folders for tags are made."""

    name = "save-first"

    def prepare(self):
        place = self.place
        place.make_keys()
        place.change_tree()
        place.keep()
        place.reset()
        place.run("save", "web", place.tree)
        self.expected = place.roots()
        self.entries = place.entries()
        self.before = set()
        place.reset()


class Init(Scenario):
    name = "init"
    is_durable = True

    def prepare(self):
        self.place.work.joinpath("keep").touch()

    def arguments(self):
        return self.place.command("init", "-g", key="Master")

    def judge(self, fault, outcome):
        place, key = self.place, self.place.work / "Master.key"
        if place.has_repository():
            expect(key.exists(), "a repository without its key")
        if fault.kills or outcome.status != 0:
            # What a person does who sees the failure: again, with the key if there is one.
            done = place.has_repository()
            options = () if key.exists() else ("-g",)
            place.run("init", *options, key="Master", statuses=(1,) if done else (0,))
        place.run("derive", "-t", "WriteOnly", "-O", place.work / "WriteOnly.key", key="Master")
        place.run("save", "web", place.tree)
        place.expect_sound()
        place.expect_equal_tree()


class Derive(Scenario):
    """A key takes the place of another one."""

    name = "derive"
    is_durable = True
    options = ("-f",)

    def prepare(self):
        self.place.make_keys()
        self.old = self.path().read_bytes()

    def path(self):
        return self.place.work / "WriteOnly.key"

    def arguments(self):
        return self.place.command("derive", *self.options, "-t", "ReadWrite", "-O", self.path(), key="Master")

    def learn(self):
        self.new = self.path().read_bytes()

    def judge_crash(self, reader, state, is_over):
        found = state.get(str(self.path()))
        expect(found in (self.old, self.new), "the key is neither the old nor the new one")
        expect(not is_over or found == self.new, "the new key is gone")

    def judge(self, fault, outcome):
        place = self.place
        if outcome.status == 0:
            expect(keys.load_key(self.path()).name == "ReadWrite", "status 0, and the new key is not there")
        # The key file is the old one or the new one, and either can save.
        place.run("save", "web", place.tree)
        place.expect_sound()
        mode = self.path().stat().st_mode
        expect(mode & 0o077 == 0, "others can read the key")


class DeriveFirst(Derive):
    """A key where none is."""

    name = "derive-first"
    options = ()

    def prepare(self):
        super().prepare()
        self.path().unlink()
        self.old = None

    def judge(self, fault, outcome):
        if not self.path().exists():
            expect(outcome.status != 0, "status 0 without a key")
            self.place.run("derive", "-t", "ReadWrite", "-O", self.path(), key="Master")
        super().judge(fault, outcome)
