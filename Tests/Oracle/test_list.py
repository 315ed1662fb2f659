"""What the oracle writes, told by `snapshots`, `channels` and `list`."""

import base64
import json
import unittest
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone

from foreign import FixtureCase, WrittenCase
from rekkord_oracle import blobs, keys, tree
from rekkord_oracle.writer import DEFAULT_TIME

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TYPES = {
    tree.KIND_DIRECTORY: "Directory",
    tree.KIND_FILE: "File",
    tree.KIND_LINK: "Link",
    tree.KIND_UNKNOWN: "Unknown",
}


def iso_time(milliseconds):
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def named(document, key="name"):
    """The bytes of a name, which is text only if it is UTF-8."""
    encoded = document.get(f"{key}_base64")
    return base64.b64decode(encoded) if encoded else document[key].encode()


class ListChecks:
    def access(self, key="Master"):
        return ["-R", self.repo, "-K", self.key(key)]

    def assert_listed(self, identifier, key="Master"):
        """`list -r` in JSON tells every entry that the oracle reads."""
        document = self.run_json("list", "-r", "-f", "JSON", *self.access(key), identifier)
        self.assertEqual(len(document), 1)
        reader = self.reader()
        digest = reader.resolve(identifier)
        snapshot = reader.snapshot(digest)
        shown = document[0]
        self.assertEqual((shown["type"], named(shown)), ("Snapshot", snapshot.channel))
        self.assertEqual(shown["object"], blobs.object_id("M", digest))
        self.assertEqual(shown["time"], iso_time(snapshot.time))
        self.assert_children(b"", shown, snapshot.level.entries, tree.root_name_fault)

    def assert_children(self, path, shown, entries, fault_of=tree.name_fault):
        visible, _ = tree.visible_entries(entries, fault_of)
        self.assertEqual(
            [named(child) for child in shown["children"]], [entry.name for entry in visible], path
        )
        for child, entry in zip(shown["children"], visible):
            here = path + b"/" + entry.name
            fields = {key: value for key, value in child.items() if not key.startswith(("name", "children"))}
            self.assertEqual(fields, self.expected_fields(entry), here)
            is_folder = entry.kind == tree.KIND_DIRECTORY and entry.is_readable
            self.assertEqual("children" in child, is_folder, here)
            if is_folder:
                self.assert_children(here, child, self.reader_cached.directory(entry.hash).entries)

    @property
    def reader_cached(self):
        if not hasattr(self, "_reader"):
            self._reader = self.reader()
        return self._reader

    def expected_fields(self, entry):
        kind = entry.kind if entry.is_stated or entry.is_readable else tree.KIND_UNKNOWN
        readable = entry.is_readable and kind != tree.KIND_UNKNOWN
        fields = {
            "type": TYPES[kind],
            "object": blobs.object_id(entry.catalog, entry.hash) if readable else None,
        }
        if entry.is_stated:
            fields |= {name: iso_time(getattr(entry, name)) for name in ("mtime", "ctime", "btime")}
            if entry.flags & tree.ACCESS_TIME:
                fields["atime"] = iso_time(entry.atime)
            if kind != tree.KIND_LINK:
                fields["mode"] = f"0o{entry.permissions:o}"
            fields |= {"uid": entry.uid, "gid": entry.gid}
        if readable and kind == tree.KIND_FILE:
            fields["size"] = entry.size
        return fields


class FixtureTests(FixtureCase, ListChecks):
    def test_snapshots(self):
        for key in ("Master", "ReadWrite", "LogOnly"):
            shown = self.run_json("snapshots", "-f", "JSON", *self.access(key))
            self.assertEqual(
                [{name: value for name, value in snapshot.items() if name != "tag"} for snapshot in shown],
                [
                    {
                        "channel": snapshot["channel"],
                        "object": snapshot["oid"],
                        "time": iso_time(snapshot["time"]),
                        "size": snapshot["size"],
                        "stored": snapshot["stored"],
                        "added": snapshot["added"],
                        "key": snapshot["kid"],
                    }
                    for snapshot in self.expected
                ],
            )
            names = set(self.reader().object_names("tags/M"))
            self.assertEqual({snapshot["tag"] for snapshot in shown}, names)

    def test_channels(self):
        shown = self.run_json("channels", "-f", "JSON", *self.access("LogOnly"))
        _, second, third = self.expected
        self.assertEqual(
            shown,
            [
                {
                    "channel": snapshot["channel"],
                    "object": snapshot["oid"],
                    "time": iso_time(snapshot["time"]),
                    "size": snapshot["size"],
                    "count": count,
                }
                for snapshot, count in ((second, 2), (third, 1))
            ],
        )

    def test_list(self):
        for snapshot in self.expected:
            self.assert_listed(snapshot["oid"], key="ReadWrite")
        self.assert_listed("beta:with/odd name")

    def test_keys_that_cannot_read(self):
        for name in ("WriteOnly", "LogOnly"):
            result = self.run_program("list", *self.access(name), "alpha", status=12)
            self.assertIn(f"rekkord: error: cannot list with {name} key\n".encode(), result.stderr)
        self.run_program("snapshots", *self.access("WriteOnly"), status=12)

    def test_objects_that_are_no_folders_are_refused(self):
        reader = self.reader()
        digest = next(name for name in reader.object_names("blobs/R")).rsplit("/", 1)[1]
        self.run_program("list", *self.access(), "R" + digest, status=1)

    def test_what_is_not_found(self):
        for identifier in ("gamma", "alpha:srv/none", "M" + "0" * 64):
            result = self.run_program("list", *self.access(), identifier, status=1)
            self.assertIn(b"rekkord: error: cannot ", result.stderr)


