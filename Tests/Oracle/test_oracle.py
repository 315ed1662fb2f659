"""Proves the oracle itself: golden values of the format document, and a repository by another author."""

import hashlib
import json
import os
import random
import tarfile
import tempfile
import unittest

from rekkord_oracle import blobs, chunking, compare, config, dump, extract, keys, live, tags, tree
from rekkord_oracle.primitives import (
    FormatError,
    StreamOpener,
    argon2id,
    hexadecimal,
    padded_size,
    unseal,
)
from rekkord_oracle.repository import Repository
from rekkord_oracle.verify import Verification
from rekkord_oracle.writer import RepositoryWriter

FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures", "foreign")


def span(first, count):
    return bytes(range(first, first + count))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


MASTER = keys.master_key_set(span(0, 32))
KID = span(0xA0, 16)
SKEY = span(0x20, 32)
HELLO = "3818118AFB0454EB8A8AA845224E36E4181905187173D0B9E9A94864C679AA21"
DIRECTORY_BLOB = bytes.fromhex("""
    06000000000000000100000000000000
    3818118afb0454eb8a8aa845224e36e4181905187173d0b9e9a94864c679aa21
    03 01 0900 0000 7b7f413199010000 c880413199010000 0000000000000000 007f413199010000
    e8030000 e8030000 a4010000 0600000000000000 68656c6c6f2e747874
    """)
DIRECTORY_DIGEST = bytes.fromhex("C03969A65EE7FEAA3649AE3489B716B562F9DF6004E989E32A25C686614C467A")
TIMES = {"mtime": 1757468000123, "ctime": 1757468000456, "btime": 1757468000000, "uid": 1000, "gid": 1000}


def golden_digest(blob_type, plaintext):
    return blobs.blob_digest(MASTER.blob_hash_salt(), blob_type, plaintext)


def golden_snapshot():
    root = tree.Entry(b"home/alice", tree.KIND_DIRECTORY, DIRECTORY_DIGEST, 3, mode=0o755, **TIMES)
    return tree.Snapshot(1757468311000, 6, 400, 400, b"webserver", tree.Level([root], 6, 2))


