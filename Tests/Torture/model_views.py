"""What is to be seen of snapshots: as the independent reader finds them stored, restored, and listed by the program."""

import base64
import functools
import json
import os
from datetime import datetime, timedelta, timezone

from model_tree import Row
from place import expect
from rekkord_oracle import blobs, tree
from rekkord_oracle import tags as tag_format
from rekkord_oracle.compare import KINDS
from rekkord_oracle.repository import snapshot_view, walk

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LISTED_KINDS = {"Directory": "directory", "File": "file", "Link": "link", "Unknown": "special"}


class Views:
    def __init__(self, world):
        self.world = world
        self.known_tags = {}
        self.known_files = {}  # digest of the format: (size, digest of ours)

    def reader(self):
        """The independent reader; tags that it decoded once it knows, since that takes long on purpose."""
        reader = self.world.place.reader()
        reader.tags = functools.partial(self.tags, reader)
        return reader

    def tags(self, reader):
        names = set(reader.object_names("tags"))
        known = {name: tag for name, tag in self.known_tags.items() if name in names}
        problems = [f"{tag.object_name}: a fragment is gone" for tag in known.values() if not names.issuperset(tag.fragment_names)]
        used = {fragment for tag in known.values() for fragment in tag.fragment_names}
        found, wrong = tag_format.list_tags(names - known.keys() - used, reader.keys, functools.partial(badge, reader))
        self.known_tags = known | {tag.object_name: tag for tag in found}
        return sorted(self.known_tags.values(), key=lambda tag: (tag.payload.time, tag.digest)), problems + wrong

    # As stored

    def stored(self, oid):
        """{absolute path: {path below it: Row}} of all that was saved."""
        reader = self.reader()
        snapshot = reader.snapshot(blobs.parse_object_id(oid)[1])
        top, faults = snapshot_view(snapshot)
        expect(not faults, f"faults of the snapshot: {faults}")
        found = {}
        for entry in snapshot.level.entries:
            node = top
            for part in entry.name.split(b"/"):
                node = node.placed[part]
            rows = found["/" + os.fsdecode(entry.name)] = {"": self.stored_row(reader, node.entry)}
            rows |= {os.fsdecode(path): self.stored_row(reader, child.entry) for path, child in walk(reader, node)}
        return found

    def stored_row(self, reader, entry):
        expect(entry.is_stated and (entry.is_readable or entry.kind == tree.KIND_UNKNOWN), f"{entry.name!r} was not stored")
        kind, mode, size, detail = KINDS[entry.kind], entry.permissions, 0, ""
        if kind == "file":
            if entry.hash not in self.known_files:
                content = b"".join(reader.file_pieces(entry.hash))
                self.known_files[entry.hash] = len(content), self.world.observer.digest(content)
            size, detail = self.known_files[entry.hash]
        elif kind == "link":
            mode, detail = None, os.fsdecode(reader.link_target(entry.hash))
        attributes = tuple(sorted((os.fsdecode(name), value) for name, value in tree.live_attributes(entry).items()))
        return Row(kind, mode, entry.uid, entry.gid, entry.mtime, size, detail, attributes)

    # As restored

    def restored(self, roots, found, options, is_new):
        """(what there has to be, what there is), both without what a restore does not promise."""
        has_owner, has_attributes = "Owner,XAttrs" in options, "Owner,XAttrs" in options

        def promised(row, is_model):
            if is_model and not has_owner and row.mode is not None:
                row = row.without(mode=row.mode & 0o1777)
            if not has_owner:
                row = row.without(uid=0, gid=0)
            # What was saved without attributes says nothing of them; folders keep those that they have.
            if not has_attributes or row.kind == "directory" and not is_new:
                row = row.without(attributes=())
            return row

        expected = {root: {path: promised(row, True) for path, row in visible(rows).items()} for root, rows in roots.items()}
        # Where the snapshot has a special file, what lies there stays.
        skipped = {root: {path for path, row in rows.items() if row.kind == "special"} for root, rows in roots.items()}
        found = {
            root: {path: promised(row, False) for path, row in rows.items() if not is_below(path, skipped[root])}
            for root, rows in found.items()
        }
        return expected, found

    # As listed

    def listed(self, snapshot):
        """(what `list` shows, what it has to show); contents are told by their sizes alone."""
        (top,) = json.loads(self.world.read("list", "-r", "--format", "JSON", snapshot.oid))
        expect((top["type"], top["object"]) == ("Snapshot", snapshot.oid), f"list shows {top['type']} {top['object']}")
        found = {}
        for child in top["children"]:
            rows = found["/" + true_name(child)] = {}
            pending = [("", child)]
            while pending:
                path, entry = pending.pop()
                rows[path] = listed_row(entry)
                pending += [(os.path.join(path, true_name(inner)), inner) for inner in entry.get("children", ())]
        expected = {
            root: {path: row.without(detail="", attributes=()) for path, row in rows.items()} for root, rows in snapshot.roots.items()
        }
        return found, expected

    def expect_snapshots(self):
        """`snapshots` and `channels` name what there is, and how large it is."""
        found = json.loads(self.world.read("snapshots", "--format", "JSON", key="LogOnly"))
        rows = {row["object"]: (row["channel"], milliseconds(row["time"]), row["size"]) for row in found}
        sizes = {oid: size for oid, (_, _, size) in rows.items()}
        expected = {}
        for snapshot in self.world.snapshots.values():
            # One that was saved while all changed and not in full has the size that it has.
            size = sizes.get(snapshot.oid) if snapshot.roots is None else total_size(snapshot.roots)
            expected[snapshot.oid] = (snapshot.channel, snapshot.time, size)
        expect(rows == expected, f"snapshots: {sorted(rows.items() ^ expected.items())[:4]}")
        expect([row["time"] for row in found] == sorted(row["time"] for row in found), "snapshots are not sorted by time")
        found = json.loads(self.world.read("channels", "--format", "JSON", key="LogOnly"))
        for row in found:
            newest = self.world.newest(row["channel"])
            expect(newest and row["object"] == newest.oid, f"channels: {row} has another newest snapshot")
        counts = {row["channel"]: row["count"] for row in found}
        channels = [snapshot.channel for snapshot in self.world.snapshots.values()]
        expect(counts == {channel: channels.count(channel) for channel in channels}, f"channels: {counts}")


