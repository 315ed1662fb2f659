"""Builds that watch themselves."""

import subprocess

from bench import ROOT, expect, item


@item
def sanitize_address(bench):
    """A build with the address sanitizer serves all tests without a report."""
    return sanitize("address")


@item
def sanitize_thread(bench):
    """A build with the thread sanitizer serves all tests without a report."""
    return sanitize("thread")


def sanitize(name):
    result = subprocess.run([ROOT / "scripts/sanitize", name], stdout=subprocess.PIPE, text=True)
    lines = result.stdout.strip().splitlines()
    expect(result.returncode == 0, " | ".join(lines[-10:]))
    return lines[-1].partition(": ")[2]