class GoldenKeys(unittest.TestCase):
    def test_subkeys_and_salts(self):
        expected = {
            "ckey": "0d1dd00d94c2b85b2219fd269cef8984da03ff837708d5e37be304f65af245cd",
            "akey": "06d07875a0290c50f509328faffad03f2428bbb22969326537a1958160a21e1c",
            "dkey": "e43328daa6762e6bdb35f64e8383c5525d4df1c3a9e9dc217ea596a78547bdd1",
            "wkey": "64341caa55f881962e66ed46d08dab3b4d2247f46cbfc2f9cafc6687543a8d79",
            "lkey": "22a959feb380d8c4cac429f07180f79e3c628fc75b74f688c34c0a98a9bc1451",
            "tkey": "1c78d64a999fa57d180bd42222e69f57cda1d682dc36818e091dff1c35149a6f",
            "nkey": "5cc236c3496eb4c22ad698b9d80f2894d62d6f69b188b311a9fb27e7b9312ed7",
            "vkey": "03c88de172e1263631b6560776e3cdfcf49771d85d93cb805e77c89980d33fd3",
        }
        self.assertEqual({name: getattr(MASTER, name).hex() for name in expected}, expected)
        salt = "16016111c444fd319ec9247ca6e4e055414bbae291ddd8e0d5ce283abc6a5ac1"
        self.assertEqual(MASTER.blob_hash_salt().hex(), salt)
        self.assertEqual(MASTER.splitter_seed().hex(), "8e5aceafd371897b")

    def test_master_key_file(self):
        text = (
            "-----BEGIN REKKORD KEY-----\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
            "-----END REKKORD KEY-----\n"
        )
        self.assertEqual(keys.encode_pem(span(0, 32)), text)
        self.assertEqual(keys.parse_key("talk before\n" + text), MASTER)

    def test_derived_key_files(self):
        expected = {
            keys.WRITE_ONLY: (
                "7a06ada7d3d2bd936e2bdd1966af53d6f536a0b5fea0d0803f2c34b07a607534",
                "f2dcebbc342abc908c610ba30ea79377b7d00f4c3428cb160d9490d389b8678d",
            ),
            keys.READ_WRITE: (
                "abce04a71e700af4b15b9bf3150587818dafc6137f456d5e435a720dc2147c26",
                "484a3ed9d582f174940df8558af508cc0a34476c787f2baa376ea26919c5d664",
            ),
            keys.LOG_ONLY: (
                "dc4bef55012a9dd522c6448c13b33e56fc8b40d550bf4992f0974135f3cea516",
                "97adb06808da04e639a7b05a2e599ed9ee8d961b5d979c91d59d532218f10b53",
            ),
        }
        for key_type, (raw_hash, text_hash) in expected.items():
            raw = keys.derive_raw(MASTER, key_type, KID, SKEY)
            text = keys.encode_pem(raw)
            self.assertEqual((len(raw), sha256(raw)), (950, raw_hash))
            self.assertEqual((len(text), sha256(text.encode())), (1341, text_hash))
            parsed = keys.parse_key(text)
            self.assertEqual((parsed.type, parsed.kid, parsed.akey), (key_type, KID, MASTER.akey))

    def test_tampered_key_files_are_refused(self):
        raw = keys.derive_raw(MASTER, keys.READ_WRITE, KID, SKEY)
        for index in range(len(raw)):
            damaged = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
            with self.assertRaises(FormatError):
                keys.parse_key(keys.encode_pem(damaged))

    def test_badge(self):
        badge = bytes.fromhex("""
            a0a1a2a3a4a5a6a7a8a9aaabacadaeaf01
            29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7
            4ed8195bef6953a7e37462e65c82f23504008154d01f7a820d12dbb298380bd3
            1c58f6f880fa286125f80606a638d9d0077d44d91677049dd7ad8c4b48cfea04
            """)
        pkey = keys.check_badge(badge, KID, MASTER.vkey)
        self.assertEqual(pkey.hex(), "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7")
        self.assertEqual(keys.make_badge(MASTER, KID, keys.WRITE_ONLY, pkey), badge)
        for index in range(len(badge)):
            with self.assertRaises(FormatError):
                damaged = badge[:index] + bytes([badge[index] ^ 4]) + badge[index + 1 :]
                keys.check_badge(damaged, KID, MASTER.vkey)


class GoldenConfig(unittest.TestCase):
    def test_config(self):
        data = config.encode_config(config.Config(span(0x40, 16), span(0x50, 16)), MASTER, span(0x80, 24))
        start = bytes.fromhex("""
            032000808182838485868788898a8b8c8d8e8f9091929394959697fe8dedfbdd
            74fcb153f82e82ca06733abfa2f7627ad0e0e3ac441b3713c93e8ba38d07e340
            2fd34bfcc30b708cf311c4
            """)
        signature = bytes.fromhex("""
            bd6a195c471b7000b112dd29295874778d368671a86082b2a15881a6e5915f58
            260baf20091cbe0207c4a4ea32a76b5c4b69aee3b9f32a5aa8a2edd4f7605a00
            """)
        self.assertEqual(data, start + bytes(4064) + signature)
        self.assertEqual(sha256(data), "5c000ac3cb4b7623a52d75272d4d98012f781a84014ff084390a8bdb276513b8")
        self.assertEqual(config.decode_config(data, MASTER.akey).cache_id, span(0x50, 16))


