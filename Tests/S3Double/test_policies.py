"""The shipped policies: each is enough for its role, no part of one is superfluous, and nothing else is allowed."""

import copy
import datetime
import shutil

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError
from fixture import ACCOUNT, BUCKET, RETENTION, S3Case, shipped_policy

DAY = datetime.timedelta(days=1)
# Only lets answers show locks.
OPTIONAL = "s3:GetObjectRetention"


def as_list(value):
    return value if isinstance(value, list) else [value]


def reduced(policy):
    """Every policy that allows less by one statement, principal, action or resource: (what is gone, policy)."""
    for number, statement in enumerate(policy["Statement"]):
        if statement["Effect"] != "Allow" or statement["Action"] == OPTIONAL:
            continue
        smaller = copy.deepcopy(policy)
        del smaller["Statement"][number]
        yield statement["Sid"], smaller
        for key in ("Action", "Resource", "Principal"):
            values = statement.get(key, [])
            values = as_list(values["AWS"] if isinstance(values, dict) else values)
            for value in values if len(values) > 1 else []:
                smaller = copy.deepcopy(policy)
                rest = [other for other in values if other != value]
                smaller["Statement"][number][key] = {"AWS": rest} if key == "Principal" else rest
                yield f"{statement['Sid']} without {value}", smaller


class PolicyCase(S3Case):
    retention = RETENTION

    def setUp(self):
        super().setUp()
        self.make_tree()
        self.run_as("root", "init")
        # By a derived key, so that there is a badge.
        self.save_tree("save", row="save")
        self.kept = copy.deepcopy(self.bucket.versions)

    def renew(self):
        """The bucket as it was, and no cache."""
        self.bucket.versions = copy.deepcopy(self.kept)
        shutil.rmtree(self.path("cache"), ignore_errors=True)

    def work_of_owner(self):
        yield from (("change_cid",), ("identify",), ("derive", "-f", "-t", "WriteOnly", "-O", self.path("new.key")))
        self.bucket.versions = {}
        yield ("init",)

    def work_of_save(self):
        yield from (("save", "web", self.tree),) * 2

    def work_of_read(self):
        yield from (("snapshots",), ("channels",), ("list", "-r", "web"))
        shutil.rmtree(self.path("restored"), ignore_errors=True)
        yield ("restore", "web", self.path("restored"))

    def work_of_scan(self):
        """On a later day, so that locks are extended; one is longer already, and that takes a look at it."""
        self.at_day(10)
        for name in self.names("tags/M/")[:1]:
            version = self.current(name)
            self.bucket.retain(version.key, version.id, version.mode, version.until + 50 * DAY)
        yield ("scan",)

    def statuses(self, role):
        """Does all the work of a role; the exit statuses."""
        self.renew()
        row = {"scan": "scan-locks"}.get(role)
        commands = getattr(self, f"work_of_{role}")()
        statuses = [self.run_as(role, *command, row=row, status=None).returncode for command in commands]
        self.at_day(0)
        return statuses


class RolePolicyTests(PolicyCase):
    def check(self, role):
        policy = shipped_policy(role)
        self.use_role_policies(**{role: policy})
        self.assertEqual(set(self.statuses(role)), {0})
        for gone, smaller in reduced(policy):
            with self.subTest(gone):
                self.use_role_policies(**{role: smaller})
                self.assertNotEqual(set(self.statuses(role)), {0}, f"{gone} is superfluous")

    def test_save(self):
        self.check("save")

    def test_read(self):
        self.check("read")

    def test_scan(self):
        self.check("scan")

    def test_owner(self):
        """Without the right to list, `init` works, and says that it cannot see whether the place is free."""
        self.use_role_policies()
        self.assertEqual(set(self.statuses("owner")), {0})
        for gone, smaller in reduced(shipped_policy("owner")):
            with self.subTest(gone):
                self.use_role_policies(owner=smaller)
                if gone == "SeeThatThePlaceIsFree":
                    self.bucket.versions = {}
                    result = self.run_as("owner", "init")
                    self.assertIn(b"cannot list the repository: access denied", result.stderr)
                else:
                    self.assertNotEqual(set(self.statuses("owner")), {0}, f"{gone} is superfluous")

    def test_mount_needs_no_more_than_list(self):
        self.use_role_policies()
        self.role, self.gate.command = "read", "mount"
        with self.mounted("web"):
            pass


class BucketPolicyTests(PolicyCase):
    """The same as one policy of the bucket, which tells users apart; they have no policies of their own."""

    roles = ("save", "read", "scan")

    def use(self, policy):
        self.service.policies.bucket_policy = policy
        self.service.policies.identity_policies = {}

    def test_it_is_enough_and_has_nothing_superfluous(self):
        policy = shipped_policy("bucket")
        self.use(policy)
        for role in self.roles:
            self.assertEqual(set(self.statuses(role)), {0}, role)
        for gone, smaller in reduced(policy):
            with self.subTest(gone):
                self.use(smaller)
                found = {status for role in self.roles for status in self.statuses(role)}
                self.assertNotEqual(found, {0}, f"{gone} is superfluous")


