"""Exactly the requests of the table, for every command and every state of the cache."""

import datetime
import json
import pathlib
import shutil
import subprocess

from fixture import BUCKET, RETENTION, S3Case, shipped_policy
from gate import TABLE
from rekkord_oracle import blobs

OPEN = "GET rekkord"


class RequestCase(S3Case):
    def setUp(self):
        super().setUp()
        self.make_tree()

    def put(self, name):
        return f"PUT {name} conditional" + (" locked" if self.retention and name != "cw" else "")

    def saved(self, role="save", row=None, **options):
        """Saves; returns the finished process, its report, and the names that are new."""
        before = set(self.names())
        result, report = self.save_tree(role, row=row, **options)
        return result, report, set(self.names()) - before

    def badge(self):
        return f"keys/{self.reader('WriteOnly').keys.kid.hex().upper()}"

    def cache_files(self):
        return [path for path in pathlib.Path(self.path("cache")).rglob("*") if path.is_file()]

    def assert_saves_as_without_cache(self):
        result, report, new = self.saved()
        blobs = self.needed(report["object"])
        wanted = blobs["M"] | blobs["R"] | new | {self.badge()}
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, wanted))
        self.assert_sound()
        return result

    def get(self, names):
        return [f"GET {name}" for name in names]

    def empty_file(self):
        """The name of the blob of the empty file, which nobody has to ask for."""
        digest = blobs.blob_digest(self.reader().keys.blob_hash_salt(), blobs.FILE, bytes(8))
        return blobs.object_name("R", digest)

    def mount_and_compare(self, identifier, row, below="", options=()):
        self.gate.command, self.role = row, "read"
        self.gate.requests, self.gate.refused = [], []
        with self.mounted(*([identifier] if identifier else []), options=options) as mount:
            seen = mount.path(below, self.tree.removeprefix("/"))
            compared = subprocess.run(["diff", "-r", self.tree, seen], capture_output=True)
            self.assertEqual((compared.returncode, compared.stdout + compared.stderr), (0, b""), mount.log())
        self.assertEqual(self.gate.refused, [])
        compared.requests = self.gate.requests
        return compared