class GoldenBlobs(unittest.TestCase):
    OBJECT = bytes.fromhex("""
        07003bb78502511363650e3733010ca6f369c6404bf1491c6abf7df4c0840fc6
        4735d87c85c3e85fd9a4723d11c87626a4d18fead2d68ae7fdcb09b54f1b8301
        534caf84fa94a58b7a8461bcb003c8185652303132333435363738393a3b3c3d
        3e3f404142434445464708b00778c154692ec1eb01dc9967e0f9645362ba7eda
        bac0cb4966dbb92b426cc8750c5faca136
        """)

    def test_object_ids(self):
        for blob_type, plaintext, expected in [
            (blobs.CHUNK, b"hello\n", "R" + HELLO),
            (blobs.FILE, bytes(8), "RB1A24C81E494830DDDD4F9C80764F56E9BD51C23656E663A8195B699B874C21E"),
            (blobs.LINK, b"/etc/passwd", "RF504C55E8732BCD4B108681FBD03FEBFC5EDE5B6FD55026DA963067F80D29EDF"),
            (blobs.DIRECTORY, bytes(16), "M18821FD826C988C34E375DD794D3F92884569619D47445E1B93B7F46067508CE"),
            (blobs.DIRECTORY, b"", "M180D6302BC8FE0B8EB66C4DE7FE3624A416EC54977FB07C566B47CDA3F361030"),
        ]:
            digest = golden_digest(blob_type, plaintext)
            self.assertEqual(blobs.object_id(blobs.catalog_of(blob_type), digest), expected)

    def test_blob(self):
        self.assertEqual(
            sha256(self.OBJECT), "607113b536d452bd9761bce22152ec16a7962c7e06bab2710a56a1f74bec9a97"
        )
        blob = blobs.decode_blob(self.OBJECT, MASTER)
        self.assertEqual((blob.type, blob.plaintext), (blobs.CHUNK, b"hello\n"))
        self.assertEqual((blob.frame_size, blob.padded_size), (21, 22))
        self.assertEqual(list(blob.writer_faults()), [])
        key = unseal(MASTER.wkey, MASTER.dkey, self.OBJECT[2:82])
        self.assertEqual(key, span(0x10, 32))
        piece, tag = StreamOpener(key, self.OBJECT[82:106]).open(self.OBJECT[106:])
        self.assertEqual((piece.hex(), tag), ("04224d184040c00600008068656c6c6f0a0000000000", 3))

    def test_blob_is_written_the_same(self):
        written = blobs.encode_blob(
            blobs.CHUNK,
            b"hello\n",
            MASTER,
            stream_key=span(0x10, 32),
            header=span(0x30, 24),
            ephemeral_secret=span(0x48, 32),
        )
        self.assertEqual(written, self.OBJECT)

    def test_damaged_blob_is_refused(self):
        digest = bytes.fromhex(HELLO)
        for data in [self.OBJECT[:size] for size in range(len(self.OBJECT))] + [self.OBJECT + b"\0"]:
            with self.assertRaises(FormatError):
                blobs.decode_blob(data, MASTER)
        for index in range(len(self.OBJECT)):
            damaged = self.OBJECT[:index] + bytes([self.OBJECT[index] ^ 1]) + self.OBJECT[index + 1 :]
            try:
                blob = blobs.decode_blob(damaged, MASTER)
            except FormatError:
                continue
            # The type is covered by the digest alone.
            self.assertEqual(index, 1)
            self.assertNotEqual(golden_digest(blob.type, blob.plaintext), digest)

    def test_padding(self):
        sizes = [11, 12, 19, 21, 100, 1000, 32768, 32769, 40000, 100000, 1000000, 8388700]
        padded = [12, 12, 20, 22, 104, 1024, 32768, 34816, 40960, 100352, 1015808, 8650752]
        self.assertEqual([padded_size(size) for size in sizes], padded)

    def test_both_ends_of_an_unpadded_stream_are_read(self):
        overhead = len(blobs.FRAME_START) + 4 + len(blobs.FRAME_END)
        plaintext = random.Random(1).randbytes(blobs.PIECE_SIZE - overhead)
        frame = blobs.compress(plaintext, 0)
        self.assertEqual(len(frame), blobs.PIECE_SIZE)
        for empty_end, sizes in ((False, [blobs.PIECE_SIZE]), (True, [blobs.PIECE_SIZE, 0])):
            data = blobs.encrypt_blob(blobs.CHUNK, frame, MASTER, empty_end=empty_end)
            blob = blobs.decode_blob(data, MASTER)
            self.assertEqual((blob.plaintext, blob.message_sizes), (plaintext, sizes))
            self.assertEqual(list(blob.writer_faults()), [])


