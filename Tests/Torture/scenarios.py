"""The commands under torture: what lies there before, what must hold after any fault, and that the next run completes."""

import json
import os
import select
import shutil
import subprocess
import sys
import time

import faults
from faults import COMMAND_TIMEOUT, Outcome, Report
from bucket_place import BucketPlace
from place import HERE_READER, Finding, Place, expect
from rekkord_oracle.primitives import FormatError

# Calls that may fail without a word: what they are for does not matter, or is done otherwise.
SILENT = ("unlink", "stat", "lock")


class Scenario:
    """One command. `prepare` fills the work folder, which then becomes the template of all points."""

    name = None
    faults = ("kill", "tear", "ENOSPC", "ENOSPC-lasting", "EIO", "EIO-lasting", "EMFILE", "EMFILE-lasting", "EACCES",
              "EAGAIN", "EINTR", "short", "EPIPE")  # fmt: skip
    # Whether a loss of power may not harm it: it writes to the repository.
    is_durable = False
    # How lines on stderr start.
    messages = ("rekkord: ",)
    # More of the environment of the interposer.
    more = {}

    def __init__(self, size=1):
        self.size = size
        self.place = self.make_place(size)
        self.prepare()
        self.place.keep()

    def make_place(self, size):
        return Place(size)

    def close(self):
        self.place.remove()

    def prepare(self):
        raise NotImplementedError

    def arguments(self):
        raise NotImplementedError

    def judge(self, fault, outcome):
        raise NotImplementedError

    def judge_crash(self, reader, is_over):
        """What must hold when the power was lost; `is_over`: after the command had ended with status 0."""

    def attempt(self, fault, at):
        """One point: the outcome, judged; raises Finding."""
        self.place.reset()
        try:
            outcome = self.run(fault, at)
        except subprocess.TimeoutExpired as error:
            raise Finding("it hangs") from error
        self.place.come_to_rest()
        self.judge_status(fault, outcome)
        try:
            self.judge(fault, outcome)
        except (FormatError, OSError) as error:
            raise Finding(f"{type(error).__name__}: {error}") from error
        return outcome

    def run(self, fault, at):
        return faults.run(self.arguments(), self.place.environment, self.place.base, fault, at, **self.more)

    def judge_status(self, fault, outcome):
        """A kill kills; everything else ends with a status of the table and, unless that is 0, with words."""
        if outcome.victim is None:
            expect(outcome.status == 0, f"status {outcome.status} without a fault: {outcome.stderr}")
        elif fault.kills:
            expect(outcome.status == -9, f"status {outcome.status} after a kill: {outcome.stderr}")
        else:
            expect(outcome.status in (0, 1, 3, 10, 12, 20, 64), f"status {outcome.status}: {outcome.stderr}")
            for line in outcome.stderr.splitlines():
                expect(line.startswith(self.messages), f"not a message: {line!r}")
            words = "rekkord: " in outcome.stderr or outcome.stdout
            expect(outcome.status == 0 or words, f"status {outcome.status} without a word")
            if fault.is_harmless and not self.is_cache(outcome.victim):
                expect(outcome.status == 0, f"status {outcome.status} after {fault.name}: {outcome.stderr}")

    def is_cache(self, victim):
        """The cache gives up instead of trying again; that costs a warning and nothing else."""
        return victim[1].startswith(str(self.place.work / "cache"))

    def is_in_repository(self, victim):
        return victim[0] not in SILENT and victim[1].startswith(str(self.place.repo))


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
        self.before = before
        place.reset()

    def arguments(self):
        return self.place.command("save", "--format", "JSON", "web", self.place.tree)

    def judge_crash(self, reader, is_over):
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
        place.run("save", "web", place.tree)
        place.expect_sound()
        expect(place.roots() == self.expected, "the next save saved something else")
        expect(len(place.tags()) == len(tags) + 1, "the next save made no snapshot of its own")


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
        self.before = set()
        place.reset()


class Repositories(Scenario):
    """A repository with two snapshots."""

    def prepare(self):
        place = self.place
        place.make_keys()
        place.run("save", "web", place.tree)
        place.change_tree()
        place.run("save", "web", place.tree)
        self.before = place.tags()
        self.content = self.contents()
        self.cache_id = place.reader().config.cache_id
        self.roots = place.roots()

    def contents(self):
        return {
            path.relative_to(self.place.repo): path.read_bytes() if path.is_file() else None
            for path in self.place.repo.rglob("*")
        }

    def expect_untouched(self):
        expect(self.contents() == self.content, "the repository changed")

    def expect_told(self, outcome):
        """What could not be read of the repository was told."""
        if outcome.victim and outcome.status == 0 and self.is_in_repository(outcome.victim):
            raise Finding("status 0, and an object could not be read")


