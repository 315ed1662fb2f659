"""The whole repository, shown by `rekkord mount MOUNTPOINT`: channels, snapshots, latest."""

import hashlib
import os
import stat
import time
import unittest
from datetime import datetime, timezone

from foreign import WrittenCase
from rekkord_oracle import blobs, keys, tags
from rekkord_oracle.writer import DEFAULT_TIME
from test_mount import read_file


class WholeRepositoryTests(WrittenCase):
    """`rekkord mount MOUNTPOINT`: channels, snapshots, latest."""

    CHANNELS = {
        b"web": b"web",
        b"with:colon/and slash": b"with:colon%2Fand slash",
        b"100%": b"100%25",
        b".hidden": b"%2Ehidden",
        b"..": b"%2E.",
        b"line\nbreak\x7f": b"line%0Abreak%7F",
        b"\xff\xfe": b"\xff\xfe",
        "ünï".encode(): "ünï".encode(),
        b"l" * 256: b"l" * 245 + b"%~" + hashlib.sha256(b"l" * 256).hexdigest()[:8].encode(),
        b"/" * 100: b"%2F" * 81 + b"%~" + hashlib.sha256(b"/" * 100).hexdigest()[:8].encode(),
    }

    def setUp(self):
        super().setUp()
        self.oids = {}
        for number, channel in enumerate(self.CHANNELS):
            entry = self.writer.folder_entry(b"srv", [self.writer.file_entry(b"name", channel)])
            times = [DEFAULT_TIME + 1000 * number, DEFAULT_TIME + 86_400_000]
            self.oids[channel] = [self.writer.save(channel, [entry], time=time) for time in times]

    def test_channels_and_snapshots(self):
        with self.mounted() as mount:
            top = os.fsencode(mount.point)
            self.assertEqual(set(os.listdir(top)) - {b"history"}, {b"channels", b"snapshots"})
            shown = {name.lower() for name in os.listdir(top + b"/channels")}
            self.assertEqual(shown, {name.lower() for name in self.CHANNELS.values()})
            for name in os.listdir(top + b"/channels"):
                channel = next(c for c, folder in self.CHANNELS.items() if folder.lower() == name.lower())
                self.check_channel(top + b"/channels/" + name, channel)
            listed = {os.fsdecode(name) for name in os.listdir(top + b"/snapshots")}
            self.assertEqual(listed, {oid for oids in self.oids.values() for oid in oids})
            for channel, oids in self.oids.items():
                for oid in oids:
                    self.assertEqual(read_file(mount.path("snapshots", oid, "srv/name")), channel)

    def check_channel(self, folder, channel):
        moments = sorted(set(os.listdir(folder)) - {b"latest"})
        number = list(self.CHANNELS).index(channel)
        self.assertEqual(
            moments, [moment_name(DEFAULT_TIME + 1000 * number), moment_name(DEFAULT_TIME + 86_400_000)]
        )
        for name in (*moments, b"latest"):
            self.assertEqual(read_file(folder + b"/" + name + b"/srv/name"), channel)
        self.assertEqual(os.readlink(folder + b"/latest"), moments[-1])
        status = os.stat(folder)
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o555)

    def test_snapshots_of_one_second(self):
        entries = [[self.writer.file_entry(b"f", b"%d" % n)] for n in range(3)]
        oids = [self.writer.save(b"twice", e, time=DEFAULT_TIME + n) for n, e in enumerate(entries)]
        with self.mounted() as mount:
            names = set(os.listdir(mount.path("channels/twice"))) - {"latest"}
            base = moment_name(DEFAULT_TIME).decode()
            self.assertEqual(len(names), 3)
            self.assertIn(base, names)
            self.assertLessEqual(
                {n.lower() for n in names} - {base.lower()}, {f"{base}~{o[1:9]}".lower() for o in oids}
            )
            self.assertEqual(
                {read_file(mount.path("channels/twice", name, "f")) for name in names}, {b"0", b"1", b"2"}
            )

    def test_new_snapshots_appear(self):
        with self.mounted(options=("--refresh", "0")) as mount:
            os.listdir(mount.path("channels/web"))
            entry = self.writer.folder_entry(b"srv", [self.writer.file_entry(b"name", b"brand new")])
            later = DEFAULT_TIME + 2 * 86_400_000
            oid = self.writer.save(b"web", [entry], time=later)
            self.writer.save(b"fresh", [entry], time=later)
            deadline = time.monotonic() + 10
            while True:
                names = os.listdir(mount.path("channels/web"))
                if moment_name(later).decode() in names and "fresh" in os.listdir(mount.path("channels")):
                    break
                self.assertLess(time.monotonic(), deadline, f"the new snapshot does not appear: {names}")
                time.sleep(0.1)
            self.assertEqual(read_file(mount.path("channels/web/latest/srv/name")), b"brand new")
            self.assertEqual(read_file(mount.path("snapshots", oid, "srv/name")), b"brand new")

    def test_forged_tags_are_not_shown(self):
        w = self.writer
        digest = blobs.parse_object_id(self.oids[b"web"][0])[1]
        payload = tags.Payload(DEFAULT_TIME, 1, 2, 3, b"forged").encode()
        forger = keys.master_key_set(w.mkey)
        forger.skey = bytes(32)
        forger.pkey = keys.ed25519_public(bytes(32))
        w.tag(digest, payload, forger)
        w.tag(digest, payload.replace(b"forged", b"broken"), fragments=False)
        w.tag(digest, payload.replace(b"forged", b"future"), version=2)
        w.put("tags/M/" + "0" * 32 + "/nonsense", b"")
        w.put("tags/P/nonsense", b"")
        channels = self.run_json("channels", "-R", self.repo, "-K", self.key("LogOnly"), "-f", "JSON")
        self.assertFalse({"forged", "broken", "future"} & {channel["channel"] for channel in channels})
        self.assertEqual(len(channels), len(self.CHANNELS))
        with self.mounted() as mount:
            self.assertFalse({"forged", "broken", "future"} & set(os.listdir(mount.path("channels"))))


def moment_name(milliseconds):
    moment = datetime.fromtimestamp(milliseconds // 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H.%M.%SZ").encode()


if __name__ == "__main__":
    unittest.main()