class GoldenTree(unittest.TestCase):
    def test_directory(self):
        entry = tree.Entry(b"hello.txt", tree.KIND_FILE, bytes.fromhex(HELLO), 3, mode=0o644, size=6, **TIMES)
        level = tree.Level([entry], 6, 1)
        self.assertEqual(tree.encode_directory(level), DIRECTORY_BLOB)
        self.assertEqual(len(DIRECTORY_BLOB), 115)
        self.assertEqual(golden_digest(blobs.DIRECTORY, DIRECTORY_BLOB), DIRECTORY_DIGEST)
        blob = blobs.Blob(blobs.DIRECTORY, DIRECTORY_BLOB, 0, 0, 0, b"", [])
        self.assertEqual(tree.decode_directory(blob), level)

    def test_snapshot(self):
        data = tree.encode_snapshot(golden_snapshot())
        self.assertEqual(len(data), 660)
        self.assertEqual(sha256(data), "9788d2c74787b054247f5918107243031b5daaa77a888c616e44379121c000cc")
        digest = golden_digest(blobs.SNAPSHOT, data)
        self.assertEqual(
            hexadecimal(digest), "0B9C621B7B02AFC1C162526648CC8DCCD6E1314D8B04D400C6D7BD90CA432825"
        )
        blob = blobs.Blob(blobs.SNAPSHOT, data, 0, 0, 0, b"", [])
        self.assertEqual(tree.decode_snapshot(blob), golden_snapshot())

    def test_legacy_layouts_round_trip(self):
        for blob_type in (blobs.SNAPSHOT4, blobs.SNAPSHOT5):
            data = tree.encode_snapshot(golden_snapshot(), blob_type)
            self.assertEqual(len(data), 660 - 8 + 2 * (blob_type == blobs.SNAPSHOT4))
            decoded = tree.decode_snapshot(blobs.Blob(blob_type, data, 0, 0, 0, b"", []))
            self.assertEqual(decoded.level, golden_snapshot().level)
            self.assertEqual((decoded.stored, decoded.added), (400, 0))

    def test_access_control_lists(self):
        binary = bytes.fromhex(
            "02000000 01000700ffffffff 02000500d2040000 04000000ffffffff 10000500ffffffff 20000400ffffffff"
        )
        text = b"user::rwx\nuser:1234:r-x\ngroup::---\nmask::r-x\nother::r--"
        self.assertEqual(tree.acl_text(binary), text)
        self.assertEqual(tree.acl_binary(text), binary)
        self.assertEqual(tree.acl_binary(b"# note\n\n u: :rwx \nu:1234:r-x\ng::---\nm::r-x\no::r--"), binary)

    def test_extended_attributes_round_trip(self):
        records = [(b"user.a", b""), (b"user.b", b"with\0nul"), (b"rk.acl1", b"user::rwx")]
        data = tree.encode_extended(records)
        self.assertEqual(tree.decode_extended(data), records)
        for size in range(1, len(data)):
            try:
                self.assertLess(len(tree.decode_extended(data[:size])), 3)
            except FormatError:
                pass


