"""Plaintext layouts: file tables, entries, directories, snapshots, attributes (format sections 8 and 9)."""

import struct
from dataclasses import dataclass, field

from . import blobs
from .primitives import FormatError

KIND_UNKNOWN, KIND_DIRECTORY, KIND_FILE, KIND_LINK = -1, 0, 1, 2
STATED, READABLE, ACCESS_TIME = 1, 2, 4
NO_HASH = bytes(32)
NAME_LIMIT = 255

ENTRY = struct.Struct("<32sBbHHqqqqIIIq")
OLD_ENTRY = struct.Struct("<32shhHHqqqqIIIq")
RAW_CHUNK = struct.Struct("<qi32s")
LEVEL_HEADER = struct.Struct("<qq")
SNAPSHOT_HEADER = struct.Struct("<qqqq512s")
OLD_SNAPSHOT_HEADER = struct.Struct("<qqq512s")
CHANNEL_LIMIT = 256

ACL_KEYS = {b"rk.acl1": b"system.posix_acl_access", b"rk.acl1d": b"system.posix_acl_default"}


# File tables


@dataclass
class ChunkReference:
    offset: int
    size: int
    digest: bytes


def encode_file_table(chunks, size):
    rows = b"".join(RAW_CHUNK.pack(chunk.offset, chunk.size, chunk.digest) for chunk in chunks)
    return rows + size.to_bytes(8, "little", signed=True)


def decode_file_table(data):
    """Returns (chunks, size); gaps are legal, overlaps are not."""
    if len(data) % RAW_CHUNK.size != 8:
        raise FormatError("file table has a wrong length")
    size = int.from_bytes(data[-8:], "little", signed=True)
    if size < 0:
        raise FormatError("file size is negative")
    chunks = [ChunkReference(*row) for row in RAW_CHUNK.iter_unpack(data[:-8])]
    end = 0
    for chunk in chunks:
        if chunk.size < 0 or chunk.offset < end:
            raise FormatError("chunks of the file table overlap")
        end = chunk.offset + chunk.size
    if end != size:
        raise FormatError(f"chunks end at {end}, the file at {size}")
    return chunks, size


# Entries


@dataclass
class Entry:
    name: bytes
    kind: int = KIND_FILE
    hash: bytes = NO_HASH
    flags: int = STATED | READABLE
    mtime: int = 0
    ctime: int = 0
    atime: int = 0
    btime: int = 0
    uid: int = 0
    gid: int = 0
    mode: int = 0o644
    size: int = 0
    extended: bytes = b""

    @property
    def is_stated(self):
        return bool(self.flags & STATED)

    @property
    def is_readable(self):
        return bool(self.flags & READABLE)

    @property
    def permissions(self):
        return self.mode & 0o7777

    @property
    def catalog(self):
        return "M" if self.kind == KIND_DIRECTORY else "R"

    def encode(self, old=False):
        layout = OLD_ENTRY if old else ENTRY
        return (
            layout.pack(
                self.hash,
                self.flags,
                self.kind,
                len(self.name),
                len(self.extended),
                self.mtime,
                self.ctime,
                self.atime,
                self.btime,
                self.uid,
                self.gid,
                self.mode,
                self.size,
            )
            + self.name
            + self.extended
        )


def decode_entries(data, position, old=False):
    """All entries from `position` to the end; a structural fault refuses them all."""
    layout = OLD_ENTRY if old else ENTRY
    entries = []
    while position < len(data):
        if len(data) - position < layout.size:
            raise FormatError("entry is cut off")
        digest, flags, kind, name_size, extended_size, mtime, ctime, atime, btime, uid, gid, mode, size = (
            layout.unpack_from(data, position)
        )
        if old:
            # The middle-aged layout keeps each of them in the low byte of two.
            flags &= 0xFF
            kind = struct.unpack("<b", struct.pack("<B", kind & 0xFF))[0]
        position += layout.size
        if len(data) - position < name_size + extended_size:
            raise FormatError("entry name is cut off")
        if kind not in (KIND_UNKNOWN, KIND_DIRECTORY, KIND_FILE, KIND_LINK):
            raise FormatError(f"entry kind {kind} is not known")
        name = bytes(data[position : position + name_size])
        position += name_size
        extended = bytes(data[position : position + extended_size])
        position += extended_size
        entries.append(
            Entry(name, kind, digest, flags, mtime, ctime, atime, btime, uid, gid, mode, size, extended)
        )
    return entries


def name_fault(name):
    """Why a name inside a directory must not be used, or None."""
    if not name:
        return "empty name"
    if name in (b".", b".."):
        return "name is a dot folder"
    if b"\0" in name or b"/" in name:
        return "name holds a NUL or a slash"
    if len(name) > NAME_LIMIT:
        return f"name has more than {NAME_LIMIT} bytes"
    return None


def root_name_fault(name):
    """The same for a root entry of a snapshot, where slashes separate names."""
    faults = (name_fault(part) for part in name.split(b"/"))
    return next((fault for fault in faults if fault), None)


def visible_entries(entries, fault_of=name_fault):
    """Returns (entries whose name is good and new, faults of the others)."""
    visible = []
    faults = []
    seen = set()
    for entry in entries:
        fault = fault_of(entry.name) or ("repeated name" if entry.name in seen else None)
        if fault:
            faults.append(f"{entry.name!r}: {fault}")
        else:
            seen.add(entry.name)
            visible.append(entry)
    return visible, faults


# Directories and snapshots


