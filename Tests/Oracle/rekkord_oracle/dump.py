"""What a complete restore of each snapshot would give, as data."""

import base64
import hashlib

from . import tree
from .repository import snapshot_view, walk

TYPES = {tree.KIND_DIRECTORY: "directory", tree.KIND_FILE: "file", tree.KIND_LINK: "link"}


def dump_repository(repository):
    found, _ = repository.tags()
    return [dump_tagged(repository, tag) for tag in found]


def dump_tagged(repository, tag):
    return {
        "oid": "M" + tag.digest.hex().upper(),
        "channel": tag.payload.channel.decode("utf-8", "replace"),
        "time": tag.payload.time,
        "size": tag.payload.size,
        "stored": tag.payload.stored,
        "added": tag.payload.added,
        "kid": tag.kid.hex().upper(),
        "entries": list(dump_entries(repository, tag.digest)),
    }


def dump_entries(repository, digest):
    snapshot = repository.snapshot(digest)
    root, _ = snapshot_view(snapshot)
    for path, node in walk(repository, root):
        described = _describe(repository, node.entry, snapshot)
        if described is not None:
            yield {
                "path_base64": base64.b64encode(path).decode(),
                "path": path.decode("utf-8", "replace"),
                **described,
            }


def _describe(repository, entry, snapshot):
    if entry is None:
        return {"type": "directory", "mode": "0o755", "mtime_ms": snapshot.time, "uid": 0, "gid": 0}
    if not entry.is_readable or entry.kind not in TYPES:
        return None
    result = {"type": TYPES[entry.kind]}
    if entry.kind != tree.KIND_LINK:
        result["mode"] = f"0o{entry.permissions:o}"
    result |= {"mtime_ms": entry.mtime, "uid": entry.uid, "gid": entry.gid}
    if entry.kind == tree.KIND_FILE:
        size = 0
        digest = hashlib.sha256()
        for piece in repository.file_pieces(entry.hash):
            size += len(piece)
            digest.update(piece)
        result |= {"size": size, "sha256": digest.hexdigest()}
    if entry.kind == tree.KIND_LINK:
        result["target"] = repository.link_target(entry.hash).decode("utf-8", "replace")
    shown = tree.live_attributes(entry)
    if shown:
        result["xattrs_base64"] = {
            key.decode("utf-8", "replace"): base64.b64encode(value).decode() for key, value in shown.items()
        }
    return result
