"""Makes repositories by hand: honest ones, odd ones and hostile ones.

Every value of every layer can be chosen, so that a test can write what an honest writer never would.
All calls that store something return what refers to it (a digest, an `Entry`, an object id).
"""

import os

from . import blobs, keys, tags, tree
from .chunking import rekkord_ends, stable_ends
from .config import Config, encode_config
from .verify import FOLDERS

GOLDEN_MASTER = bytes(range(32))
DEFAULT_TIME = 1_757_468_311_000
DEFAULT_FIELDS = {"mtime": 1_757_468_000_123, "ctime": 1_757_468_000_456, "btime": 1_757_468_000_000}


class RepositoryWriter:
    def __init__(self, root, mkey=GOLDEN_MASTER, level=6):
        self.root = os.fspath(root)
        self.mkey = mkey
        self.master = keys.master_key_set(mkey)
        self.level = level
        self.fields = {"uid": os.getuid(), "gid": os.getgid(), **DEFAULT_FIELDS}
        self._sums = {}
        self._unreported = 0

    # Layout and keys

    def create(self, config=None):
        for folder in ["", *FOLDERS]:
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        self.put("rekkord", encode_config(config or Config(os.urandom(16), os.urandom(16)), self.master))
        self.put("cw", b"")
        return self

    def put(self, name, data):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def save_master_key(self, path):
        _write_key(path, self.mkey)
        return path

    def derive(self, key_type, path=None):
        raw = keys.derive_raw(self.master, key_type)
        if path is not None:
            _write_key(path, raw)
        return keys.parse_key(keys.encode_pem(raw))

    # Blobs

    def blob(self, blob_type, plaintext, digest=None, level=None, stored_type=None, **fixed):
        """Stores one blob and returns its digest; `digest` and `stored_type` can be lies."""
        if digest is None:
            digest = blobs.blob_digest(self.master.blob_hash_salt(), blob_type, plaintext)
        data = blobs.encode_blob(
            blob_type if stored_type is None else stored_type,
            plaintext,
            self.master,
            level=self.level if level is None else level,
            **fixed,
        )
        self.put(blobs.object_name(blobs.catalog_of(blob_type), digest), data)
        self._unreported += len(data)
        return digest

    def file(self, data, ends=None, level=None):
        """Stores the content of a file, cut at `ends`: offsets, "rekkord" or "stable"; None: one chunk."""
        if ends is None:
            ends = [len(data)] if data else []
        elif ends == "rekkord":
            ends = rekkord_ends(data, self.master.splitter_seed())
        elif ends == "stable":
            ends = stable_ends(data, self.master.splitter_key())
        starts = [0, *ends[:-1]]
        chunks = [
            tree.ChunkReference(start, end - start, self.blob(blobs.CHUNK, data[start:end], level=level))
            for start, end in zip(starts, ends)
        ]
        if len(chunks) == 1:
            return chunks[0].digest
        return self.blob(blobs.FILE, tree.encode_file_table(chunks, len(data)))

    # Entries

    def file_entry(self, name, data, ends=None, level=None, **fields):
        digest = self.file(data, ends, level)
        self._sums[digest] = len(data)
        return self.entry(name, tree.KIND_FILE, hash=digest, **{"size": len(data), **fields})

    def link_entry(self, name, target, **fields):
        return self.entry(
            name, tree.KIND_LINK, hash=self.blob(blobs.LINK, target), **{"mode": 0o777, **fields}
        )

    def folder_entry(self, name, entries, blob_type=blobs.DIRECTORY, **fields):
        digest = self.folder(entries, blob_type)
        count = sum(entry.kind == tree.KIND_DIRECTORY and entry.is_stated for entry in entries)
        return self.entry(name, tree.KIND_DIRECTORY, hash=digest, **{"mode": 0o755, "size": count, **fields})

    def folder(self, entries, blob_type=blobs.DIRECTORY):
        level = self._level(entries)
        digest = self.blob(blob_type, tree.encode_directory(level, blob_type))
        self._sums[digest] = (level.total_size, level.total_entries)
        return digest

    def special_entry(self, name, **fields):
        return self.entry(name, tree.KIND_UNKNOWN, flags=tree.STATED, **fields)

    def not_stored_entry(self, name, kind, **fields):
        if kind == tree.KIND_DIRECTORY:
            fields = {"hash": self.blob(blobs.DIRECTORY, b""), "mode": 0o700, **fields}
        return self.entry(name, kind, flags=tree.STATED, **fields)

    def never_stated_entry(self, name):
        return tree.Entry(name, kind=0, flags=0, mode=0)

    def entry(self, name, kind, **fields):
        return tree.Entry(name, kind, **{**self.fields, **fields})

    # Snapshots and tags

    def save(self, channel, entries, time=DEFAULT_TIME, author=None, blob_type=blobs.SNAPSHOT, tag=True):
        """Stores a snapshot with its tag and badge; returns its object id."""
        level = self._level(entries)
        stored = self._unreported
        snapshot = tree.Snapshot(time, level.total_size, stored, stored, channel, level)
        plaintext = tree.encode_snapshot(snapshot, blob_type)
        digest = self.blob(blob_type, plaintext)
        if tag:
            name = blobs.object_name("M", digest)
            own = os.path.getsize(os.path.join(self.root, name))
            payload = tags.Payload(time, level.total_size, stored + own, stored + own, channel)
            self.tag(digest, payload.encode(), author)
        self._unreported = 0
        return blobs.object_id("M", digest)

    def tag(self, digest, payload, author=None, fragments=True, badge=True, **fixed):
        """Writes the objects of one tag; returns (main name, fragment names)."""
        author = author or self.master
        main, names = tags.encode_tag(digest, payload, author, **fixed)
        if author.badge and badge:
            self.put(f"keys/{author.kid_text}", author.badge)
        for name in [*(names if fragments else ()), main]:
            self.put(name, b"")
        return main, names

    def _level(self, entries):
        size = count = 0
        for entry in entries:
            count += entry.is_stated and entry.kind != tree.KIND_UNKNOWN
            below = self._sums.get(entry.hash, 0) if entry.is_readable else 0
            if isinstance(below, tuple):
                size, count = size + below[0], count + below[1]
            else:
                size += below
        return tree.Level(list(entries), size, count)

    # Damage

    def path(self, identifier):
        catalog, digest = blobs.parse_object_id(identifier)
        return os.path.join(self.root, blobs.object_name(catalog, digest))

    def remove(self, identifier):
        os.unlink(self.path(identifier))

    def flip(self, identifier, offset, mask=1):
        with open(self.path(identifier), "r+b") as file:
            file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
            position = file.tell()
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ mask]))

    def truncate(self, identifier, size):
        os.truncate(self.path(identifier), size)

    def replace(self, identifier, other):
        """Puts the (valid) bytes of another object under the name of this one."""
        with open(self.path(other), "rb") as file:
            data = file.read()
        with open(self.path(identifier), "wb") as file:
            file.write(data)


def _write_key(path, raw):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(keys.encode_pem(raw))
