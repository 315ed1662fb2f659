"""Where attacks take place: repositories with a victim, what an attack declares, and what must hold after each one."""

import hashlib
import json
import os
import stat
import subprocess
import tempfile
import unittest

import boto3
import fixture
import gate
from botocore.client import Config
from botocore.exceptions import ClientError
from foreign import WrittenCase
from program import PROGRAM, SandboxCase
from rekkord_oracle import blobs, keys, live
from rekkord_oracle.repository import Repository
from rekkord_oracle.writer import RepositoryWriter

# How an attack ends.
REFUSED, DETECTED, OUT_OF_REACH = ENDS = ("refused", "detected and named", "out of reach")

# The lines of the threat table of ARCHITECTURE.md.
STORAGE_WRITER = "Writer of the storage"
WRITE_ONLY_KEY = "Thief of a WriteOnly key"
S3_CREDENTIALS = "Thief of S3 credentials"
LOG_ONLY_KEY = "Thief of a LogOnly key"
READ_WRITE_KEY = "Thief of a ReadWrite key"
MOUNT_USER = "User of a mount"
MACHINE_USER = "Another user of the machine"
CACHE_WRITER = "Writer of the local cache"
REPOSITORY_MAKER = "Maker of a hostile repository"

NOBODY = 65534
TREASURE = b"what nobody may touch or learn"
# Sizes are divided by this, except where somebody has an hour.
SCALE = int(os.environ.get("ATTACK_SCALE", "50"))
CRASHES = (b"Fatal error", b"AddressSanitizer", b"stack overflow", b"Illegal instruction")


class AttackCase(SandboxCase):
    """One attack: `attack` does it and asserts how it ends. The docstring of the module is its title."""

    threat = None
    end = None
    outcome = None  # what happens, and what a user can do: for docs/security.md

    def setUp(self):
        super().setUp()
        # Whatever is written outside the places where the program may write is noticed here.
        self.outside = self.path("outside")
        os.mkdir(self.outside)
        self.treasure = self.path("outside", "treasure")
        put(self.treasure, TREASURE, 0o600)

    def runTest(self):
        before = listing(self.outside)
        self.attack()
        self.assertEqual(listing(self.outside), before, "something outside was changed")

    def id(self):
        return type(self).__module__

    __str__ = id

    def run_program(self, *arguments, **options):
        """As ever, and whatever the status is, it was not a crash."""
        result = super().run_program(*arguments, **options)
        self.assert_no_crash(result)
        return result

    def assert_no_crash(self, result):
        self.assertGreaterEqual(result.returncode, 0, f"ended by signal {-result.returncode}")
        for word in CRASHES:
            self.assertNotIn(word, result.stderr)

    def refused(self, *arguments, status, says):
        """Runs what has to fail, with a message; nothing is handed out."""
        result = self.run_program(*arguments, status=status)
        self.assertIn(says, result.stderr.decode())
        self.assertEqual(result.stdout, b"")
        return result

    # Commands

    def scan(self, *options, status=0, key="Master"):
        return self.run_json("scan", *self.place(key), "--format", "JSON", *options, status=status)

    def assert_found(self, *expected, options=(), status=20):
        """A scan finds exactly these problems, each (what, path or name of the object)."""
        report = self.scan(*options, status=status)
        found = [(each["what"], each["path"] or each["key"]) for each in report["problems"]]
        self.assertCountEqual(found, expected, report["problems"])
        return report

    def snapshots(self, key="Master", warning=None):
        """What `snapshots` lists; without a warning expected there is none."""
        result = self.run_program("snapshots", *self.place(key), "--format", "JSON")
        if warning is None:
            self.assertIn(result.stderr, (b"", b"No snapshots\n"))
        else:
            self.assertIn(warning, result.stderr.decode())
        return json.loads(result.stdout)

    def restored(self, identifier, *options, status=0, target="restored", keep=False):
        """Restores; returns {path: content, or target of a link, or None for a folder} of what came out.

        Nothing else in the sandbox may change.
        """
        target = self.path(target)
        if not keep and os.path.lexists(target):
            live.remove_tree(target)
        written = {target, self.path("cache")}
        before = listing(self.folder, written)
        result = self.run_program("restore", *self.place("Master"), *options, identifier, target, status=status)
        self.assertEqual(listing(self.folder, written), before, "restore wrote outside of its destination")
        self.messages = result.stderr.decode()
        return contents(target)

    def shown(self, identifier, *options):
        """What a mount shows, as `restored` does; what fails to be read has its error in place of its content."""
        with self.mounted(identifier, options=options) as mount:
            found = contents(mount.point)
            self.messages = mount.log()
        return found

    def listed(self, identifier, status=0):
        """The tree that `list -r` gives."""
        result = self.run_program("list", *self.place("Master"), "-r", "--format", "JSON", identifier, status=status)
        self.messages = result.stderr.decode()
        return json.loads(result.stdout) if result.stdout else None

    def listed_paths(self, identifier, **options):
        """The paths of what `list -r` gives."""
        pending = [(item, "") for item in self.listed(identifier, **options)]
        paths = []
        while pending:
            item, above = pending.pop()
            path = above if item["type"] == "Snapshot" else f"{above}/{item['name']}".lstrip("/")
            paths += [] if item["type"] == "Snapshot" else [path]
            pending += [(child, path) for child in item.get("children", [])]
        return sorted(paths)

    def peak_memory(self, *arguments):
        """Runs a command; returns its status and the most memory that it had, in bytes."""
        with tempfile.NamedTemporaryFile() as peak, open(os.devnull, "wb") as null:
            # Started by time(1), a small process: a program's peak counts from that of the one it was forked from.
            command = ["/usr/bin/time", "--quiet", "-f", "%M", "-o", peak.name, "--", *self.wrapper, PROGRAM, *arguments]
            status = subprocess.run(command, env=self.environment, stdin=null, stdout=null, stderr=null).returncode
            # What a signal ended has more than that.
            self.assertLess(status, 128)
            return status, int(peak.read()) * 1024

    # The victim

    def make_source(self, **files):
        """A tree worth saving, at `self.source`."""
        self.source = self.path("source")
        for name, content in (files or {"notes": b"content of the notes\n" * 50, "sub/more": bytes(range(256)) * 40}).items():
            put(os.path.join(self.source, name), content)

    def below(self, name=""):
        """The path that a saved file has in a snapshot."""
        return os.path.join(self.source, name).strip("/")

    def object_of(self, content, blob_type=blobs.CHUNK):
        """The name of the object that holds a plaintext: what a thief of any key that writes can compute."""
        salt = keys.load_key(self.key("WriteOnly")).blob_hash_salt()
        return blobs.object_name(blobs.catalog_of(blob_type), blobs.blob_digest(salt, blob_type, content))


