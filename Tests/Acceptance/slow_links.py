"""A storage that answers late."""

import sys

from bench import BINARY, ROOT, expect, expect_quiet, item


@item
def latency(bench):
    """Over a slow link: one file, find, find in a new mount, copies and saves of small files, counted in round trips."""
    sys.path.insert(0, str(ROOT / "Benchmarks"))
    from remote import SMALL_FILES, Remote

    slowlink = bench.work / "slowlink"
    expect_quiet("cc", "-O2", "-pthread", "-o", slowlink, ROOT / "Benchmarks/slowlink/slowlink.c")
    remote = Remote(str(bench.work), BINARY, str(slowlink))
    notes = []
    for shape in ("wide", "deep"):
        count, trips, again = remote.find(shape, 50, 16)
        expect(trips < count / 10, f"find, {shape}: {trips:.0f} round trips for {count} requests")
        expect(again <= 5, f"find, {shape}, in a new mount: {again} requests")
        notes.append(f"find {trips / count:.3f}")
    trips = remote.copy_small_files(40, 32)
    expect(trips <= SMALL_FILES / 20, f"cp -a of {SMALL_FILES} small files: {trips:.0f} round trips")
    notes.append(f"cp {trips / SMALL_FILES:.3f}")
    count, trips, busy = remote.save_small_files(40, 32)
    expect(busy == 32 and trips <= count / 20, f"save of {SMALL_FILES} small files: {trips:.0f} round trips, {busy} at once")
    notes.append(f"save {trips / count:.3f}")
    for milliseconds, connections in ((50, 16), (40, 32)):
        # The slower of the link and the processors is the limit. Other work hurts; the best of some runs counts.
        speeds = [remote.read_large_file(milliseconds, connections) for _ in range(5)]
        ratio, plain, direct, ours = max((row[2] / min(row[:2]), *row) for row in speeds)
        expect(ratio >= 0.8, f"one file over {connections} connections: {ours:.0f} of {plain:.0f} and {direct:.0f} MB/s")
        notes.append(f"one file {ratio:.2f} ({ours:.0f} of {plain:.0f} and {direct:.0f} MB/s)")
    return ", ".join(notes)
