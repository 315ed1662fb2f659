"""Big, sparse, many and changing files."""

import contextlib
import hashlib
import json
import mmap
import os
import pathlib
import random
import shutil
import threading
import time

from bench import below, digest, expect, expect_equal, expect_quiet, expect_sound, item, measured


@item
def file_big(bench):
    """About 1 GB of real binaries in one file: plain, mapped, by sendfile, by 16 random readers."""
    source = bench.work / "big"
    source.mkdir()
    path = source / "binaries"
    with open(path, "wb") as file:
        for folder in ("/usr/lib", "/usr/bin"):
            for name in sorted(pathlib.Path(folder).rglob("*")):
                if file.tell() >= 1_000_000_000:
                    break
                if name.is_file() and not name.is_symlink():
                    file.write(name.read_bytes())
    bench.save("big", source)
    expect_sound(bench)
    expect_equal(bench, "big", "/")
    with bench.mounted("big") as (point, _):
        seen = pathlib.Path(os.fsdecode(below(point, path)))
        failures = []

        def reader(seed):
            chance = random.Random(seed)
            with open(path, "rb") as left, open(seen, "rb") as right:
                for _ in range(100):
                    offset, length = chance.randrange(path.stat().st_size), chance.randrange(1, 300_000)
                    if os.pread(left.fileno(), length, offset) != os.pread(right.fileno(), length, offset):
                        failures.append((seed, offset, length))

        threads = [threading.Thread(target=reader, args=(seed,)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(not failures, f"different bytes: {failures[:3]}")
        wanted = digest(path)
        expect(digest(seen) == wanted, "content differs")
        with open(seen, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            expect(hashlib.sha256(mapped).hexdigest() == wanted, "mapped content differs")
        sent = bench.work / "sent"
        with open(seen, "rb") as left, open(sent, "wb") as right:
            offset = 0
            while count := os.sendfile(right.fileno(), left.fileno(), offset, 1 << 24):
                offset += count
        expect(digest(sent) == wanted, "content by sendfile differs")
        sent.unlink()
    return f"{path.stat().st_size / 1e9:.2f} GB"


@item
def file_sparse(bench):
    """A sparse file of 5 GiB."""
    source = bench.work / "sparse"
    source.mkdir()
    path = source / "holes"
    with open(path, "wb") as file:
        for offset in (0, 3_000_000_000, 5 * 1024**3 - 6):
            file.seek(offset)
            file.write(b"island")
    bench.save("sparse", source)
    expect_sound(bench)
    expect_equal(bench, "sparse", "/")
    with bench.mounted("sparse") as (point, _):
        seen = pathlib.Path(os.fsdecode(below(point, path)))
        expect(seen.stat().st_size == 5 * 1024**3, "the size differs")
        expect_quiet("cmp", str(path), str(seen))


@item
def small_files(bench):
    """437,000 files of 1 kB, in 437 folders and in one: an unchanged save takes at most 5 s and 120 MB."""
    notes = []
    for channel, folder_count in (("many", 437), ("one", 1)):
        source = bench.work / channel
        content = random.Random(channel)
        for folder in range(folder_count):
            place = source / f"folder-{folder:04}"
            place.mkdir(parents=True)
            for number in range(437_000 // folder_count):
                (place / f"file-{number:06}").write_bytes(content.randbytes(1000))
        # What was written just now is not remembered.
        time.sleep(3)
        bench.save(channel, source)
        command = bench.command("save", "--format", "JSON", channel, source, key="WriteOnly.key")
        seconds, memory, output = measured(command, bench.environment)
        summary = json.loads(output)
        expect(summary["entries"] == 437_001 + folder_count, f"{summary['entries']} entries")
        expect(summary["added"] < 10_000, f"{summary['added']} bytes were added")
        notes.append(f"{folder_count} folders: {seconds:.1f} s, {memory:.0f} MB")
        expect(seconds <= 5 and memory <= 120, "; ".join(notes))
        shutil.rmtree(source)
    return "; ".join(notes)


@item
def shifts(bench):
    """Inserting 1 to 64 bytes anywhere in 256 MB costs at most two average chunks; appending and cutting off likewise.

    Moving a block makes three places where other bytes meet. Behind each, cuts fall in step with those of before after
    a few chunks, by chance and differently in each repository, so the limit is for the mean, and a wide one for each.
    """
    chance = random.Random(7)
    original = chance.randbytes(256_000_000)
    path = bench.work / "shifted"
    path.write_bytes(original)
    time.sleep(3)
    bench.save("shifts", path)
    chunks = [size for size in object_sizes(bench) if size >= 1 << 20]
    average = sum(chunks) / len(chunks)
    costs = []

    def cost(content, limit, what):
        path.write_bytes(content)
        added = bench.save("shifts", path, options=("--dry-run",))["added"]
        costs.append(added / average)
        expect(added <= limit * average, f"{what}: {added / average:.2f} chunks of {average / 1e6:.2f} MB")

    for length in range(1, 65):
        place = chance.randrange(len(original))
        cost(original[:place] + chance.randbytes(length) + original[place:], INSERTION_LIMIT, f"{length} bytes at {place}")
    inserted = list(costs)
    for length in (1, 1000, 1_000_000):
        cost(original + chance.randbytes(length), INSERTION_LIMIT + length / average, f"{length} bytes appended")
        cost(original[:-length], INSERTION_LIMIT, f"{length} bytes cut off")
    del costs[:]
    for _ in range(12):
        start, length = chance.randrange(100_000_000), chance.randrange(10_000_000, 50_000_000)
        block, rest = original[start:start + length], original[:start] + original[start + length:]
        place = chance.randrange(len(rest))
        cost(rest[:place] + block + rest[place:], 30, f"{length} bytes moved from {start} to {place}")
    moved = sum(costs) / len(costs)
    note = (f"chunks of {average / 1e6:.2f} MB; insertions: {sum(inserted) / len(inserted):.2f}, at most {max(inserted):.2f}; "
            f"moves: {moved:.2f}, at most {max(costs):.2f}")
    expect(moved <= 3 * INSERTION_LIMIT, note)
    return note


INSERTION_LIMIT = 2


def object_sizes(bench):
    return [path.stat().st_size for path in (bench.repository / "blobs" / "R").rglob("*") if path.is_file()]


@item
def changing_files(bench):
    """Files that grow, shrink, vanish and become pipes, links and folders while they are saved, again and again."""
    source = bench.work / "changing"
    source.mkdir()
    ended = threading.Event()

    def change(seed):
        chance = random.Random(seed)
        while not ended.is_set():
            path = source / f"{seed}-{chance.randrange(40)}"
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            with contextlib.suppress(OSError):
                match chance.randrange(8):
                    case 0:
                        os.mkfifo(path)
                    case 1:
                        path.symlink_to("nowhere")
                    case 2:
                        path.mkdir()
                        (path / "inner").write_bytes(b"x" * 1000)
                    case _:
                        with open(path, "wb") as file:
                            for _ in range(chance.randrange(8)):
                                file.write(chance.randbytes(300_000))
                                file.truncate(chance.randrange(file.tell() + 1))

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            bench.save("changing", source)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    expect_sound(bench)
    time.sleep(3)
    bench.save("changing", source)
    # What lies there now is what the cache has to have noticed.
    expect_equal(bench, "changing", "/")
