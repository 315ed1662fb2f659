"""docs/hardening.md as it stands: with the AWS command line, against another server and against the double."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import unittest

from fixture import RETENTION, S3Case
from program import PROGRAM, SandboxCase, eventually

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/hardening.md").read_text()
# Where the AWS command line and the servers of others are.
PROGRAMS = os.path.dirname(sys.executable)
WAIT = 120


def blocks(language):
    """The blocks of the page in one language, without the indentation of the list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", PAGE, re.MULTILINE | re.DOTALL)
    return ["".join(line.removeprefix(indent) for line in text.splitlines(True)) for indent, text in found]


class PageCase(SandboxCase):
    def prepare(self, port, key_id, secret):
        """A folder where the page's paths exist, and an environment that leads to a server of ours."""
        os.symlink(ROOT / "docs", self.path("docs"))
        os.mkdir(self.path("bin"))
        os.symlink(os.path.realpath(PROGRAM), self.path("bin", "rekkord"))
        self.environment |= {
            "PATH": f"{self.path('bin')}:{PROGRAMS}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def shell(self, script):
        return subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WAIT,
        )

    def run_shell(self, script):
        result = self.shell(script)
        self.assertEqual(result.returncode, 0, f"{script}\n{result.stdout}{result.stderr}")
        return result.stdout


class SetUpTests(PageCase):
    """Steps 1 to 4, with another implementation of S3 and IAM in the place of AWS."""

    def setUp(self):
        super().setUp()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            [os.path.join(PROGRAMS, "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        eventually(lambda: socket.create_connection(("127.0.0.1", port)).close() or True)
        self.prepare(port, "owner", "secret of owner")

    def test_steps(self):
        bucket, users, policy, repository, refused = blocks("sh")
        self.run_shell(bucket)
        answer = json.loads(self.run_shell("aws s3api get-object-lock-configuration --bucket my-backups"))
        self.assertEqual(answer["ObjectLockConfiguration"], {"ObjectLockEnabled": "Enabled"})
        self.assertEqual(self.run_shell(users).count('"SecretAccessKey"'), 3)
        self.run_shell(policy.replace("your-bucket", "my-backups").replace("your-account", "123456789012"))
        answer = json.loads(self.run_shell("aws s3api get-bucket-policy --bucket my-backups"))
        written = (ROOT / "docs/policies/bucket.json").read_text().replace("111122223333", "123456789012")
        self.assertEqual(json.loads(answer["Policy"]), json.loads(written))
        # The other way of step 3.
        for command in re.findall(r"`(aws iam put-user-policy [^`]*)`", PAGE, re.DOTALL):
            self.run_shell(" ".join(command.split()))
        # That server refuses what a condition would allow; the conditions are tried in test_policies.
        self.run_shell("aws s3api delete-bucket-policy --bucket my-backups")
        (ini,) = blocks("ini")
        endpoint = self.environment["AWS_ENDPOINT_URL"]
        ini = ini.replace("https://s3.eu-central-1.amazonaws.com", endpoint)
        self.assertIn(endpoint, ini)
        pathlib.Path(self.path("owner.ini")).write_text(ini + "Region = eu-central-1\n")
        self.run_shell(repository)
        for name, kind in (("master.key", "Master"), ("web-1.key", "WriteOnly"), ("scan.key", "ReadWrite")):
            self.assertIn(kind, self.run_shell(f"rekkord identify -C owner.ini -K {name}"))
        self.assertIn("list-objects-v2", refused)


class RefusalTests(S3Case, PageCase):
    """Step 7, with the rights of `backup` and nothing else."""

    retention = RETENTION

    def test_each_is_refused(self):
        self.make_tree()
        self.initialize()
        self.save_tree()
        self.prepare(self.server.port, "SAVE", "secret of save")
        kept = {name: self.current(name).body for name in self.names()}
        commands = [line for line in blocks("sh")[-1].splitlines() if line]
        self.assertEqual(len(commands), 5)
        for command in commands:
            result = self.shell(command)
            self.assertNotEqual(result.returncode, 0, command)
            self.assertIn("AccessDenied", result.stderr, command)
        self.assertEqual({name: self.current(name).body for name in self.names()}, kept)


if __name__ == "__main__":
    unittest.main()
