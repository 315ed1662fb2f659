"""Walks docs/repair.md on a bucket with locks: bad objects that nobody may delete are hidden, and come back good."""

import datetime
import json

from fixture import RETENTION, SMALL_TREE, S3Case
from rekkord_oracle import blobs
from store import S3Error


class RepairTests(S3Case):
    prefix = "machines/"
    retention = RETENTION

    def setUp(self):
        super().setUp()
        self.initialize()
        self.make_tree()
        salt = self.reader().keys.blob_hash_salt()
        digest = blobs.blob_digest(salt, blobs.CHUNK, SMALL_TREE["notes.txt"])
        self.victim = blobs.object_name("R", digest)
        self.key_of_victim = self.prefix + self.victim

    def scan(self, status=0):
        result = self.run_as("scan", "scan", "--format", "JSON", row="scan-locks", status=status)
        return json.loads(result.stdout)

    def versions(self):
        return self.bucket.versions[self.key_of_victim]

    def test_planted_garbage_is_hidden_and_the_content_saved_again(self):
        until = self.bucket.now() + datetime.timedelta(days=100)
        garbage = self.bucket.put(self.key_of_victim, b"garbage", mode="COMPLIANCE", until=until)
        self.save_tree()
        (problem,) = self.scan(status=20)["problems"]
        self.assertEqual((problem["what"], problem["key"]), ("decrypt", self.victim))
        self.assertTrue(problem["path"].endswith("tree/notes.txt"))

        # Hidden by a delete marker, which no lock forbids.
        self.bucket.delete(self.key_of_victim)
        self.assertEqual([each["what"] for each in self.scan(status=20)["problems"]], ["missing"])
        # Machines believe that it is stored, until they are told to forget.
        self.save_tree()
        self.scan(status=20)
        self.run_as("owner", "change_cid")
        self.save_tree()
        report = self.scan()
        self.assertEqual((report["problems"], report["snapshots"]), ([], 3))
        self.assertEqual([version.body for version in self.versions()][:2], [b"garbage", None])
        self.assertEqual((garbage.mode, garbage.until), ("COMPLIANCE", until))
        self.assertEqual(self.verification().problems, [])

    def test_a_version_laid_over_a_good_one_is_taken_away_again(self):
        self.save_tree()
        self.scan()
        (good,) = self.versions()
        lock = good.until
        bad = self.bucket.put(self.key_of_victim, b"garbage")
        (problem,) = self.scan(status=20)["problems"]
        self.assertEqual((problem["what"], problem["key"]), ("decrypt", self.victim))
        self.assertEqual((good.until, bad.until), (lock, None))
        self.bucket.delete(self.key_of_victim, bad.id)
        self.assertEqual(self.scan()["problems"], [])

    def test_a_locked_version_laid_over_a_good_one_is_covered_by_the_good_one(self):
        self.save_tree()
        (good,) = self.versions()
        until = self.bucket.now() + datetime.timedelta(days=100)
        bad = self.bucket.put(self.key_of_victim, b"garbage", mode="GOVERNANCE", until=until)
        self.scan(status=20)
        with self.assertRaises(S3Error):
            self.bucket.delete(self.key_of_victim, bad.id)
        copy = self.bucket.put(self.key_of_victim, good.body)
        self.assertEqual(self.scan()["problems"], [])
        self.assertTrue(copy.is_locked(self.bucket.now()))
        self.assertEqual(self.verification().problems, [])

    def test_a_snapshot_that_does_not_come_back_is_hidden_by_its_tag(self):
        self.save_tree()
        _, kept = self.save_tree()
        self.scan()
        old = self.snapshots()[0]
        catalog, digest = blobs.parse_object_id(old["object"])
        self.bucket.delete(self.prefix + blobs.object_name(catalog, digest))
        self.assertEqual([each["what"] for each in self.scan(status=20)["problems"]], ["missing"])
        self.bucket.delete(self.prefix + old["tag"])
        report = self.scan()
        self.assertEqual(report["snapshots"], 1)
        self.assertEqual([each["object"] for each in self.snapshots()], [kept["object"]])
