"""The double against boto3, an S3 client that we did not write."""

import datetime
import json
import unittest

import boto3
import gate
import server
from botocore.client import Config
from botocore.exceptions import ClientError
from fixture import POLICIES


class DoubleTests(unittest.TestCase):
    def setUp(self):
        self.service = server.Service()
        self.service.users = {"OWNER": ("o", None), "SAVER": ("s", "arn:aws:iam::111122223333:user/backup")}
        self.server = server.Server(self.service)
        self.gate_server = gate.Server(gate.Gate(self.server.port))
        for each in (self.server, self.gate_server):
            each.start()
            self.addCleanup(each.stop)
        self.owner = self.client("OWNER", "o")
        self.saver = self.client("SAVER", "s")

    def client(self, key, secret):
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.gate_server.port}",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )

    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(Bucket="my-backups", **arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)

    def test_objects_come_back_and_versions_stay(self):
        for body in (b"one", b"two"):
            self.owner.put_object(Bucket="my-backups", Key="a/ü +&.txt", Body=body)
        self.assertEqual(self.owner.get_object(Bucket="my-backups", Key="a/ü +&.txt")["Body"].read(), b"two")
        self.assertEqual(len(self.service.bucket.versions["a/ü +&.txt"]), 2)
        self.refused("NoSuchKey", self.owner.get_object, Key="b")

    def test_conditional_put(self):
        self.owner.put_object(Bucket="my-backups", Key="a", Body=b"1", IfNoneMatch="*")
        self.refused("PreconditionFailed", self.owner.put_object, Key="a", Body=b"2", IfNoneMatch="*")

    def test_listing_in_pages(self):
        self.service.page_size = 3
        for index in range(10):
            self.owner.put_object(Bucket="my-backups", Key=f"p/{index}", Body=b"x")
        pages = self.owner.get_paginator("list_objects_v2").paginate(Bucket="my-backups", Prefix="p/")
        self.assertEqual([row["Key"] for page in pages for row in page["Contents"]], [f"p/{i}" for i in range(10)])

    def test_locks_are_never_weakened(self):
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
        lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
        version = self.owner.put_object(Bucket="my-backups", Key="a", Body=b"1", **lock)["VersionId"]
        self.refused("AccessDenied", self.owner.delete_object, Key="a", VersionId=version)
        shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": until - datetime.timedelta(days=1)}
        self.refused("AccessDenied", self.owner.put_object_retention, Key="a", Retention=shorter)
        longer = {"Mode": "GOVERNANCE", "RetainUntilDate": until + datetime.timedelta(days=1)}
        self.owner.put_object_retention(Bucket="my-backups", Key="a", Retention=longer)
        self.service.bucket.clock_offset = datetime.timedelta(days=40)
        self.service.bucket.delete("a", version)
        self.assertEqual(self.service.bucket.versions["a"], [])

    def test_policies_are_evaluated(self):
        self.service.policies = server.Policies(json.loads((POLICIES / "bucket.json").read_text()))
        self.saver.put_object(Bucket="my-backups", Key="blobs/x", Body=b"1", IfNoneMatch="*")
        self.refused("AccessDenied", self.saver.put_object, Key="blobs/y", Body=b"1")
        self.refused("AccessDenied", self.saver.put_object, Key="rekkord", Body=b"1", IfNoneMatch="*")
        self.refused("AccessDenied", self.saver.get_object, Key="blobs/x")
        self.refused("AccessDenied", self.saver.delete_object, Key="blobs/x")
        with self.assertRaises(ClientError):
            self.saver.list_objects_v2(Bucket="my-backups", Prefix="tags/")
        far = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=200)
        lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": far}
        self.refused("AccessDenied", self.saver.put_object, Key="blobs/z", Body=b"", IfNoneMatch="*", **lock)

    def test_the_gate_refuses_and_injects(self):
        self.gate_server.service.command = "snapshots"
        self.refused("NotInTheTable", self.owner.put_object, Key="blobs/x", Body=b"1")
        self.assertEqual(self.gate_server.service.refused, ["PUT blobs/x"])
        self.owner.list_objects_v2(Bucket="my-backups", Prefix="tags/")
        self.gate_server.service.command = "open"
        self.gate_server.service.faults = [gate.Fault("status-503", times=1)]
        self.refused("SlowDown", self.owner.put_object, Key="a", Body=b"1")
        self.owner.put_object(Bucket="my-backups", Key="a", Body=b"1")
