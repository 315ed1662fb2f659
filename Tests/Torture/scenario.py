"""What all commands under torture have in common: one point, and the status that it may end with."""

import os
import signal
import subprocess

import faults
from place import Finding, Place, expect
from rekkord_oracle.primitives import FormatError

# By a trap, or by abort(3), when there is no memory.
CRASHES = (-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL)

# A build that counts lines for scripts/coverage meets the limits of its process too when it writes what it counted.
COUNTING = ("LLVM Profile Error: ",) if "LLVM_PROFILE_FILE" in os.environ else ()


class Scenario:
    """One command. `prepare` fills the work folder, which then becomes the template of all points."""

    name = None
    faults = ("kill", "tear", "ENOSPC", "ENOSPC-lasting", "EIO", "EIO-lasting", "EMFILE", "EMFILE-lasting", "EACCES",
              "EAGAIN", "EINTR", "short", "EPIPE", "NOFILE", "FSIZE", "AS")  # fmt: skip
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

    def learn(self):
        """Looks at what a run without a fault left, before power is lost in it."""

    def judge_crash(self, reader, state, is_over):
        """What must hold when the power was lost; `is_over`: after the command had ended with status 0."""

    def attempt(self, fault, at):
        """One point: the outcome, judged; raises Finding."""
        self.place.reset()
        try:
            outcome = self.run(fault, at)
            self.place.come_to_rest()
            self.judge_status(fault, outcome)
            self.judge(fault, outcome)
        except subprocess.TimeoutExpired as error:
            raise Finding(f"it hangs: {error}") from error
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
        elif fault.may_crash and (outcome.status in CRASHES or "Fatal error: " in outcome.stderr):
            expect(outcome.status != 0, "status 0 after a crash")
        else:
            expect(outcome.status in (0, 1, 3, 10, 12, 20, 64), f"status {outcome.status}: {outcome.stderr}")
            for line in outcome.stderr.splitlines():
                expect(line.startswith((*self.messages, *COUNTING)), f"not a message: {line!r}")
            words = "rekkord: " in outcome.stderr or outcome.stdout
            expect(outcome.status == 0 or words, f"status {outcome.status} without a word")
            if fault.is_harmless and not self.is_cache(outcome.victim):
                expect(outcome.status == 0, f"status {outcome.status} after {fault.name}: {outcome.stderr}")

    def is_cache(self, victim):
        """The cache gives up instead of trying again; that costs a warning and nothing else."""
        return victim[1].startswith(str(self.place.work / "cache"))
