"""Mounts, in front and in the background."""

import json
import os
import pathlib
import select
import subprocess
import sys
import time

import faults
from faults import COMMAND_TIMEOUT, Report
from place import HERE_READER, expect
from readers import Repositories


class Mount(Repositories):
    """Mounts, reads everything in another process, unmounts; the cache on disk is part of it."""

    name = "mount"
    messages = ("rekkord: ", "Mounting ", "Ready")
    faults = ("kill-device", *Repositories.faults)

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
        self.seen = seen
        return faults.outcome(fault, report, status, b"", stderr)

    def mount_and_read(self, environment):
        seen = None
        process = subprocess.Popen(
            self.arguments(), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            deadline = time.monotonic() + COMMAND_TIMEOUT
            while process.poll() is None and not os.path.ismount(self.point()):
                expect(time.monotonic() < deadline, "the mount does not come up")
                time.sleep(0.002)
            if process.poll() is None:
                seen = self.read(self.point())
                # Busy when somebody else on this machine looks at all mounts just now.
                if subprocess.run(["fusermount3", "-u", self.point()], capture_output=True).returncode != 0:
                    process.terminate()
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
        if self.seen is not None and outcome.status == 0 and not fault.kills:
            self.expect_shown_or_failed()
        if outcome.victim and fault.is_harmless:
            expect(self.seen == self.wanted, f"after {fault.name}: {self.wrong()}")
        status, seen, stderr = self.mount_and_read(self.place.environment)
        expect((status, seen) == (0, self.wanted), f"the next mount: {status}: {stderr}")


    def expect_shown_or_failed(self):
        """A mount that ended in order left nothing out in silence: it is there, or it or a folder on the way gave an error."""
        failed = {name for name, (kind, error) in self.seen.items() if kind == "error" and error != "ENOENT"}
        for name in self.wanted:
            places = {name, *map(str, pathlib.PurePath(name).parents)}
            expect(self.seen.get(name) == self.wanted[name] or places & failed, f"the mount does not show '{name}', without an error")


class BackgroundMount(Mount):
    """The same in the background: whoever called it hears how it began."""

    name = "mount-background"
    faults = ("kill", "kill-device", "EIO", "EMFILE-lasting", "EAGAIN", "EINTR", "NOFILE", "FSIZE", "AS")

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
            # Also where somebody else on this machine looks at all mounts just now.
            if subprocess.run(["fusermount3", "-u", self.point()], capture_output=True).returncode != 0:
                subprocess.run(["fusermount3", "-uz", self.point()], capture_output=True)
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
            expect(outcome.status == 0 or "rekkord: error: " in outcome.stderr, "status 1 without a word")