class Scan(Repositories):
    name = "scan"

    def arguments(self):
        return self.place.command("scan", key="Master")

    def judge(self, fault, outcome):
        self.expect_untouched()
        clear = b": all clear" in outcome.stdout
        expect(clear == (outcome.status == 0) or fault.name == "EPIPE" or not outcome.stdout, "status and report differ")
        if not fault.kills and not fault.is_harmless:
            self.expect_told(outcome)
        result = self.place.run("scan", key="Master")
        expect(b": all clear" in result.stdout, "the next scan is not clear")
        # A memory that lies would hide damage from the next scan: what it remembers must have been read.
        self.expect_untouched()


class Restore(Repositories):
    name = "restore"
    options = ()

    def arguments(self):
        return self.place.command("restore", "--format", "JSON", *self.options, "web", self.target(), key="Master")

    def target(self):
        return self.place.work / "restored"

    def judge(self, fault, outcome):
        place = self.place
        self.expect_untouched()
        self.expect_whole_files()
        if not fault.kills and not fault.is_harmless:
            self.expect_told(outcome)
        if outcome.status == 0 and outcome.stdout:
            place.expect_equal_tree(below=self.target(), restored=True)
        place.run("restore", "-f", *self.options, "web", self.target(), key="Master")
        place.expect_equal_tree(below=self.target(), restored=True)

    def expect_whole_files(self):
        """A file that bears its name has its content."""
        for folder, _, names in os.walk(self.target()):
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith(".rekkord-") and name.endswith(".tmp") or os.path.islink(path):
                    continue
                saved = os.path.relpath(path, self.target())
                with open(path, "rb") as file:
                    expect(self.may_be(saved, file.read()), f"'{saved}' is not what was saved")

    def may_be(self, saved, content):
        with open("/" + saved, "rb") as file:
            return file.read() == content


class RestoreOver(Restore):
    """Into a folder with other files, some of which are to go."""

    name = "restore-over"
    options = ("-f", "--delete", "--sparse", "-m", "Owner,XAttrs")
    old = b"old" * 4000

    def prepare(self):
        super().prepare()
        below = self.target() / str(self.place.tree).lstrip("/")
        for name in ("notes.txt", "sub/more.bin", "sub/gone", "gone/x", "big/y"):
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.old)

    def may_be(self, saved, content):
        return content == self.old or super().may_be(saved, content)


class ChangeCID(Repositories):
    name = "change_cid"
    is_durable = True

    def arguments(self):
        return self.place.command("change_cid", key="Master")

    def judge_crash(self, reader, is_over):
        expect(self.place.tags(reader) == self.before, "tags changed")
        expect(not is_over or reader.config.cache_id != self.cache_id, "the old ID is back")

    def judge(self, fault, outcome):
        place = self.place
        before = place.reader().config
        place.expect_sound()
        expect(place.tags() == self.before, "tags changed")
        place.run("change_cid", key="Master")
        after = place.reader().config
        expect(after.repository_id == before.repository_id and after.cache_id != before.cache_id, "the next change_cid did not change it")
        place.run("save", "web", place.tree)
        place.expect_sound()
        expect(place.roots() == self.roots, "the next save saved something else")


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
        for name in ("WriteOnly",):
            place.run("derive", "-t", name, "-O", place.work / f"{name}.key", key="Master")
        place.run("save", "web", place.tree)
        place.expect_sound()
        place.expect_equal_tree()


class Derive(Scenario):
    name = "derive"

    def prepare(self):
        self.place.make_keys()

    def arguments(self):
        return self.place.command("derive", "-f", "-t", "ReadWrite", "-O", self.place.work / "WriteOnly.key", key="Master")

    def judge(self, fault, outcome):
        place = self.place
        # The key file is the old one or the new one, and either can save.
        place.run("save", "web", place.tree)
        place.expect_sound()
        mode = (place.work / "WriteOnly.key").stat().st_mode
        expect(mode & 0o077 == 0, "others can read the key")