def badge(reader, kid):
    name = f"keys/{kid.hex().upper()}"
    return reader.read(name) if name in set(reader.object_names("keys")) else None


def true_name(entry):
    return os.fsdecode(base64.b64decode(entry["name_base64"])) if "name_base64" in entry else entry["name"]


def milliseconds(text):
    return (datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z") - EPOCH) // timedelta(milliseconds=1)


def listed_row(entry):
    kind = LISTED_KINDS[entry["type"]]
    mode = None if kind == "link" else int(entry["mode"], 8)
    return Row(kind, mode, entry["uid"], entry["gid"], milliseconds(entry["mtime"]), entry.get("size", 0), "", ())


def total_size(roots):
    return sum(row.size for rows in roots.values() for row in rows.values())


def is_below(path, others):
    return any(path == other or path.startswith(other + "/") for other in others)


def visible(rows):
    """Without special files, which neither mounts nor restores show."""
    return {path: row for path, row in rows.items() if row.kind != "special"}


def differences(expected, found, limit=3):
    """The first differences of two {root: {path: Row}}, as text."""
    wrong = []
    for root in sorted(expected.keys() | found.keys()):
        left, right = expected.get(root), found.get(root)
        if left is None or right is None:
            wrong.append(f"{root!r} is {'missing' if right is None else 'surplus'}")
            continue
        for path in sorted(left.keys() | right.keys()):
            if left.get(path) != right.get(path):
                wrong.append(f"{path!r}: {told(left.get(path), right.get(path))}")
    return wrong[:limit]


def told(expected, found):
    if expected is None or found is None:
        return "missing" if found is None else "surplus"
    names = [name for name in expected.__dict__ if getattr(expected, name) != getattr(found, name)]
    return ", ".join(f"{name} {short(getattr(found, name))}, not {short(getattr(expected, name))}" for name in names)


def short(value):
    return repr(value)[:80]