class RequestTests(RequestCase):
    """A bucket that keeps what is there; the table's rows, one by one."""

    # init, derive, identify, change_cid, reset_cache

    def test_init(self):
        result = self.run_as("owner", "init")
        root = "PUT rekkord conditional" + (" locked" if self.retention else "")
        self.assert_requests(result, OPEN, "LIST ", [self.put("cw")] * 2, root)
        self.assertEqual(result.requests[-1], root)

    def test_init_asks_once_where_a_repository_is(self):
        self.initialize()
        result = self.run_as("owner", "init", status=1)
        self.assert_requests(result, OPEN)
        self.assertIn(b"already initialised", result.stderr)

    def test_init_writes_nothing_beside_other_content(self):
        self.bucket.put(self.prefix + "foreign", b"1")
        self.assert_requests(self.run_as("owner", "init", status=1), OPEN, "LIST ")

    def test_derive_and_identify(self):
        self.initialize()
        output = self.path("new.key")
        derive = ("derive", "-f", "-t", "WriteOnly", "-O", output)
        self.assert_requests(self.run_as("owner", *derive), OPEN)
        self.assert_requests(self.run_as("owner", *derive, "--offline", row="offline"))
        self.assert_requests(self.run_as("save", "identify"), OPEN)
        self.assert_requests(self.run_as("save", "identify", "--offline", row="offline"))

    def test_change_cid(self):
        self.initialize()
        result = self.run_as("owner", "change_cid")
        self.assert_requests(result, OPEN, "PUT rekkord" + (" locked" if self.retention else ""))

    def test_reset_cache(self):
        self.initialize()
        self.saved()
        self.assert_requests(self.run_as("save", "reset_cache"), OPEN)
        self.assert_requests(self.run_as("save", "reset_cache", "--all"), OPEN)
        result = self.run_as("scan", "reset_cache", "--list", row="reset_cache-list")
        self.assert_requests(result, OPEN, "LIST blobs/")

    # save

    def test_first_save(self):
        self.initialize()
        result, report, new = self.saved()
        blobs = self.needed(report["object"])
        self.assertEqual({name for name in new if name.startswith("blobs/")}, blobs["M"] | blobs["R"])
        # Files: two of one chunk each, one empty, one of a byte; folders: the tree and two below; the snapshot.
        self.assertEqual((len(blobs["R"]), len(blobs["M"])), (4, 4))
        self.assertEqual(len([name for name in new if name.startswith("tags/")]), 2)
        self.assertIn(self.badge(), new)
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, new))
        # A snapshot appears with the last request.
        self.assertRegex(result.requests[-1], r"PUT tags/M/")

    def test_save_that_finds_nothing_new(self):
        self.initialize()
        self.saved()
        result, report, new = self.saved()
        snapshot = {name for name in new if name.startswith("blobs/")}
        self.assertEqual(snapshot, {f"blobs/M/{report['object'][1:3]}/{report['object'][1:]}"})
        self.assert_requests(result, OPEN, self.put("cw"), self.put(self.badge()), map(self.put, new))

    def test_save_of_a_changed_file(self):
        self.initialize()
        self.saved()
        pathlib.Path(self.tree, "sub/more.bin").write_bytes(b"changed")
        result, _, new = self.saved()
        # The file, its folder, the tree and the snapshot.
        self.assertEqual(len([name for name in new if name.startswith("blobs/")]), 4)
        self.assert_requests(result, OPEN, self.put("cw"), self.put(self.badge()), map(self.put, new))

    def test_save_after_the_cache_was_deleted(self):
        self.initialize()
        self.saved()
        shutil.rmtree(self.path("cache"))
        self.assert_saves_as_without_cache()

    def test_save_after_change_cid(self):
        self.initialize()
        self.saved()
        self.run_as("owner", "change_cid")
        self.assert_saves_as_without_cache()

    def test_save_after_reset_cache(self):
        self.initialize()
        self.saved()
        self.run_as("save", "reset_cache")
        self.assert_saves_as_without_cache()

    def test_save_with_a_damaged_cache(self):
        self.initialize()
        self.saved()
        for path in self.cache_files():
            path.write_bytes(b"this is no database\n" * 1000)
        self.assert_saves_as_without_cache()

    def test_save_without_a_usable_cache(self):
        self.initialize()
        pathlib.Path(self.path("cache")).write_bytes(b"a file")
        result = self.assert_saves_as_without_cache()
        self.assertEqual(result.stderr.count(b"warning"), 1, result.stderr)

    def test_save_with_the_cache_of_a_fuller_repository(self):
        """A cache that claims too much is believed: a save looks at no object but `rekkord`."""
        self.initialize()
        self.saved()
        for name in self.names("blobs/"):
            self.bucket.delete(self.prefix + name)
        result, _, new = self.saved()
        self.assertEqual(len([name for name in new if name.startswith("blobs/")]), 1)
        self.assert_requests(result, OPEN, self.put("cw"), self.put(self.badge()), map(self.put, new))

    def test_save_with_the_cache_of_another_place(self):
        self.initialize()
        self.saved()
        # The same keys, another repository: the first one's cache is never looked at.
        for name in self.names():
            del self.bucket.versions[self.prefix + name]
        self.initialize()
        self.assert_saves_as_without_cache()

    def test_save_with_the_master_key_writes_no_badge(self):
        self.initialize()
        self.use_role_policies(owner={"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
        result, _, new = self.saved("owner")
        self.assertEqual([name for name in new if name.startswith("keys/")], [])
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, new))

    def test_save_of_one_object(self):
        self.initialize()
        result = self.run_as("save", "save", "--no-snapshot", self.tree, row="save-object")
        names = self.names("blobs/")
        self.assertEqual(len(names), 7)
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, names))
        self.assertEqual(self.names("tags/") + self.names("keys/"), [])

    def test_save_from_a_file_opens_the_repository_once(self):
        self.initialize()
        source = self.path("channels.ini")
        pathlib.Path(source).write_text("".join(f"[{name}]\nSourcePath = {self.tree}\n" for name in ("one", "two")))
        before = set(self.names())
        result = self.run_as("save", "save", "--from", source)
        new = set(self.names()) - before
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, new), self.put(self.badge()))

    def test_save_that_only_tries(self):
        self.initialize()
        for _ in range(2):
            result = self.run_as("save", "save", "--dry-run", "web", self.tree, row="save-dry-run")
            self.assert_requests(result, OPEN)
            self.saved()

    def test_save_with_unknown_credentials_ends_with_the_first_request(self):
        self.initialize()
        before = self.names()
        del self.service.users["SAVE"]
        result = self.run_as("save", "save", "web", self.tree, status=1)
        self.assert_requests(result, OPEN)
        self.assertEqual(self.names(), before)

    # Reading

    def test_snapshots_and_channels(self):
        self.initialize()
        for _ in range(2):
            for command in ("snapshots", "channels"):
                self.assert_requests(self.run_as("read", command), OPEN, "LIST tags/")
            self.saved()

    def test_listings_go_on_page_by_page(self):
        self.initialize()
        for _ in range(3):
            self.saved()
        self.service.page_size = 2
        # Two objects for each tag, so three pages.
        self.assert_requests(self.run_as("read", "snapshots"), OPEN, ["LIST tags/"] * 3)
        self.assertEqual(len(self.snapshots()), 3)

    def test_list(self):
        self.initialize()
        _, report, _ = self.saved()
        folders = self.needed(report["object"])["M"]
        snapshot = f"blobs/M/{report['object'][1:3]}/{report['object'][1:]}"
        for identifier, row, listing in (("web", "list", ["LIST tags/"]), (report["object"], "list-oid", [])):
            for recursion, names in (([], [snapshot]), (["-r"], folders)):
                with self.subTest(identifier, recursion=recursion):
                    shutil.rmtree(self.path("cache"), ignore_errors=True)
                    result = self.run_as("read", "list", *recursion, identifier, row=row)
                    self.assert_requests(result, OPEN, listing, self.get(names))

    def test_mount_of_a_snapshot(self):
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        blobs["R"].remove(self.empty_file())
        for identifier, row, listing in (("web", "mount", ["LIST tags/"]), (report["object"], "mount-oid", [])):
            with self.subTest(identifier):
                shutil.rmtree(self.path("cache"), ignore_errors=True)
                result = self.mount_and_compare(identifier, row)
                # The snapshot is read to find the root, and may be read once more to show it; all else is asked for once.
                snapshot = f"GET blobs/M/{report['object'][1:3]}/{report['object'][1:]}"
                if result.requests.count(snapshot) == 2:
                    result.requests.remove(snapshot)
                self.assert_requests(result, OPEN, listing, self.get(blobs["M"] | blobs["R"]))

    def test_mount_of_the_whole_repository(self):
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        blobs["R"].remove(self.empty_file())
        result = self.mount_and_compare(None, "mount", below="channels/web/latest", options=["--refresh", "never"])
        self.assert_requests(result, OPEN, "LIST tags/", self.get(blobs["M"] | blobs["R"]))

    def test_restore(self):
        """Every blob once, and nothing for what need not be fetched: dry runs read folders only."""
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        blobs["R"].remove(self.empty_file())
        for identifier, row, listing in (("web", "restore", ["LIST tags/"]), (report["object"], "restore-oid", [])):
            for number, (options, names) in enumerate((
                ((), blobs["M"] | blobs["R"]),
                (("--dry-run",), blobs["M"]),
                (("--dry-run", "--verify"), blobs["M"] | blobs["R"]),
            )):
                with self.subTest(identifier, options=options):
                    shutil.rmtree(self.path("cache"), ignore_errors=True)
                    target = self.path(f"target-{row}-{number}")
                    result = self.run_as("read", "restore", *options, identifier, target, row=row)
                    self.assert_requests(result, OPEN, listing, self.get(names))
            compared = subprocess.run(["diff", "-r", self.tree, self.path(f"target-{row}-0") + self.tree])
            self.assertEqual(compared.returncode, 0)

    def test_restore_with_a_warm_cache_asks_for_files_alone(self):
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        blobs["R"].remove(self.empty_file())
        self.run_as("read", "list", "-r", "web")
        result = self.run_as("read", "restore", "--verify", "web", self.path("target"))
        self.assert_requests(result, OPEN, "LIST tags/", self.get(blobs["R"]))

    def test_readers_with_a_warm_or_a_wrong_cache(self):
        """Folders are kept on this disk; a cache that was damaged is as good as none."""
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        blobs["R"].remove(self.empty_file())
        listing = [OPEN, "LIST tags/"]
        self.assert_requests(self.run_as("read", "list", "-r", "web"), listing, self.get(blobs["M"]))
        self.assert_requests(self.run_as("read", "list", "-r", "web"), listing)
        self.assert_requests(self.mount_and_compare("web", "mount"), listing, self.get(blobs["R"]))
        for path in self.cache_files():
            path.write_bytes(b"this is nothing\n" * 100)
        self.assert_requests(self.run_as("read", "list", "-r", "web"), listing, self.get(blobs["M"]))


    # scan

    def scan(self, status=0):
        return self.run_as("scan", "scan", row="scan-locks" if self.retention else "scan", status=status)

    def extensions(self, names):
        return [f"PUT {name}?retention" for name in names] if self.retention else []

    def test_scan_of_nothing(self):
        self.initialize()
        self.assert_requests(self.scan(), OPEN, "LIST tags/", "LIST blobs/")

    def test_scan(self):
        """Answers tell the locks of what is read; those of tags, which are not read, are unknown at first."""
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        listings = [OPEN, "LIST tags/", "LIST blobs/", f"GET {self.badge()}"]
        read = self.get(blobs["M"] | blobs["R"])
        self.assert_requests(self.scan(), listings, read, self.extensions(self.names("tags/")))
        # What tells of other blobs is read each time.
        again = self.get(blobs["M"] | {self.empty_file()})
        self.assert_requests(self.scan(), listings, again)
        self.run_as("scan", "reset_cache", "--all", row="reset_cache")
        self.assert_requests(self.scan(), listings, read, self.extensions(self.names("tags/")))

    def test_scan_reads_from_the_storage_whatever_is_cached(self):
        self.initialize()
        _, report, _ = self.saved()
        self.run_as("read", "list", "-r", "web")
        self.assertLessEqual(set(self.get(self.needed(report["object"])["M"])), set(self.scan().requests))