class Attacks:
    """What a thief of credentials may try; each is a method that raises when it is refused."""

    def __init__(self, case, role):
        self.now = case.bucket.now()
        self.blob, self.tag, self.badge = (
            next(name for name in case.names() if name.startswith(prefix)) for prefix in ("blobs/", "tags/", "keys/")
        )
        self.blob_version = case.current(self.blob).id
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{case.server.port}",
            aws_access_key_id=role.upper(),
            aws_secret_access_key=f"secret of {role}",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )

    def call(self, name, **arguments):
        return getattr(self.client, name)(Bucket=BUCKET, **arguments)

    def put(self, key, **arguments):
        return self.call("put_object", Key=key, Body=b"evil", **arguments)

    def lock(self, days, mode="GOVERNANCE"):
        return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": self.now + days * DAY}

    def retain(self, key, days, **arguments):
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": self.now + days * DAY}
        return self.call("put_object_retention", Key=key, Retention=retention, **arguments)

    def read_config(self):
        self.call("get_object", Key="rekkord")

    def read_blob(self):
        self.call("get_object", Key=self.blob)

    def read_old_version_of_blob(self):
        self.call("get_object", Key=self.blob, VersionId=self.blob_version)

    def read_tag(self):
        self.call("get_object", Key=self.tag)

    def read_badge(self):
        self.call("get_object", Key=self.badge)

    def ask_about_blob(self):
        self.call("head_object", Key=self.blob)

    def list_all(self):
        self.call("list_objects_v2")

    def list_tags(self):
        self.call("list_objects_v2", Prefix="tags/")

    def list_blobs(self):
        self.call("list_objects_v2", Prefix="blobs/")

    def add_blob(self):
        self.put("blobs/M/00/NEW", IfNoneMatch="*")

    def add_locked_blob(self):
        self.put("blobs/M/00/NEW", IfNoneMatch="*", **self.lock(30))

    def add_blob_locked_for_101_days(self):
        self.put("blobs/M/00/NEW", IfNoneMatch="*", **self.lock(101))

    def add_blob_without_condition(self):
        self.put("blobs/M/00/NEW")

    def add_what_no_repository_has(self):
        self.put("elsewhere", IfNoneMatch="*")

    def replace_blob(self):
        self.put(self.blob)

    def replace_tag(self):
        self.put(self.tag)

    def replace_config(self):
        self.put("rekkord")

    def replace_config_conditionally(self):
        """Where no rekkord is, as after a delete marker."""
        self.put("rekkord", IfNoneMatch="*")

    def hide_blob(self):
        self.call("delete_object", Key=self.blob)

    def hide_config(self):
        self.call("delete_object", Key="rekkord")

    def delete_version_of_blob(self):
        self.call("delete_object", Key=self.blob, VersionId=self.blob_version)

    def delete_version_bypassing_the_lock(self):
        self.call("delete_object", Key=self.blob, VersionId=self.blob_version, BypassGovernanceRetention=True)

    def extend_lock_of_blob(self):
        self.retain(self.blob, 60)

    def extend_lock_of_config(self):
        self.retain("rekkord", 60)

    def lock_for_101_days(self):
        self.retain(self.blob, 101)

    def shorten_lock(self):
        self.retain(self.blob, 1)

    def shorten_lock_bypassing_it(self):
        self.retain(self.blob, 1, BypassGovernanceRetention=True)


NAMES = {name for name in vars(Attacks) if name.islower() and name not in ("call", "put", "lock", "retain") and name[0] != "_"}
# All that the holder of a role's credentials can do; whatever is not here is refused.
POSSIBLE = {
    "save": {"read_config", "add_blob", "add_locked_blob", "extend_lock_of_blob"},
    "read": {"read_config", "read_blob", "ask_about_blob", "list_tags"},
    "scan": {
        "read_config", "read_blob", "read_tag", "read_badge", "ask_about_blob", "list_all", "list_tags", "list_blobs",
        "extend_lock_of_blob", "extend_lock_of_config",
    },
    "owner": {"read_config", "list_all", "list_tags", "list_blobs", "replace_config", "replace_config_conditionally",
              "extend_lock_of_config"},
}  # fmt: skip


class ForbiddenTests(PolicyCase):
    def possible(self, role):
        """The attacks that succeed."""
        found = set()
        self.renew()
        attacks = Attacks(self, role)
        for name in NAMES:
            self.renew()
            if name == "replace_config_conditionally":
                self.bucket.delete("rekkord")
            try:
                getattr(attacks, name)()
                found.add(name)
            except ClientError as error:
                code = error.response["ResponseMetadata"]["HTTPStatusCode"]
                self.assertEqual(code, 403, f"{role}: {name}: {error}")
        return found

    def check(self, roles):
        for role in roles:
            with self.subTest(role):
                self.assertEqual(self.possible(role), POSSIBLE[role])

    def test_with_policies_of_users(self):
        self.check(("save", "read", "scan", "owner"))

    def test_with_the_policy_of_the_bucket(self):
        self.service.policies.bucket_policy = shipped_policy("bucket")
        self.service.policies.identity_policies = {}
        self.check(("save", "read", "scan"))

    def test_each_denial_is_needed(self):
        for gone, more in (
            ("CreateOnlyNeverReplace", {"add_blob_without_condition", "replace_blob", "replace_tag"}),
            ("NoEndlessLocks", {"add_blob_locked_for_101_days", "lock_for_101_days"}),
        ):
            with self.subTest(gone):
                policy = shipped_policy("save")
                policy["Statement"] = [row for row in policy["Statement"] if row["Sid"] != gone]
                self.use_role_policies(save=policy)
                self.assertEqual(self.possible("save") - POSSIBLE["save"], more)

    def test_without_credentials_nothing_is_possible(self):
        self.service.users = {"OTHER": ("secret", None)}
        self.assertEqual(self.possible("save"), set())

    def test_strangers_of_the_same_account_can_do_nothing(self):
        self.service.users["SAVE"] = ("secret of save", ACCOUNT + "stranger")
        self.service.policies.bucket_policy = shipped_policy("bucket")
        self.assertEqual(self.possible("save"), set())
