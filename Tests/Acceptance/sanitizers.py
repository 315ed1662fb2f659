"""Builds that watch themselves."""

import os
import subprocess

from bench import ROOT, expect, item, run_oracle_tests

# A mount ends with all its memory in use, and the leak sanitizer does not see through the pointers of Swift enums.
LEAKS = "leak:FuseServer\nleak:MountProcess\nleak:LoadLanes\n"


@item
def sanitize_address(bench):
    """A build with the address sanitizer serves the integration tests without a report."""
    return sanitize(bench, "address")


@item
def sanitize_thread(bench):
    """A build with the thread sanitizer serves the integration tests without a report."""
    return sanitize(bench, "thread")


def sanitize(bench, name):
    place = ROOT / f".build-{name}"
    build = ["swift", "build", "--product", "rekkord", "--package-path", str(ROOT), "--scratch-path", str(place),
             "--sanitize", name]
    result = subprocess.run(build, capture_output=True, text=True)
    expect(result.returncode == 0, f"the build failed: {result.stdout[-500:]}")
    log, leaks = bench.work / "report", bench.work / "leaks"
    leaks.write_text(LEAKS)
    os.environ.update({"REKKORD_BINARY": str(place / "debug/rekkord"), "ASAN_OPTIONS": f"log_path={log}",
                       "TSAN_OPTIONS": f"log_path={log}",
                       "LSAN_OPTIONS": f"suppressions={leaks}:print_suppressions=0"})
    tests = ["swift", "test", "--package-path", str(ROOT), "--disable-xctest", "--filter", r"^IntegrationTests\."]
    result = subprocess.run(tests, capture_output=True, text=True)
    failure = "" if result.returncode == 0 else result.stdout[-500:]
    try:
        binary = place / "debug/rekkord"
        notes = [run_oracle_tests("test_save", "test_list", "test_messages", "test_scan", "test_restore", "test_mount",
                                  "test_mount_life", "test_mount_model", "test_mount_pages", "test_repository_mount", binary=binary)]
        # The search for leaks stops all threads first, and one that a hung file system holds cannot be stopped.
        os.environ["ASAN_OPTIONS"] += ":detect_leaks=0"
        notes.append(run_oracle_tests("test_mount_hung", binary=binary))
    finally:
        reports = list(bench.work.glob("report*"))
        expect(not reports, f"{len(reports)} reports: {reports[0].read_text()[:1500] if reports else ''}")
        expect(not failure, failure)
    return "; ".join(notes)