class LockedRequestTests(RequestTests):
    """With locks: the same requests, and the lock on everything but `cw`; without, above, on nothing."""

    retention = RETENTION

    def test_every_object_but_the_probe_is_locked_for_30_days(self):
        self.initialize()
        self.saved()
        now = self.bucket.now()
        for name in self.names():
            version = self.current(name)
            if name == "cw":
                self.assertIsNone(version.mode)
            else:
                self.assertEqual(version.mode, "GOVERNANCE")
                self.assertAlmostEqual((version.until - now).total_seconds(), 30 * 86400, delta=120)

    def test_scan_extends_what_snapshots_need(self):
        self.initialize()
        _, report, _ = self.saved()
        blobs = self.needed(report["object"])
        orphan = pathlib.Path(self.path("orphan"))
        orphan.write_text("of no snapshot")
        self.run_as("save", "save", "--no-snapshot", str(orphan), row="save-object")
        needed = blobs["M"] | blobs["R"] | set(self.names("tags/")) | {"rekkord", self.badge()}
        lost = [name for name in self.names("blobs/") if name not in needed]
        self.assertEqual(len(lost), 1)
        before = {name: self.current(name).until for name in self.names()}
        self.at_day(10)
        result = self.scan()
        self.assertEqual(
            sorted(request for request in result.requests if request.startswith("PUT")), sorted(self.extensions(needed))
        )
        for name in self.names():
            gained = round((self.current(name).until - before[name]).total_seconds() / 86400, 2) if before[name] else None
            self.assertEqual(gained, None if name == "cw" else 0 if name in lost else 10, name)
        # Less than a tenth has passed since.
        self.at_day(12)
        self.assertEqual([request for request in self.scan().requests if request.startswith("PUT")], [])

    def test_scan_without_the_right_to_see_locks_extends_all(self):
        self.initialize()
        self.saved()
        policy = shipped_policy("scan")
        policy["Statement"] = [row for row in policy["Statement"] if row["Sid"] != "ShowLocks"]
        self.use_role_policies(scan=policy)
        needed = [name for name in self.names() if name != "cw"]
        extended = [request for request in self.scan().requests if request.startswith("PUT")]
        self.assertEqual(sorted(extended), sorted(self.extensions(needed)))

    def test_scan_looks_at_a_lock_that_is_longer_already(self):
        self.initialize()
        self.saved()
        tag = self.names("tags/M/")[0]
        version = self.current(tag)
        longer = version.until + datetime.timedelta(days=50)
        self.bucket.retain(version.key, version.id, "GOVERNANCE", longer)
        result = self.scan()
        self.assertEqual(result.requests.count(f"PUT {tag}?retention"), 1)
        self.assertEqual(result.requests.count(f"GET {tag}"), 1)
        self.assertEqual(version.until, longer)
        self.assertEqual([request for request in self.scan().requests if request.startswith("PUT")], [])

    def test_scan_keeps_objects_in_compliance_there(self):
        self.initialize()
        self.write_ini("save", more=self.retention.replace("GOVERNANCE", "COMPLIANCE"))
        self.saved()
        self.at_day(10)
        self.scan()
        for name in self.names("blobs/"):
            version = self.current(name)
            self.assertEqual(version.mode, "COMPLIANCE")
            self.assertGreater(version.until - self.bucket.now(), datetime.timedelta(days=29))

    def test_each_kind_of_checksum_is_accepted(self):
        self.initialize()
        for kind in ("None", "CRC32", "CRC32C", "CRC64nvme", "SHA1", "SHA256"):
            self.write_ini("save", more=self.retention + f"ChecksumType = {kind}\n")
            self.write_ini("scan", more=self.retention + f"ChecksumType = {kind}\n")
            self.saved()
            self.scan()
            shutil.rmtree(self.path("cache"))
        self.assert_sound()

    def test_a_bucket_that_locks_by_itself(self):
        """Its rule demands a checksum even of what we do not lock."""
        self.bucket.default_retention = ("GOVERNANCE", datetime.timedelta(days=1))
        self.initialize()
        self.saved()
        self.assertEqual(self.current("cw").mode, "GOVERNANCE")