class GoldenTags(unittest.TestCase):
    PREFIX = "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"
    FRAGMENT = (
        "tags/P/" + PREFIX + "_00_"
        "Ff3HU6pPrEaXNtJ06lDNnl86umV1u3uwogcRsjRPREYS09ZdwRLcdpEucv3xHXeKqcv058_8Fn6Yjg"
    )
    MAIN = (
        "tags/M/A0A1A2A3A4A5A6A7A8A9AAABACADAEAF/"
        "Z13VdO13iTELPS52gfN5C0ZsdzsVIf7PNld5WDcepS8c7ZuWELDHgR4Zd6tUN_X89ALPb9PXkDf5UW9geV_Ripv-kqA1DbYxo1Qb"
        "T008o9ZPxAXAORNKdZqBsBRR7afKPRICqptofiTVYfQLabEmCvkxIIu8dxVmmHqH6UTwJxrraAqX4QZ-0Z-QnIQP7rVaRZdwQQ62"
        "67QI5xA4Iz2_FznZ5xur-WcBiv5rmO6U5PoQdX71ojWjkcCRDg"
    )
    PAYLOAD = tags.Payload(1757468311000, 2407000000, 1255000000, 1107000000, b"webserver")

    def author(self):
        return keys.parse_key(keys.encode_pem(keys.derive_raw(MASTER, keys.WRITE_ONLY, KID, SKEY)))

    def test_key_of_the_fragments(self):
        fkey = "ecbc7e32ddd31efa2c48361ecbf8c14c65c77502f24d18536f838c17c0968906"
        self.assertEqual(argon2id(span(0xD0, 24), span(0xC0, 16)).hex(), fkey)

    def test_names(self):
        main, fragments = tags.encode_tag(
            span(0, 32), self.PAYLOAD.encode(), self.author(), span(0xC0, 16), span(0xD0, 24), span(0x60, 32)
        )
        self.assertEqual((main, fragments), (self.MAIN, [self.FRAGMENT]))
        self.assertEqual(len(main.rsplit("/", 1)[1]), 250)

    def test_listing(self):
        badge = self.author().badge
        found, problems = tags.list_tags([self.MAIN, self.FRAGMENT], MASTER, lambda kid: badge)
        self.assertEqual(problems, [])
        self.assertEqual(len(found), 1)
        self.assertEqual((found[0].digest, found[0].payload), (span(0, 32), self.PAYLOAD))
        self.assertEqual((found[0].kid, found[0].author), (KID, tags.SIGNED))

    def test_unknown_author_is_shown_and_a_wrong_signature_is_not(self):
        names = [self.MAIN, self.FRAGMENT]
        found, _ = tags.list_tags(names, MASTER, lambda kid: None)
        self.assertEqual(found[0].author, tags.UNKNOWN)
        forged = [name.replace(hexadecimal(KID), "0" * 32) for name in names]
        found, problems = tags.list_tags(forged, MASTER, lambda kid: None)
        self.assertEqual((found, len(problems)), ([], 2))

    def test_long_channels_and_planted_fragments(self):
        payload = tags.Payload(1, 2, 3, 4, b"x" * 256).encode()
        main, fragments = tags.encode_tag(span(0, 32), payload, MASTER, prefix=span(0xC0, 16))
        self.assertEqual(len(fragments), 2)
        self.assertEqual(max(len(name.rsplit("/", 1)[1]) for name in fragments), 255)
        planted = tags.fragment_name(span(0xC0, 16), 0, bytes(32), b"lies")
        found, problems = tags.list_tags([planted, main, *fragments], MASTER, lambda kid: None)
        self.assertEqual(found[0].payload.channel, b"x" * 256)
        self.assertEqual(problems, [f"{planted}: fragment without a tag"])
        self.assertEqual(tags.list_tags([main, fragments[1]], MASTER, lambda kid: None)[0], [])


class GoldenCutPoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        blocks = 32 * 1024 * 1024 // 64
        cls.data = b"".join(hashlib.blake2b(j.to_bytes(8, "little")).digest() for j in range(blocks))

    def test_data(self):
        self.assertEqual(
            sha256(self.data), "e24eb74bb832c95b4c09e4770acf33ca6aba814297409ad4ea638028a77d2b6f"
        )

    def test_gear_table(self):
        table = b"".join(value.to_bytes(4, "little") for value in chunking.GEAR)
        self.assertEqual(sha256(table), "d499f6cdb238b999913ce6bc226452991b403b71cb0b144ca82ecf6e2ce2032a")

    def test_rekkord(self):
        ends = [
            2763084, 3943278, 5458024, 9459444, 10627908, 12123411, 15244715, 16342319, 18293406, 20464736, 21522419,
            24521197, 26075886, 27392505, 29310599, 31814508, 33554432,
        ]  # fmt: skip
        self.assertEqual(chunking.rekkord_ends(self.data, MASTER.splitter_seed()), ends)

    def test_rekkord_with_zero_seed(self):
        ends = [
            1610633, 5101814, 6175144, 8230763, 10080305, 11572921, 13143134, 14940071, 19586529, 21721015, 22832471,
            23883083, 26111934, 27314526, 28671332, 31304744, 32676827, 33554432,
        ]  # fmt: skip
        self.assertEqual(chunking.rekkord_ends(self.data, bytes(8)), ends)

    def test_rekkord_edges(self):
        seed = MASTER.splitter_seed()
        zeros = [8388608, 16777216, 20971520]
        self.assertEqual(chunking.rekkord_ends(bytes(20 << 20), seed), zeros)
        for size in (1048576, 1048577):
            self.assertEqual(chunking.rekkord_ends(self.data[:size], seed), [size])

    def test_stable(self):
        key = MASTER.splitter_key()
        self.assertEqual(key.hex(), "8e5aceafd371897be09c1e76bda8215dd98a44770b0626190b80651b579553f4")
        table = chunking.stable_table(key)
        self.assertEqual(
            [f"{table[index]:016x}" for index in (0, 1, 255)],
            ["10f6144a8c6efc72", "cc57f141110ee13d", "86055c5d90a83737"],
        )
        stream = b"".join(value.to_bytes(8, "little") for value in table)
        self.assertEqual(sha256(stream), "5a03a638272af156c487f603ff0c7ea12fa3a3df36dbd9ea47761bc292573e2b")
        ends = [
            3042566, 4541217, 6805945, 9135878, 11242260, 13380717, 16206710, 19218939, 21637203, 23791825, 25053373,
            27203426, 28259215, 31927060, 33554432,
        ]  # fmt: skip
        self.assertEqual(chunking.stable_ends(self.data, key), ends)
        self.assertEqual(chunking.stable_ends(bytes(20 << 20), key), [8388608, 16777216, 20971520])