class WrittenRepository(AttackCase, WrittenCase):
    """A repository that the attacker wrote from the first byte to the last; `self.writer` is open."""

    def entries(self, *entries, **options):
        return self.writer.save(b"web", list(entries), **options)

    def save_top(self, *entries):
        """Saves one folder `top` with these entries."""
        return self.entries(self.writer.folder_entry(b"top", list(entries)))

    def good(self):
        return self.writer.file_entry(b"good", b"good content")

    def assert_only_good(self, identifier, status, hidden=True):
        """Of a folder with good and bad entries every command gives the good one and nothing else."""
        good = {"top": None, "top/good": b"good content"}
        self.assertEqual(self.restored(identifier, status=status), good)
        self.assertEqual(self.shown(identifier), good)
        if hidden:
            self.assertEqual(self.listed_paths(identifier), ["top", "top/good"])


class RefusedNames(WrittenRepository):
    """A folder with a file, a folder and a link of each of the attack's `names`, beside a good file."""

    threat = REPOSITORY_MAKER
    end = REFUSED

    def attack(self):
        bad = []
        for name in self.names:
            bad += [
                self.writer.file_entry(name, b"evil"),
                self.writer.folder_entry(name, [self.writer.file_entry(b"inner", b"evil")]),
                self.writer.link_entry(name, self.treasure.encode()),
            ]
        snapshot = self.save_top(*bad, self.good())
        self.assert_only_good(snapshot, status=3)
        self.assertEqual({each["what"] for each in self.scan(status=20)["problems"]}, {"name"})


