"""A listing with keys from elsewhere, of absurd size, of nonsense, or with entities that grow."""

import json

import scenes
from scenes import REFUSED, STORAGE_WRITER

LIST = '<?xml version="1.0"?>{doctype}<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>'
ROW = "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>x</ETag></Contents>"
BOMB = "<!DOCTYPE x [<!ENTITY a0 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
) + "]>"  # fmt: skip
FILE = "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = "Names are names of objects and never of files; entities are refused; memory stays small"

    def say(self, rows, doctype=""):
        body = LIST.format(doctype=doctype, rows=rows).encode()
        self.lie(lambda request, ask: (200, {}, body) if request.startswith("LIST") else ask())

    def attack(self):
        self.hurry()
        good = self.snapshots()
        keys = ["../../etc/passwd", "/etc/passwd", "tags/M/../../x", "elsewhere", "tags/", "tags/M/", "tags/M//x", "tags/P/_", ""]
        real = "".join(ROW.format(key=name, size=0) for name in self.names("tags/"))
        self.say(real + "".join(ROW.format(key=key, size=size) for key in keys for size in (0, 2**63, "-1", "x")))
        result = self.run_program("snapshots", *self.place(), "--format", "JSON", status=None)
        self.assertIn(result.returncode, (0, 1))
        if result.returncode == 0:
            self.assertEqual(json.loads(result.stdout), good)
        for doctype, key in ((BOMB, "&a9;"), (FILE, "&f;")):
            self.say(ROW.format(key=f"tags/P/{key}", size=0), doctype)
            status, memory = self.peak_memory("snapshots", *self.place())
            self.assertEqual(status, 1)
            self.assertLess(memory, 200 << 20)
            result = self.refused("snapshots", *self.place(), status=1, says="cannot list")
            self.assertNotIn(b"root:", result.stderr)
