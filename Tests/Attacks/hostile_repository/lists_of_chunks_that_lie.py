"""Lists of chunks that overlap, go backwards, overflow, or promise other lengths."""

import errno
import struct

import scenes
from rekkord_oracle import blobs, tree
from scenes import DETECTED, REPOSITORY_MAKER


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = DETECTED
    outcome = (
        "A list that contradicts itself or its chunks is damage of that file: EIO, status 3, named by a scan;"
        " never a part of it"
    )

    def attack(self):
        w = self.writer
        chunk = w.blob(blobs.CHUNK, b"0123456789")

        def table(*rows, size):
            return b"".join(struct.pack("<qi32s", offset, length, chunk) for offset, length in rows) + struct.pack("<q", size)

        tables = {
            b"overlap": table((0, 10), (5, 10), size=15),
            b"backwards": table((10, 10), (0, 10), size=10),
            b"negative length": table((0, -10), size=-10),
            b"negative offset": table((-10, 10), size=0),
            b"overflow": table((2**63 - 5, 10), size=2**63 - 1),
            b"negative size": table(size=-1),
            b"size without chunks": table(size=10),
            b"other end": table((0, 10), size=11),
            b"shorter chunk": table((0, 9), (9, 10), size=19),
            b"longer chunk": table((0, 11), (11, 10), size=21),
            b"cut": table((0, 10), size=10)[:-1],
            b"nothing": b"",
        }
        entries = [
            w.entry(name, tree.KIND_FILE, hash=w.blob(blobs.FILE, body), size=10, mode=0o600) for name, body in tables.items()
        ]
        snapshot = self.save_top(*entries, self.good())
        good = {"top": None, "top/good": b"good content"}
        self.assertEqual(self.restored(snapshot, status=3), good)
        self.assertEqual(self.shown(snapshot), good | {"top/" + name.decode(): errno.EIO for name in tables})
        paths = {each["path"] for each in self.scan(status=20)["problems"]}
        self.assertEqual(paths, {"top/" + name.decode() for name in tables})