class ForeignRepository(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        with tarfile.open(os.path.join(FIXTURE, "repository.tar")) as archive:
            archive.extractall(cls.folder.name, filter="fully_trusted")

    def open(self, key):
        path = os.path.join(self.folder.name, f"{key}.key")
        return Repository(os.path.join(self.folder.name, "repo"), keys.load_key(path))

    def test_it_is_sound(self):
        verification = Verification(self.open("master"))
        verification.run()
        self.assertEqual((verification.problems, verification.orphans), ([], []))
        self.assertEqual(verification.counts["snapshots"], 3)

    def test_it_shows_what_is_expected(self):
        with open(os.path.join(FIXTURE, "expected.json"), encoding="utf-8") as file:
            expected = json.load(file)
        for key in ("master", "ReadWrite"):
            self.assertEqual(_meaningful(dump.dump_repository(self.open(key))), _meaningful(expected))

    def test_a_log_only_key_lists_tags(self):
        found, problems = self.open("LogOnly").tags()
        self.assertEqual((len(found), problems), (3, []))

    def test_other_keys_cannot_read(self):
        for key in ("WriteOnly", "LogOnly"):
            with self.assertRaises(FormatError):
                self.open(key).needs_reading_key()


def _meaningful(snapshots):
    """Folders that only lead to a saved path have neither times nor owners of their own."""
    implied = {0: {"srv"}, 1: {"srv"}, 2: {"srv", "srv/fixture"}}
    for index, snapshot in enumerate(snapshots):
        for entry in snapshot["entries"]:
            if entry["path"] in implied[index]:
                for key in ("mode", "mtime_ms", "uid", "gid"):
                    entry[key] = None
    return snapshots


class WrittenRepository(unittest.TestCase):
    """What the writer makes, the reader reads; and what was tampered with is found."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.writer = RepositoryWriter(os.path.join(self.folder, "repo")).create()
        w = self.writer
        self.file = w.file_entry(b"file", random.Random(7).randbytes(3_000_000), ends=[1_000_000, 3_000_000])
        entries = [
            w.folder_entry(
                b"sub", [w.file_entry(b"\xff\xfe", b"odd name", mtime=-1), w.file_entry(b"empty", b"")]
            ),
            self.file,
            w.link_entry(b"link", b"/nowhere"),
        ]
        self.oid = w.save(
            b"web:x/y", [w.folder_entry(b"srv/data", entries)], author=w.derive(keys.READ_WRITE)
        )

    def verify(self):
        verification = Verification(Repository(self.writer.root, self.writer.master))
        verification.run()
        return verification.problems

    def test_sound(self):
        self.assertEqual(self.verify(), [])

    def test_extract_and_compare(self):
        repository = Repository(self.writer.root, self.writer.master)
        target = os.path.join(self.folder, "out")
        extraction = extract.Extraction(repository, owner=False, attributes=False)
        digest = repository.resolve("web:x/y")
        extraction.run(digest, target)
        self.assertEqual(extraction.problems, [])
        comparison = compare.Comparison(repository, compare.Options())
        comparison.run(digest, target)
        self.assertEqual(comparison.differences, [])
        self.assertEqual(comparison.counts["bytes"], 3_000_008)

        changed = os.path.join(target, "srv/data/file")
        with open(changed, "r+b") as file:
            file.seek(2_000_000)
            file.write(b"##")
        os.utime(changed, ns=(0, self.file.mtime * 1_000_000))
        os.chmod(os.path.join(target, "srv/data/sub"), 0o700)
        os.unlink(os.path.join(target, "srv/data/link"))
        os.mkfifo(os.path.join(target, "srv/data/new"))
        comparison = compare.Comparison(repository, compare.Options())
        comparison.run_root(digest, b"srv/data", os.path.join(target, "srv/data"))
        self.assertEqual(len(comparison.differences), 5, comparison.differences)

    def test_damage_is_found(self):
        chunk_table = blobs.object_id("R", self.file.hash)
        repository = Repository(self.writer.root, self.writer.master)
        chunks, _ = repository.file_chunks(self.file.hash)
        first, second = (blobs.object_id("R", chunk.digest) for chunk in chunks)
        for damage in (
            lambda w: w.flip(first, -1),
            lambda w: w.truncate(second, 500),
            lambda w: w.remove(chunk_table),
            lambda w: w.replace(first, second),
            lambda w: w.put("blobs/R/00/stray", b""),
            lambda w: open(os.path.join(w.root, "tmp/left"), "wb").close(),
            lambda w: w.blob(blobs.CHUNK, b"lie", digest=chunks[0].digest),
            lambda w: w.blob(blobs.CHUNK, b"hello", frame=blobs.compress(b"hello", 0) + b"\0" * 4000),
        ):
            with self.subTest():
                self.setUp()
                damage(self.writer)
                self.assertEqual(len(self.verify()), 1, self.verify())

    def test_nested_roots_replace_what_is_stored(self):
        w = self.writer
        inner = w.folder_entry(b"a/b", [w.file_entry(b"new", b"2")])
        outer = w.folder_entry(
            b"a", [w.folder_entry(b"b", [w.file_entry(b"old", b"1")]), w.file_entry(b"c", b"3")]
        )
        w.save(b"nested", [outer, inner])
        repository = Repository(w.root, w.master)
        listed = dump.dump_entries(repository, repository.resolve("nested"))
        self.assertEqual([entry["path"] for entry in listed], ["a", "a/b", "a/b/new", "a/c"])


if __name__ == "__main__":
    live.allow_deep_trees()
    unittest.main()