class PrefixedRequestTests(RequestCase):
    """Below a prefix that has to be encoded."""

    prefix = "machines/ü +%41&x=1/"
    retention = RETENTION

    def test_the_same_requests(self):
        root = "PUT rekkord conditional locked"
        self.assert_requests(self.run_as("owner", "init"), OPEN, "LIST ", [self.put("cw")] * 2, root)
        result, report, new = self.saved()
        self.assert_requests(result, OPEN, self.put("cw"), map(self.put, new))
        self.assert_requests(self.run_as("read", "snapshots"), OPEN, "LIST tags/")
        folders = self.needed(report["object"])["M"]
        self.assert_requests(self.run_as("read", "list", "-r", "web"), OPEN, "LIST tags/", self.get(folders))
        self.mount_and_compare("web", "mount")
        self.assert_requests(self.run_as("owner", "change_cid"), OPEN, "PUT rekkord locked")
        self.assert_sound()


class CoverageTests(S3Case):
    def test_each_command_is_in_the_table(self):
        dump = json.loads(self.run_program("--experimental-dump-help").stdout)
        commands = {command["commandName"] for command in dump["command"]["subcommands"]} - {"help"}
        self.assertEqual(commands, {row.split("-")[0] for row in TABLE} - {"offline", "open"})


class UnconditionalRequestTests(S3Case):
    """Stores that do not keep what is there: a save lists what is stored, unless its cache knows all."""

    def setUp(self):
        super().setUp()
        self.make_tree()

        # As the table of rights says for such stores.
        policy = shipped_policy("save")
        policy["Statement"] = [row for row in policy["Statement"] if row["Sid"] != "CreateOnlyNeverReplace"]
        policy["Statement"].append(
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{BUCKET}",
                "Condition": {"StringLike": {"s3:prefix": "blobs/*"}},
            }
        )
        self.use_role_policies(save=policy)

    def check(self, answer, probes, suffix):
        self.bucket.conditional_writes = answer
        result = self.run_as("owner", "init", row="init-plain")
        # Conditions are tried first; the probe is there in the end, as the next saves need it.
        plain = ["PUT cw"] if answer == "refused" else []
        self.assert_requests(result, OPEN, "LIST ", probes, plain, f"PUT rekkord{suffix}")
        self.assertIn("cw", self.names())
        for state in ("first", "warm", "deleted"):
            with self.subTest(state):
                if state == "deleted":
                    shutil.rmtree(self.path("cache"))
                before = set(self.names())
                result = self.run_as("save", "save", "web", self.tree, row="save-plain")
                written = set(self.names()) - before | set(self.names("keys/"))
                listing = [] if state == "warm" else ["LIST blobs/"]
                self.assert_requests(result, OPEN, probes, listing, [f"PUT {name}{suffix}" for name in written])
                self.assertEqual(result.stderr.count(b"no conditional writes"), 1, result.stderr)
                self.assert_sound()

    def test_a_store_that_refuses_conditions(self):
        self.check("refused", ["PUT cw conditional"], "")

    def test_a_store_that_ignores_conditions(self):
        self.check("ignored", ["PUT cw conditional"] * 2, " conditional")

    def test_init_refuses_where_nothing_proves_that_the_place_is_free(self):
        """Neither a 404, nor a listing, nor a conditional write."""
        policy = shipped_policy("owner")
        policy["Statement"] = [row for row in policy["Statement"] if row["Action"] != "s3:ListBucket"]
        self.use_role_policies(owner=policy)
        self.bucket.conditional_writes = "ignored"
        result = self.run_as("owner", "init", status=1)
        self.assertNotIn("rekkord", self.names())
        self.assertIn(b"cannot initialise", result.stderr)