class SavedRepository(AttackCase):
    """A repository in a folder, with an honest machine that saved `self.source` to the channel `web`."""

    saved = True

    def setUp(self):
        super().setUp()
        self.make_repository_quickly()
        self.make_source()
        if self.saved:
            self.save("web", self.source)

    def make_repository_quickly(self):
        """As `make_repository`, by the oracle."""
        self.writer = RepositoryWriter(self.repo, mkey=os.urandom(32)).create()
        self.writer.save_master_key(self.key("Master"))
        for number, name in enumerate(keys.TYPE_NAMES[1:], start=1):
            self.writer.derive(number, self.key(name))
        self.thief = keys.load_key(self.key("WriteOnly"))

    def another_key(self, key_type=keys.WRITE_ONLY):
        """A key of another machine; returns (path, keys)."""
        path = self.path("other.key")
        return path, self.writer.derive(key_type, path)

    def names(self, prefix=""):
        return sorted(Repository(self.repo, self.writer.master).object_names(prefix))

    def tag_of(self, snapshot):
        return next(tag for tag in self.reader().tags()[0] if blobs.object_id("M", tag.digest) == snapshot)

    def plant(self, name, data):
        self.writer.put(name, data)

    def stored(self, name):
        return os.path.join(self.repo, name)

    def sealed(self, plaintext, blob_type=blobs.CHUNK):
        """A blob that a write-only key can make."""
        return blobs.encode_blob(blob_type, plaintext, self.thief)

    def good_contents(self):
        return {
            self.below(): None,
            self.below("notes"): b"content of the notes\n" * 50,
            self.below("sub"): None,
            self.below("sub/more"): bytes(range(256)) * 40,
        } | {parent: None for parent in parents(self.below())}


class Bucket(AttackCase, fixture.S3Case):
    """A repository in the S3 double with locks and the shipped policies; an honest machine saved to the channel `web`."""

    retention = fixture.RETENTION

    def setUp(self):
        super().setUp()
        self.initialize()
        self.make_source()
        self.tree = self.source
        self.save_tree()
        self.role = "read"
        self.gate.command = "open"

    def scan(self, *options, status=0, key=None):
        result = self.run_as("scan", "scan", "--format", "JSON", *options, row="scan-locks", status=status)
        return json.loads(result.stdout)

    def hurry(self):
        """Lets programs wait a thirtieth of the time between attempts."""
        self.wrapper = ["faketime", "--exclude-monotonic", "-f", "+0 x30"]
        self.environment["NO_FAKE_STAT"] = "1"

    def one(self, prefix):
        """The first object below a prefix."""
        return self.names(prefix)[0]

    def as_thief(self, method, key, status, role="save", **arguments):
        """One request with stolen credentials, which must be answered with this status."""
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.server.port}",
            aws_access_key_id=role.upper(),
            aws_secret_access_key=f"secret of {role}",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )
        try:
            answer = getattr(client, method)(Bucket=fixture.BUCKET, Key=self.prefix + key, **arguments)
        except ClientError as error:
            answer = error.response
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], status)
        return answer

    def lie(self, answer):
        """From now on the server says what `answer(request, ask)` returns; `ask` asks the honest one."""

        class Liar(gate.Handler):
            def forward(handler, body):
                headers = {name.lower(): value for name, value in handler.headers.items()}
                request = self.gate.describe(handler.command, handler.path, headers)
                return answer(request, lambda: gate.Handler.forward(handler, body))

        self.gate_server.RequestHandlerClass = Liar

    good_contents = SavedRepository.good_contents


# Files


def put(path, content=b"", mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def parents(path):
    """The folders above a path, without the top."""
    while path := os.path.dirname(path):
        yield path


def contents(top):
    """{path: content, target of a link, error of what cannot be read, or None for a folder}, odd names included."""
    found = {}
    pending = [b""]
    while pending:
        relative = pending.pop()
        try:
            names = os.listdir(os.path.join(os.fsencode(top), relative))
        except FileNotFoundError:
            return {}
        except OSError as error:
            found[os.fsdecode(relative)] = error.errno
            continue
        for name in names:
            path = os.path.join(os.fsencode(top), relative, name)
            inner = os.path.join(relative, name)
            try:
                mode = os.lstat(path).st_mode
                if stat.S_ISDIR(mode):
                    pending.append(inner)
                    value = None
                elif stat.S_ISLNK(mode):
                    value = os.fsdecode(os.readlink(path))
                else:
                    value = read(path) if stat.S_ISREG(mode) else stat.S_IFMT(mode)
            except OSError as error:
                value = error.errno
            found[os.fsdecode(inner)] = value
    return found


def listing(top, without=()):
    """What would tell of a change below a folder."""
    found = {}
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in without]
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            if path in without:
                continue
            status = os.lstat(os.fsencode(path))
            facts = (status.st_mode, status.st_uid)
            if stat.S_ISREG(status.st_mode):
                facts += (status.st_size, status.st_mtime_ns, hashlib.blake2b(read(path)).digest())
            elif stat.S_ISLNK(status.st_mode):
                facts += (os.readlink(path),)
            found[path] = facts
    return found


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root to be two users")


def run_as_nobody(case, *command, **options):
    """Runs a command as somebody without rights."""
    return subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, env=case.environment, **options
    )
