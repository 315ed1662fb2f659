"""Makes the seeds in Fuzz/Corpus with the independent writer and the key of the worked examples.

usage: $(scripts/oracle-venv) Fuzz/seeds.py
"""

import pathlib
import re
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests" / "Oracle"))

from rekkord_oracle import blobs, keys, tags, tree  # noqa: E402
from rekkord_oracle.config import Config, encode_config  # noqa: E402
from rekkord_oracle.writer import DEFAULT_TIME, GOLDEN_MASTER, RepositoryWriter  # noqa: E402

ATTRIBUTES = tree.encode_extended([(b"user.note", b"value"), (b"rk.acl1", b"user::rw-\ngroup::r--\nmask::r--\nother::r--\n")])
LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>my-backups</Name><Prefix>backups/</Prefix>
<KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<NextContinuationToken>a+b/c==</NextContinuationToken><Contents><Key>backups/blobs/M/0B/0B%41</Key><ETag>&quot;9b2cf5&quot;</ETag>
<Size>434234</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>
"""
REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message><Region>eu-west-3</Region></Error>
"""
OID = "M0B9C621B7B02AFC1C162526648CC8DCCD6E1314D8B04D400C6D7BD90CA432825"


def seed(target, name, content):
    folder = HERE / "Corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def main():
    with tempfile.TemporaryDirectory() as folder:
        writer = RepositoryWriter(folder).create(Config(bytes(16), bytes(range(16))))
        seed_keys(writer.master)
        seed_contents()
        entries = [
            writer.file_entry(b"notes.txt", b"hello\n", extended=ATTRIBUTES),
            writer.link_entry(b"link", b"notes.txt"),
            writer.special_entry(b"pipe"),
            writer.not_stored_entry(b"locked", tree.KIND_DIRECTORY),
        ]
        root = writer.folder_entry(b"home/alice", entries)
        writer.save(b"web", [root])
        for path in sorted(pathlib.Path(folder, "blobs").rglob("*")):
            if path.is_file():
                seed("blob", path.name[:12], path.read_bytes())
        names = [f"tags/{path.relative_to(folder / pathlib.Path('tags'))}" for path in pathlib.Path(folder, "tags").rglob("*") if path.is_file()]
        seed("tag", "one", "\n".join(sorted(names)))
        seed_trees(writer, entries, root)
    seed_texts()


def seed_keys(master):
    seed("key-file", "master", keys.encode_pem(GOLDEN_MASTER))
    for number, name in enumerate(keys.TYPE_NAMES[1:], start=1):
        raw = keys.derive_raw(master, number, bytes(range(0xA0, 0xB0)), bytes(range(0x20, 0x40)))
        seed("key-file", name, keys.encode_pem(raw))
        if badge := keys.parse_key(keys.encode_pem(raw)).badge:
            seed("badge", name, badge)
    seed("config", "one", encode_config(Config(bytes(16), bytes(range(16))), master))
    payload = tags.Payload(DEFAULT_TIME, 6, 700, 700, b"web").encode()
    seed("payload", "web", payload)
    # What is remembered of a tag: its name, those of its fragments, the snapshot, the payload.
    texts = [f"tags/M/{'A0' * 16}/name".encode(), f"tags/P/{'C0' * 16}_00_rest".encode()]
    main, fragment = (struct.pack("<H", len(text)) + text for text in texts)
    seed("tag-memory", "one", main + b"\1" + fragment + bytes(range(32)) + struct.pack("<H", len(payload)) + payload)


def seed_contents():
    for name, content in (("empty", b""), ("short", b"hello\n"), ("repeated", b"abc" * 3000), ("noise", bytes(range(256)) * 2)):
        seed("stream", name, blobs.compress(content, 1))


def seed_trees(writer, entries, root):
    level = tree.Level(entries, 6, 3)
    seed("directory", "current", b"\0" + tree.encode_directory(level, blobs.DIRECTORY))
    seed("directory", "unsorted", b"\0" + tree.encode_directory(tree.Level(entries[::-1], 6, 3), blobs.DIRECTORY))
    snapshot = tree.Snapshot(DEFAULT_TIME, 6, 700, 700, b"web", tree.Level([root], 6, 3))
    seed("snapshot", "current", b"\0" + tree.encode_snapshot(snapshot, blobs.SNAPSHOT))
    rows = [tree.ChunkReference(0, 4096, bytes(32)), tree.ChunkReference(5000, 100, bytes(range(32)))]
    seed("file-table", "gap", tree.encode_file_table(rows, 5100))
    seed("file-table", "empty", tree.encode_file_table([], 0))


def seed_texts():
    seed("attributes", "two", ATTRIBUTES)
    text = b"user::rw-\nuser:1000:r--\ngroup::r-x\ngroup:50:rwx\nmask::rwx\nother::---\n"
    seed("access-list", "text", text)
    seed("access-list", "binary", tree.acl_binary(text))
    page = (HERE.parent / "man" / "rekkord.ini.5").read_text()
    for number, example in enumerate(re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)):
        seed("ini", f"example-{number}", example)
    seed("xml", "listing", LISTING)
    seed("xml", "refusal", REFUSAL)
    for name, identifier in (("object", f"{OID}:etc/passwd"), ("channel", "web:home/alice"), ("all", ":"), ("time", "2026-01-05T13:20:31Z")):
        seed("identifier", name, identifier)
    for name, url in (
        ("path-style", "s3:https://localhost:9000/bucket/prefix"),
        ("virtual-host", "https://my-backups.s3.eu-west-3.amazonaws.com/x"),
        ("sftp", "sftp://user@host:2222//srv/backup"),
        ("copy-style", "user@host:backup"),
        ("local", "../backups"),
    ):
        seed("location", name, url)
    seed("mount-words", "many", "ro,nofail,allow_other,cache-size=1G,owner=7:8,x-systemd.automount,config_file=/a\\,b\\\\c,comment=x")
    seed("pattern", "many", "/home/*/[a-z]?/**\n/home/alice/b1/x/y")
    seed("pattern", "class", "*.[!o]\\*\nnotes.a*")


main()