@dataclass
class Level:
    """The content of a directory, or the roots of a snapshot."""

    entries: list
    total_size: int = 0
    total_entries: int = 0


@dataclass
class Snapshot:
    time: int
    size: int
    stored: int
    added: int
    channel: bytes
    level: Level = field(default_factory=lambda: Level([]))


def encode_directory(level, blob_type=blobs.DIRECTORY):
    old = blob_type == blobs.DIRECTORY3
    header = LEVEL_HEADER.pack(level.total_size, level.total_entries)
    return header + b"".join(entry.encode(old) for entry in level.entries)


def decode_directory(blob):
    if blob.type not in blobs.DIRECTORY_TYPES:
        raise FormatError(f"{blobs.type_name(blob.type)} blob where a directory belongs")
    return _decode_level(blob.plaintext, 0, old=blob.type == blobs.DIRECTORY3)


def _decode_level(data, position, old):
    if len(data) < position + LEVEL_HEADER.size:
        raise FormatError(
            "contents were not available when it was saved" if not data else "malformed directory"
        )
    total_size, total_entries = LEVEL_HEADER.unpack_from(data, position)
    return Level(decode_entries(data, position + LEVEL_HEADER.size, old), total_size, total_entries)


def encode_snapshot(snapshot, blob_type=blobs.SNAPSHOT):
    if blob_type == blobs.SNAPSHOT:
        header = SNAPSHOT_HEADER.pack(
            snapshot.time, snapshot.size, snapshot.stored, snapshot.added, snapshot.channel
        )
    else:
        header = OLD_SNAPSHOT_HEADER.pack(snapshot.time, snapshot.size, snapshot.stored, snapshot.channel)
    level_type = blobs.DIRECTORY3 if blob_type == blobs.SNAPSHOT4 else blobs.DIRECTORY
    return header + encode_directory(snapshot.level, level_type)


def decode_snapshot(blob):
    data = blob.plaintext
    if blob.type == blobs.SNAPSHOT:
        layout = SNAPSHOT_HEADER
    elif blob.type in blobs.SNAPSHOT_TYPES:
        layout = OLD_SNAPSHOT_HEADER
    else:
        raise FormatError(f"{blobs.type_name(blob.type)} blob where a snapshot belongs")
    if len(data) <= layout.size + LEVEL_HEADER.size:
        raise FormatError("snapshot is too short")
    fields = layout.unpack_from(data, 0)
    time, size, stored, channel = fields[0], fields[1], fields[2], fields[-1]
    added = fields[3] if blob.type == blobs.SNAPSHOT else 0
    if b"\0" not in channel:
        raise FormatError("channel is not terminated")
    level = _decode_level(data, layout.size, old=blob.type == blobs.SNAPSHOT4)
    return Snapshot(time, size, stored, added, channel[: channel.index(0)], level)


# Extended attributes


def encode_extended(records):
    output = b""
    for key, value in records:
        record = key + b"\0" + value
        output += len(record).to_bytes(2, "little") + record
    return output


def decode_extended(data):
    records = []
    position = 0
    while position < len(data):
        if len(data) - position < 2:
            raise FormatError("extended attribute is cut off")
        size = int.from_bytes(data[position : position + 2], "little")
        position += 2
        if size > len(data) - position:
            raise FormatError("extended attribute is cut off")
        record = data[position : position + size]
        position += size
        if b"\0" not in record:
            raise FormatError("extended attribute has no key end")
        key, _, value = record.partition(b"\0")
        records.append((key, value))
    return records


ACL_TAGS = {1: "user", 2: "user", 4: "group", 8: "group", 16: "mask", 32: "other"}
ACL_NAMED = {2, 8}
ACL_NO_ID = 0xFFFFFFFF


def acl_text(binary):
    """Linux binary form to the stored text (9.3)."""
    if int.from_bytes(binary[:4], "little") != 2 or len(binary) % 8 != 4:
        raise FormatError("access control list is malformed")
    lines = []
    for tag, permissions, identifier in struct.iter_unpack("<HHI", binary[4:]):
        if tag not in ACL_TAGS:
            continue
        who = str(identifier) if tag in ACL_NAMED else ""
        letters = "".join(letter if permissions & bit else "-" for letter, bit in zip("rwx", (4, 2, 1)))
        lines.append(f"{ACL_TAGS[tag]}:{who}:{letters}")
    return "\n".join(lines).encode()


def acl_binary(text):
    """Stored text to the Linux binary form, as getxattr would give it."""
    output = (2).to_bytes(4, "little")
    names = {name: name for name in ("user", "group", "mask", "other")}
    names |= {name[0]: name for name in names}
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fields = [part.strip() for part in line.split(":")]
        if len(fields) != 3 or fields[0] not in names:
            raise FormatError(f"access control entry {line!r} is malformed")
        named = fields[1] != ""
        tag = {"user": 1, "group": 4, "mask": 16, "other": 32}[names[fields[0]]]
        if named and tag in (1, 4):
            tag *= 2
        identifier = int(fields[1]) if tag in ACL_NAMED else ACL_NO_ID
        permissions = sum(bit for letter, bit in zip("rwx", (4, 2, 1)) if letter in fields[2])
        output += struct.pack("<HHI", tag, permissions, identifier)
    return output


def live_attributes(entry):
    """The attributes as the system shows them: {name: value}, access control lists in binary form."""
    shown = {}
    for key, value in decode_extended(entry.extended):
        if key in ACL_KEYS:
            shown[ACL_KEYS[key]] = acl_binary(value)
        else:
            shown.setdefault(key, value)
    return shown
