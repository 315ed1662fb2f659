"""Checks a whole repository: layout, tags, and every object that a snapshot reaches."""

import os
import re

from . import blobs, tree
from .keys import check_badge
from .primitives import FormatError
from .tags import SIGNED

BLOB_PATTERN = re.compile(r"blobs/([MR])/([0-9A-F]{2})/\2[0-9A-F]{62}\Z")
BADGE_PATTERN = re.compile(r"keys/([0-9A-F]{32})\Z")
FOLDERS = ["keys", "tags", "blobs", "tmp", "tags/M", "tags/P", "blobs/M", "blobs/R"] + [
    f"blobs/{catalog}/{number:02X}" for catalog in "MR" for number in range(256)
]


class Verification:
    """`problems` are faults; `orphans` are sound objects that no snapshot reaches."""

    def __init__(self, repository):
        self.repository = repository
        self.problems = []
        self.orphans = []
        self.counts = {"snapshots": 0, "blobs": 0, "objects": 0, "bytes": 0}
        self.reached = set()
        self._sizes = {}
        self._levels = {}

    def run(self):
        names = set(self.repository.object_names())
        self.counts["objects"] = len(names)
        self._check_names(names)
        if self.repository.root is not None:
            self._check_layout(names)
        self._check_badges(names)
        found, problems = self.repository.tags()
        self.problems += problems
        for tag in found:
            self.counts["snapshots"] += 1
            if tag.author != SIGNED:
                self.problems.append(f"{tag.object_name}: {tag.author}")
            self.check_snapshot(tag)
        for name in sorted(names):
            if BLOB_PATTERN.match(name) and name not in self.reached:
                self.orphans.append(name)
                self._check_orphan(name)

    def _problem(self, place, text):
        self.problems.append(f"{place}: {text}")

    def _check_names(self, names):
        for name in sorted(names):
            known = name in ("rekkord", "cw") or name.startswith("tags/")
            if not known and not BLOB_PATTERN.match(name) and not BADGE_PATTERN.match(name):
                self._problem(name, "does not belong here")
        if "cw" not in names:
            self._problem("cw", "missing")

    def _check_layout(self, names):
        for name in sorted(names):
            path = os.path.join(self.repository.root, name)
            if os.path.islink(path) or not os.path.isfile(path):
                self._problem(name, "is not a regular file")
            size = os.lstat(path).st_size
            if (name == "cw" or name.startswith("tags/")) and size != 0:
                self._problem(name, f"has {size} bytes where none belong")
            self.counts["bytes"] += size
        for folder in FOLDERS:
            if not os.path.isdir(os.path.join(self.repository.root, folder)):
                self._problem(folder, "folder is missing")
        temporary = os.path.join(self.repository.root, "tmp")
        for name in os.listdir(temporary) if os.path.isdir(temporary) else ():
            self._problem(f"tmp/{name}", "temporary file was left behind")

    def _check_badges(self, names):
        for name in sorted(names):
            if match := BADGE_PATTERN.match(name):
                try:
                    check_badge(
                        self.repository.read(name), bytes.fromhex(match[1]), self.repository.keys.vkey
                    )
                except FormatError as error:
                    self._problem(name, str(error))

    def _get(self, catalog, digest, types):
        """Reads one blob and checks its container once; None when it cannot be used."""
        name = blobs.object_name(catalog, digest)
        first = name not in self.reached
        self.reached.add(name)
        try:
            blob = self.repository.get(catalog, digest, types)
        except FormatError as error:
            if first:
                self.problems.append(str(error))
            return None
        if first:
            self.counts["blobs"] += 1
            self.problems += [f"{name}: {fault}" for fault in blob.writer_faults()]
        return blob

    def _check_orphan(self, name):
        catalog, digest = name.split("/")[1], bytes.fromhex(name.split("/")[3])
        types = {t for t in range(len(blobs.TYPE_NAMES)) if blobs.catalog_of(t) == catalog}
        self._get(catalog, digest, types)

    def check_snapshot(self, tag):
        place = blobs.object_id("M", tag.digest)
        blob = self._get("M", tag.digest, blobs.SNAPSHOT_TYPES)
        if blob is None:
            return
        try:
            snapshot = tree.decode_snapshot(blob)
        except FormatError as error:
            self._problem(place, str(error))
            return
        payload = tag.payload
        expected = (snapshot.time, snapshot.size, snapshot.channel)
        if (payload.time, payload.size, payload.channel) != expected:
            self._problem(tag.object_name, "disagrees with its snapshot")
        added = snapshot.added if blob.type == blobs.SNAPSHOT else payload.added - blob.object_size
        if (payload.stored, payload.added) != (snapshot.stored + blob.object_size, added + blob.object_size):
            self._problem(tag.object_name, "stored or added is not that of the snapshot plus its own blob")
        if not 1 <= len(snapshot.channel) <= tree.CHANNEL_LIMIT:
            self._problem(place, "channel has a wrong length")
        found = self._check_level(place, snapshot.level, tree.root_name_fault)
        if found is None:
            return
        size, entries = found
        if (snapshot.size, snapshot.level.total_size) != (size, size):
            self._problem(place, f"size is {snapshot.size} and {snapshot.level.total_size}, found {size}")
        if snapshot.level.total_entries != entries:
            self._problem(place, f"entry count is {snapshot.level.total_entries}, found {entries}")

    def _check_level(self, place, level, fault_of):
        """Checks the entries of a snapshot and all below; returns the same as `_sum`."""
        self._check_entries(place, level, fault_of)
        # Folders are finished after their children, without recursion.
        stack = [entry.hash for entry in level.entries if _is_folder(entry)]
        while stack:
            digest = stack[-1]
            if digest in self._levels:
                stack.pop()
                continue
            blob = self._get("M", digest, blobs.DIRECTORY_TYPES)
            here = blobs.object_id("M", digest)
            try:
                below = tree.decode_directory(blob) if blob else tree.Level([])
            except FormatError as error:
                self._problem(here, str(error))
                below = tree.Level([])
            waiting = [e.hash for e in below.entries if _is_folder(e) and e.hash not in self._levels]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            self._check_entries(here, below, tree.name_fault)
            found = self._sum(below)
            self._levels[digest] = found if blob else None
            if blob and found is not None and found != (below.total_size, below.total_entries):
                header = (below.total_size, below.total_entries)
                self._problem(here, f"header says {header} bytes and entries, found {found}")
        return self._sum(level)

    def _sum(self, level):
        """(bytes, entries) below a level, or None when damage makes them unknown."""
        size = entries = 0
        for entry in level.entries:
            entries += entry.is_stated and entry.kind != tree.KIND_UNKNOWN
            if _is_folder(entry):
                below = self._levels.get(entry.hash)
                if below is None:
                    return None
                size, entries = size + below[0], entries + below[1]
            elif entry.is_readable and entry.kind == tree.KIND_FILE:
                if entry.hash not in self._sizes:
                    return None
                size += self._sizes[entry.hash]
        return size, entries

    def _check_entries(self, place, level, fault_of):
        _, faults = tree.visible_entries(level.entries, fault_of)
        self.problems += [f"{place}: {fault}" for fault in faults]
        names = [entry.name for entry in level.entries]
        if fault_of is tree.name_fault and names != sorted(names):
            self.counts["unsorted"] = self.counts.get("unsorted", 0) + 1
        for entry in level.entries:
            self._check_entry(f"{place}: {entry.name!r}", entry)

    def _check_entry(self, place, entry):
        if entry.flags & ~(tree.STATED | tree.READABLE | tree.ACCESS_TIME):
            self._problem(place, f"unknown flags {entry.flags}")
        if entry.mode & ~0o7777:
            self._problem(place, f"mode {entry.mode:o} holds more than permissions")
        if entry.atime and not entry.flags & tree.ACCESS_TIME:
            self._problem(place, "access time without its flag")
        try:
            tree.live_attributes(entry)
        except FormatError as error:
            self._problem(place, str(error))
        if not entry.is_readable:
            self._check_not_stored(place, entry)
        elif entry.kind == tree.KIND_FILE:
            self._check_file(place, entry)
        elif entry.kind == tree.KIND_LINK:
            blob = self._get("R", entry.hash, {blobs.LINK})
            if blob and (not blob.plaintext or b"\0" in blob.plaintext or len(blob.plaintext) >= 4096):
                self._problem(place, "link target is impossible")
        elif entry.kind == tree.KIND_UNKNOWN:
            self._problem(place, "special file with content")

    def _check_not_stored(self, place, entry):
        if entry.kind == tree.KIND_DIRECTORY and entry.is_stated:
            blob = self._get("M", entry.hash, {blobs.DIRECTORY})
            if blob and blob.plaintext:
                self._problem(place, "folder is marked as not stored, but is")
        elif entry.hash != tree.NO_HASH:
            self._problem(place, "has a hash although nothing was stored")

    def _check_file(self, place, entry):
        blob = self._get("R", entry.hash, {blobs.FILE, blobs.CHUNK})
        if blob is None or entry.hash in self._sizes:
            return
        if blob.type == blobs.CHUNK:
            self._sizes[entry.hash] = len(blob.plaintext)
            if not blob.plaintext:
                self._problem(place, "empty chunk")
            return
        try:
            chunks, size = tree.decode_file_table(blob.plaintext)
        except FormatError as error:
            self._problem(place, str(error))
            return
        self._sizes[entry.hash] = size
        if len(chunks) == 1:
            self._problem(place, "file table with a single chunk")
        end = 0
        for chunk in chunks:
            if chunk.offset != end:
                self._problem(place, f"gap in the file at {end}")
            end = chunk.offset + chunk.size
            data = self._get("R", chunk.digest, {blobs.CHUNK})
            if data and len(data.plaintext) != chunk.size:
                self._problem(
                    place, f"chunk at {chunk.offset} has {len(data.plaintext)} bytes, not {chunk.size}"
                )


def _is_folder(entry):
    return entry.kind == tree.KIND_DIRECTORY and entry.is_readable
