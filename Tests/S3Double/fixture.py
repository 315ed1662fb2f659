"""A repository in the double, seen through the gate, with users, keys and an INI file for each role."""

import datetime
import json
import os
import pathlib
import shutil
import tempfile
from collections import Counter

import gate
import server
from program import SandboxCase
from rekkord_oracle import blobs, keys, verify
from rekkord_oracle.repository import MissingObject, Repository

POLICIES = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "policies"
BUCKET = "my-backups"
ACCOUNT = "arn:aws:iam::111122223333:user/"
# Role: the type of its key, and the user in docs/policies/bucket.json.
ROLES = {
    "root": ("Master", None),
    "owner": ("Master", "owner"),
    "save": ("WriteOnly", "backup"),
    "read": ("ReadWrite", "reader"),
    "scan": ("ReadWrite", "scan"),
}
# As the manual shows it.
RETENTION = """
RetainDuration = 30d # 30 days
RetainMode = GOVERNANCE # Optional, defaults to GOVERNANCE
"""
SMALL_TREE = {"notes.txt": b"content of the notes\n" * 50, "empty": b"", "sub/more.bin": bytes(range(256)) * 40, "sub/deep/x": b"x"}


def shipped_policy(name, prefix=""):
    """One of docs/policies; the prefix of a repository goes before every key and before `tags/*`."""
    text = (POLICIES / f"{name}.json").read_text()
    return json.loads(text.replace(f":::{BUCKET}/", f":::{BUCKET}/{prefix}").replace('"tags/*"', f'"{prefix}tags/*"'))


class _Keys:
    """Key files of one repository, made once for all tests."""

    folder = None

    @classmethod
    def copy(cls, case):
        if cls.folder is None:
            cls.folder = tempfile.TemporaryDirectory(prefix="rekkord-keys-")
            path = cls.folder.name
            case.run_program("init", "-g", "-R", f"{path}/repo", "-K", f"{path}/master.key")
            for name in keys.TYPE_NAMES[1:]:
                case.run_program(
                    "derive", "--offline", "-K", f"{path}/master.key", "-t", name, "-O", f"{path}/{name}.key"
                )
        for name in keys.TYPE_NAMES:
            shutil.copy(os.path.join(cls.folder.name, os.path.basename(case.key(name))), case.key(name))


class BucketRepository(Repository):
    """The independent reader, on the current objects of a bucket."""

    def __init__(self, case, keys):
        self.case = case
        super().__init__(None, keys)

    def read(self, name):
        version = self.case.current(name)
        if version is None:
            raise MissingObject(f"{name}: missing")
        return version.body

    def object_names(self, prefix=""):
        return self.case.names(prefix)


class S3Case(SandboxCase):
    prefix = ""  # of the repository in the bucket, with its slash
    retention = ""  # lines for [S3]
    certificate = None

    def setUp(self):
        super().setUp()
        _Keys.copy(self)
        self.service = server.Service(BUCKET)
        self.bucket = self.service.bucket
        self.service.users = {
            role.upper(): (f"secret of {role}", user and ACCOUNT + user) for role, (_, user) in ROLES.items()
        }
        self.use_role_policies()
        self.server = self.started(server.Server(self.service, self.certificate))
        self.gate = gate.Gate(self.server.port, BUCKET, self.prefix)
        self.gate_server = self.started(gate.Server(self.gate))
        self.role = "root"
        for role in ROLES:
            self.write_ini(role)

    def started(self, one):
        one.start()
        self.addCleanup(one.stop)
        return one

    def use_role_policies(self, **changed):
        """Gives each user the policy of its role; `changed` replaces some."""
        self.service.policies = server.Policies(
            identity_policies={
                ACCOUNT + user: changed.get(role) or shipped_policy(role, self.prefix)
                for role, (_, user) in ROLES.items()
                if user
            }
        )

    def url(self):
        return f"http://127.0.0.1:{self.gate_server.port}/{BUCKET}/{self.prefix}".rstrip("/")

    def ini(self, role):
        return self.path(f"{role}.ini")

    def write_ini(self, role, url=None, region="us-east-1", more=None):
        with open(self.ini(role), "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(
                f"[Repository]\nURL = {url or self.url()}\nKeyFile = {self.key(ROLES[role][0])}\n"
                f"[S3]\nKeyID = {role.upper()}\nSecretKey = secret of {role}\n"
                + (f"Region = {region}\n" if region else "")
                + (self.retention if more is None else more)
            )

    # Commands

    def place(self, _=None):
        return ["-C", self.ini(self.role)]

    def run_as(self, role, *arguments, row=None, status=0):
        """Runs a command as a role; the gate lets through what the table lists in `row`, by default the command."""
        self.gate.command = row or arguments[0]
        self.gate.requests, self.gate.refused = [], []
        result = self.run_program(arguments[0], "-C", self.ini(role), *arguments[1:], status=status)
        self.assertEqual(self.gate.refused, [], f"not in the table of {self.gate.command}")
        result.requests = self.gate.requests
        return result

    def initialize(self):
        """Makes the repository as its owner, with the key that all tests share."""
        self.run_as("owner", "init")

    def save_tree(self, role="save", channel="web", **options):
        result = self.run_as(role, "save", channel, self.tree, "--format", "JSON", **options)
        return result, (json.loads(result.stdout) if result.stdout else None)

    def make_tree(self, files=SMALL_TREE):
        self.tree = self.path("tree")
        for name, content in files.items():
            path = os.path.join(self.tree, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        # What was written in the last 2 seconds would be read again by the next save.
        for folder, _, names in os.walk(self.tree):
            for name in names:
                os.utime(os.path.join(folder, name), (1_700_000_000, 1_700_000_000))

    # Requests

    def assert_requests(self, result, *groups):
        """The requests of a command are these, each as often as it stands here; their order does not matter."""
        expected = Counter(request for group in groups for request in ([group] if isinstance(group, str) else group))
        found = Counter(result.requests)
        surplus, lacking = sorted((found - expected).elements()), sorted((expected - found).elements())
        self.assertEqual((surplus, lacking), ([], []), "(requests that should not be, requests that are missing)")

    # Objects

    def names(self, prefix=""):
        """The current objects below a prefix of the repository."""
        found, _ = self.bucket.list(self.prefix + prefix, "", 1 << 30)
        return [version.key.removeprefix(self.prefix) for version in found]

    def current(self, name):
        return self.bucket.current(self.prefix + name)

    def reader(self, key="Master"):
        return BucketRepository(self, keys.load_key(self.key(key)))

    def verification(self):
        result = verify.Verification(self.reader())
        result.run()
        return result

    def needed(self, oid):
        """The names of the blobs that one snapshot needs, by catalog."""
        reader = self.reader()
        tag = next(tag for tag in reader.tags()[0] if blobs.object_id("M", tag.digest) == oid)
        checked = verify.Verification(reader)
        checked.check_snapshot(tag)
        self.assertEqual(checked.problems, [])
        return {catalog: {name for name in checked.reached if name.startswith(f"blobs/{catalog}/")} for catalog in "MR"}

    def snapshots(self):
        return json.loads(self.run_as("read", "snapshots", "--format", "JSON").stdout)

    # Time

    def at_day(self, days):
        """Puts the clocks of the bucket and of the programs so many days ahead."""
        self.bucket.clock_offset = datetime.timedelta(days=days)
        self.wrapper = ["faketime", "--exclude-monotonic", "-f", f"{days * 86400:+d}"]
        self.environment["NO_FAKE_STAT"] = "1"
