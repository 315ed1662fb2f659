"""Runs commands, tells what they took, and prints figures side by side."""

import os
import signal
import subprocess
import tempfile
import time
import typing

MEGABYTE = 1_000_000
COMMAND_TIMEOUT_SECONDS = 1800


class Usage(typing.NamedTuple):
    """What a command took."""

    seconds: float
    # At its peak, in bytes.
    memory: int
    # In seconds, of the program and what it started, the kernel's work for them included.
    processor: float


class Failure(Exception):
    """A command that did not do what it should."""


def run(command, environment=None):
    """Runs a command; returns its `Usage`."""
    with tempfile.NamedTemporaryFile() as usage, tempfile.TemporaryFile() as errors:
        # Started by time(1), a small process: a program's peak counts from that of the one it was forked from.
        measured = ["/usr/bin/time", "--quiet", "-f", "%M %U %S", "-o", usage.name, "--", *command]
        start = time.monotonic()
        process = subprocess.Popen(measured, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
        try:
            status = process.wait(COMMAND_TIMEOUT_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - start
        if status != 0:
            errors.seek(0)
            text = errors.read()[-2000:].decode(errors="replace")
            raise Failure(f"{' '.join(command)}: status {status}\n{text}")
        memory, user, system = usage.read().split()
        return Usage(seconds, int(memory) * 1024, float(user) + float(system))


def drop_caches():
    """Empties the page cache; False when that is not allowed."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
        return True
    except OSError:
        return False


def peak_memory(pid):
    """The most memory a process ever had, in bytes."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise Failure(f"process {pid} does not tell its memory")


class Table:
    """Prints figures of several programs side by side, and how rekkord compares to each of the others."""

    WIDTH = 10

    def __init__(self, title, columns):
        self.columns = columns
        print(f"\n{title}\n{'':34}" + "".join(f"{name:>{self.WIDTH}}" for name in columns)
              + "   rekkord compared to")

    def row(self, label, values, digits, is_speed=False):
        """One line; `values` are seconds or bytes, where less is better, or speeds."""
        cells = "".join(f"{values[name]:>{self.WIDTH}.{digits}f}" if name in values else f"{'-':>{self.WIDTH}}"
                        for name in self.columns)
        ours = values.get("rekkord")
        ratios = []
        if ours:
            for name in self.columns:
                if name != "rekkord" and values.get(name):
                    ratio = ours / values[name] if is_speed else values[name] / ours
                    ratios.append(f"{name} {ratio:.2f}x")
        print(f"  {label:32}{cells}   {', '.join(ratios)}", flush=True)
