"""Reading a local repository: the one door to its blobs, and the view of a snapshot as a tree."""

import os
from collections import OrderedDict

from . import blobs, tags, tree
from .config import decode_config
from .keys import MASTER
from .primitives import FormatError

BLOB_CACHE_COUNT = 4


class MissingObject(FormatError):
    """An object that something refers to does not exist."""


class Repository:
    """A repository in a folder; a subclass without a root reads from elsewhere."""

    def __init__(self, root, keys):
        self.root = None if root is None else os.fspath(root)
        self.keys = keys
        self.config = decode_config(self.read("rekkord"), keys.akey)
        self._recent = OrderedDict()

    def read(self, name):
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                return file.read()
        except FileNotFoundError as error:
            raise MissingObject(f"{name}: missing") from error

    def object_names(self, prefix=""):
        """All objects below a folder, temporary files left out."""
        top = os.path.join(self.root, prefix) if prefix else self.root
        for folder, folders, files in os.walk(top):
            if folder == self.root:
                folders[:] = [name for name in folders if name != "tmp"]
            for name in files:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def get(self, catalog, digest, types):
        """Reads, opens and verifies one blob; its type must be one of `types`."""
        key = (catalog, digest)
        blob = self._recent.pop(key, None)
        if blob is None:
            name = blobs.object_name(catalog, digest)
            try:
                blob = blobs.decode_blob(self.read(name), self.keys)
            except MissingObject:
                raise
            except FormatError as error:
                raise FormatError(f"{name}: {error}") from error
            if blobs.blob_digest(self.keys.blob_hash_salt(), blob.type, blob.plaintext) != digest:
                raise FormatError(f"{name}: hash mismatch")
        self._recent[key] = blob
        if len(self._recent) > BLOB_CACHE_COUNT:
            self._recent.popitem(last=False)
        if blob.type not in types or blobs.catalog_of(blob.type) != catalog:
            name = blobs.object_name(catalog, digest)
            raise FormatError(f"{name}: {blobs.type_name(blob.type)} blob does not belong here")
        return blob

    def snapshot(self, digest):
        return tree.decode_snapshot(self.get("M", digest, blobs.SNAPSHOT_TYPES))

    def directory(self, digest):
        return tree.decode_directory(self.get("M", digest, blobs.DIRECTORY_TYPES))

    def link_target(self, digest):
        return self.get("R", digest, {blobs.LINK}).plaintext

    def file_chunks(self, digest):
        """Returns ([ChunkReference], size) of a file, however it is stored."""
        blob = self.get("R", digest, {blobs.FILE, blobs.CHUNK})
        if blob.type == blobs.CHUNK:
            size = len(blob.plaintext)
            return [tree.ChunkReference(0, size, digest)], size
        return tree.decode_file_table(blob.plaintext)

    def file_pieces(self, digest):
        """The content of a file, piece by piece, gaps as zeros."""
        chunks, size = self.file_chunks(digest)
        position = 0
        for chunk in chunks:
            yield from zeros(chunk.offset - position)
            data = self.get("R", chunk.digest, {blobs.CHUNK}).plaintext
            if len(data) != chunk.size:
                raise FormatError(
                    f"{blobs.object_id('R', chunk.digest)}: {len(data)} bytes instead of {chunk.size}"
                )
            yield data
            position = chunk.offset + chunk.size
        yield from zeros(size - position)

    def tags(self):
        """Returns (tags by time, problems)."""

        def badge_of(kid):
            try:
                return self.read(f"keys/{kid.hex().upper()}")
            except MissingObject:
                return None

        return tags.list_tags(list(self.object_names("tags")), self.keys, badge_of)

    def resolve(self, identifier):
        """The digest of a snapshot named by object id or channel, or by `channel` and `-N` for older ones."""
        parsed = blobs.parse_object_id(identifier)
        if parsed:
            return parsed[1]
        channel = os.fsencode(identifier)
        matching = [tag for tag in self.tags()[0] if tag.payload.channel == channel]
        if not matching:
            raise FormatError(f"no snapshot of channel '{identifier}'")
        return matching[-1].digest

    def needs_reading_key(self):
        if self.keys.dkey is None or (self.keys.type != MASTER and self.keys.lkey is None):
            raise FormatError(f"a {self.keys.name} key cannot read blobs")


def zeros(count):
    while count > 0:
        step = min(count, 1 << 20)
        yield bytes(step)
        count -= step


class Node:
    """One place in the tree of a snapshot. `entry` is None for parents that were not saved themselves."""

    def __init__(self, entry=None):
        self.entry = entry
        self.placed = {}

    def children(self, repository):
        """Returns ({name: Node}, faults of hidden names); explicitly saved paths replace what is stored."""
        result = {}
        faults = []
        if self.entry is not None and self.entry.kind == tree.KIND_DIRECTORY and self.entry.is_readable:
            entries, faults = tree.visible_entries(repository.directory(self.entry.hash).entries)
            result = {entry.name: Node(entry) for entry in entries}
        for name, node in self.placed.items():
            if node.entry is None and name in result:
                node.entry = result[name].entry
            result[name] = node
        return result, faults


def snapshot_view(snapshot):
    """The roots of a snapshot put in their places; returns (root Node, faults of hidden names)."""
    root = Node()
    entries, faults = tree.visible_entries(snapshot.level.entries, tree.root_name_fault)
    for entry in entries:
        node = root
        for part in entry.name.split(b"/"):
            node = node.placed.setdefault(part, Node())
        node.entry = entry
    return root, faults


def walk(repository, node, prefix=b"", on_error=None):
    """All nodes below `node`, parents first, in byte order, as (path, Node); never recurses."""
    stack = [(prefix, node)]
    while stack:
        path, current = stack.pop()
        if path != prefix:
            yield path, current
        try:
            children, faults = current.children(repository)
        except FormatError as error:
            if on_error is None:
                raise
            on_error(path, error)
            continue
        for fault in faults:
            if on_error is not None:
                on_error(path, FormatError(fault))
        for name in sorted(children, reverse=True):
            stack.append((path + b"/" + name if path else name, children[name]))