class WrittenTests(WrittenCase, ListChecks):
    def save(self, entries, channel=b"web", **options):
        return self.writer.save(channel, entries, **options)

    def entries(self, folder_type=blobs.DIRECTORY):
        w = self.writer
        return [
            w.folder_entry(
                b"z", [w.file_entry(b"2", b"2"), w.file_entry(b"1", b"1")], folder_type, mode=0o1777
            ),
            w.file_entry(b"\xff\xfe", b"not UTF-8", mode=0o4755, mtime=-1),
            w.file_entry(b"control\n\x01", b"", uid=4_000_000_000),
            w.file_entry("ünï".encode(), b"x", size=12345, flags=7, atime=1_600_000_000_999),
            w.link_entry(b"link", b"/nowhere"),
            w.special_entry(b"fifo"),
            w.not_stored_entry(b"denied", tree.KIND_FILE, size=77),
            w.not_stored_entry(b"denied folder", tree.KIND_DIRECTORY),
            w.not_stored_entry(b"denied link", tree.KIND_LINK),
            w.never_stated_entry(b"vanished"),
            w.file_entry(b"type bits", b"y", mode=0o100600),
        ]

    def test_all_kinds_in_all_layouts(self):
        w = self.writer
        for snapshot_type, folder_type in (
            (blobs.SNAPSHOT, blobs.DIRECTORY),
            (blobs.SNAPSHOT5, blobs.DIRECTORY),
            (blobs.SNAPSHOT4, blobs.DIRECTORY3),
        ):
            with self.subTest(type=blobs.type_name(snapshot_type)):
                roots = [
                    w.folder_entry(b"srv/data", self.entries(folder_type), folder_type),
                    w.file_entry(b"etc/passwd", b"root"),
                ]
                self.assert_listed(self.save(roots, blob_type=snapshot_type))

    def test_a_folder_by_path_and_by_object(self):
        roots = [self.writer.folder_entry(b"srv/data", self.entries())]
        self.save(roots)
        for identifier in ("web:srv/data/z", "web:/srv/data/z/", "web://srv//data/z//", "M" + self.entries()[0].hash.hex()):
            shown = self.run_json("list", "-f", "JSON", *self.access(), identifier)
            listed = shown[0].get("children", shown) if len(shown) == 1 else shown
            self.assertEqual([named(child) for child in listed], [b"2", b"1"], identifier)

    def test_bad_names_are_hidden(self):
        w = self.writer
        names = [b"", b".", b"..", b"a/b", b"nul\0", b"y" * 256, b"good", b"good"]
        entries = [w.file_entry(name, b"%d" % index) for index, name in enumerate(names)]
        self.assert_listed(self.save([w.folder_entry(b"srv", entries)]))

    def test_a_channel_is_found_by_the_longest_name(self):
        w = self.writer
        folder = [w.folder_entry(b"b", [w.file_entry(b"c", b"")])]
        self.save(folder, b"a")
        longer = self.save([w.file_entry(b"other", b"1")], b"a:b")
        shown = self.run_json("list", "-f", "JSON", *self.access(), "a:b")
        self.assertEqual(shown[0]["object"], longer)

    def test_the_newest_snapshot_of_equal_times_is_the_greatest(self):
        oids = [self.save([self.writer.file_entry(b"%d" % n, b"")], b"web") for n in range(4)]
        self.save([self.writer.file_entry(b"old", b"")], b"web", time=DEFAULT_TIME - 1)
        shown = self.run_json("list", "-f", "JSON", *self.access(), "web")
        self.assertEqual(shown[0]["object"], max(oids))

    def test_authors_of_all_types(self):
        authors = [self.writer.master, *(keys.load_key(self.key(n)) for n in ("WriteOnly", "ReadWrite"))]
        for author in authors:
            self.save([self.writer.file_entry(b"f", b"")], author.name.encode(), author=author)
        shown = self.run_json("snapshots", "-f", "JSON", *self.access("LogOnly"))
        found = {snapshot["channel"]: snapshot["key"] for snapshot in shown}
        self.assertEqual(found, {author.name: author.kid_text for author in authors})

    def test_channels_that_are_not_text(self):
        for channel in (b"\xff\xfe", b"x" * 256, b"line\nbreak", b'"quotes" & <tags>'):
            self.save([self.writer.file_entry(b"f", b"")], channel)
        shown = self.run_json("channels", "-f", "JSON", *self.access())
        found = [named(channel, "channel") for channel in shown]
        self.assertEqual(found, sorted([b"\xff\xfe", b"x" * 256, b"line\nbreak", b'"quotes" & <tags>']))
        plain = self.run_program("channels", *self.access()).stdout
        self.assertEqual(len(plain.splitlines()), 4)
        self.assertIn(rb"line\x0Abreak", plain)
        self.assertIn(rb"\xFF\xFE", plain)

    def test_xml_is_well_formed(self):
        oid = self.save([self.writer.folder_entry(b"srv", self.entries())], b"a<b&\x01\xff")
        for command in (("snapshots",), ("channels",), ("list", "-r", oid)):
            result = self.run_program(command[0], "-f", "XML", *self.access(), *command[1:])
            ElementTree.fromstring(result.stdout)

    def test_an_empty_repository(self):
        for command in ("snapshots", "channels"):
            result = self.run_program(command, "-f", "JSON", *self.access())
            self.assertEqual(json.loads(result.stdout), [])
            self.assertNotEqual(result.stderr, b"")


if __name__ == "__main__":
    unittest.main()