class Mount(Repositories):
    """Mounts, reads everything in another process, unmounts; the cache on disk is part of it."""

    name = "mount"
    messages = ("rekkord: ", "Mounting ", "Ready")

    def prepare(self):
        super().prepare()
        (self.place.work / "mnt").mkdir()
        self.wanted = self.read("/")

    def read(self, point):
        below = os.path.join(point, str(self.place.tree).lstrip("/"))
        result = subprocess.run([sys.executable, "-S", "-E", HERE_READER, below], capture_output=True, timeout=COMMAND_TIMEOUT)
        expect(result.returncode == 0, result.stderr.decode())
        return json.loads(result.stdout)

    def arguments(self):
        options = ["mount", "-f", "--disk-cache-size", "64M", "web:", self.point()]
        return self.place.command(*options, key="Master")

    def point(self):
        return str(self.place.work / "mnt")

    def run(self, fault, at):
        place = self.place
        report = Report(place.base / "report")
        environment = faults.interposed(place.environment, report, fault, at)
        status, seen, stderr = self.mount_and_read(environment)
        count, victim = report.read()
        self.seen = seen
        return Outcome(status, b"", stderr, count, victim)

    def mount_and_read(self, environment):
        seen = None
        process = subprocess.Popen(
            self.arguments(), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            while process.poll() is None and not os.path.ismount(self.point()):
                time.sleep(0.002)
            if process.poll() is None:
                seen = self.read(self.point())
                subprocess.run(["fusermount3", "-u", self.point()], capture_output=True)
            _, stderr = process.communicate(timeout=COMMAND_TIMEOUT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            subprocess.run(["fusermount3", "-uz", self.point()], capture_output=True)
        return process.returncode, seen, stderr.decode("utf-8", "replace")

    def judge_status(self, fault, outcome):
        if not fault.kills and outcome.victim is None:
            expect(self.seen == self.wanted, f"without a fault: {self.wrong()}")
        super().judge_status(fault, outcome)

    def wrong(self):
        return {name: (row, self.wanted.get(name)) for name, row in (self.seen or {}).items() if row != self.wanted.get(name)}

    def judge(self, fault, outcome):
        self.expect_untouched()
        for name, row in (self.seen or {}).items():
            # An error where something could not be read; never other bytes.
            expect(row == self.wanted.get(name) or row[0] == "error", f"'{name}': {row}, not {self.wanted.get(name)}")
        if outcome.victim and fault.is_harmless:
            expect(self.seen == self.wanted, f"after {fault.name}: {self.wrong()}")
        status, seen, stderr = self.mount_and_read(self.place.environment)
        expect((status, seen) == (0, self.wanted), f"the next mount: {status}: {stderr}")


class BackgroundMount(Mount):
    """The same in the background: whoever called it hears how it began."""

    name = "mount-background"
    faults = ("kill", "EIO", "EMFILE-lasting", "EAGAIN", "EINTR")

    def arguments(self):
        log = self.place.base / "mount.log"
        return self.place.command("mount", "--disk-cache-size", "64M", "--log-file", log, "web:", self.point(), key="Master")

    def mount_and_read(self, environment):
        seen = None
        # Open at the other end as long as any process lives.
        lives, end = os.pipe()
        try:
            result = subprocess.run(
                self.arguments(),
                env=environment,
                pass_fds=[end],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_TIMEOUT,
            )
            os.close(end)
            if result.returncode == 0:
                seen = self.read(self.point())
            subprocess.run(["fusermount3", "-u", self.point()], capture_output=True)
            expect(select.select([lives], [], [], COMMAND_TIMEOUT)[0], "the process stays after it was unmounted")
        finally:
            os.close(lives)
            subprocess.run(["fusermount3", "-uz", self.point()], capture_output=True)
        return result.returncode, seen, result.stderr.decode("utf-8", "replace")

    def judge_status(self, fault, outcome):
        if not fault.kills or outcome.victim is None or outcome.status == -9:
            super().judge_status(fault, outcome)
        else:
            # The process in the background was killed: before it was ready, which was told, or later.
            expect(outcome.status in (0, 1), f"status {outcome.status}: {outcome.stderr}")
            expect(outcome.status == 0 or outcome.stderr.startswith("rekkord: error: "), "status 1 without a word")


# Faults of a network, and those of a machine that uses one.
NETWORK_FAULTS = ("kill", "tear", "ECONNRESET", "ENETUNREACH", "short", "EMFILE", "EAGAIN", "ENOSPC-lasting")


class BucketSave(Save):
    """The same into a bucket."""

    name = "save-s3"
    is_durable = False
    faults = NETWORK_FAULTS

    def make_place(self, size):
        return BucketPlace(size)


class BucketInit(Init):
    name = "init-s3"
    is_durable = False
    faults = NETWORK_FAULTS

    def make_place(self, size):
        return BucketPlace(size)


SCENARIOS = {
    kind.name: kind
    for kind in (
        *(Init, Derive, FirstSave, Save, SyncFS, Scan, Restore, RestoreOver, ChangeCID, Mount, BackgroundMount),
        *(BucketInit, BucketSave),
    )
}
