"""Requests that fail, and what a save or a reader makes of it."""

import pathlib
import random
import signal
import subprocess
import time

from fixture import S3Case
from gate import Fault
from program import COMMAND_TIMEOUT, PROGRAM
from rekkord_oracle.compare import Comparison, Options

# One request in five fails in one of these ways.
PASSING = [
    Fault("status-500", 0.02, seed=1),
    Fault("status-503", 0.02, seed=2),
    Fault("status-503", 0.01, retry_after="1", seed=3),
    Fault("status-409", 0.02, seed=4),
    Fault("reset-before", 0.03, seed=5),
    Fault("reset-after", 0.03, seed=6),
    Fault("cut-body", 0.03, seed=7),
    Fault("garbage", 0.03, seed=8),
    Fault("pause", 0.01, seed=9),
    # A listing carries no checksum: what protects it on its way is TLS.
    Fault("flip", 0.02, match="GET .*", seed=10),
    Fault("flip-upload", 0.03, match="PUT blobs/.*", seed=11),
]


class FaultCase(S3Case):
    def assert_equal_to_tree(self, channel="web"):
        """The independent reader finds the newest snapshot equal to what was saved."""
        reader = self.reader()
        comparison = Comparison(reader, Options())
        comparison.run(reader.resolve(channel), "/")
        self.assertEqual(comparison.differences, [])


class PassingFaultTests(FaultCase):
    def setUp(self):
        super().setUp()
        noise = random.Random(7)
        files = {f"{index % 7}/{index % 3}/{index}": noise.randbytes(index * 20) for index in range(120)}
        self.make_tree(files | {"several-chunks": noise.randbytes(3 << 20)})
        self.gate.faults = PASSING

    def test_a_fifth_of_all_requests_fails(self):
        self.run_as("root", "init")
        self.save_tree()
        self.save_tree()
        self.assert_faults()
        self.gate.faults = []
        self.assert_sound()
        self.assert_equal_to_tree()
        self.gate.faults, self.gate.struck = PASSING, []
        self.assertEqual(len(self.snapshots()), 2)
        self.run_as("read", "list", "-r", "web")
        self.assertIn(b": all clear\n", self.run_as("scan", "scan").stdout)
        self.run_as("read", "restore", "web", self.path("restored"))
        compared = subprocess.run(["diff", "-r", self.tree, self.path("restored") + self.tree], capture_output=True)
        self.assertEqual((compared.returncode, compared.stdout), (0, b""))
        self.gate.command, self.role, self.gate.requests = "mount", "read", []
        with self.mounted("web") as mount:
            seen = mount.path(self.tree.removeprefix("/"))
            command = ["rsync", "-a", "--checksum", "--dry-run", "-i", "--delete", f"{self.tree}/", f"{seen}/"]
            compared = subprocess.run(command, capture_output=True, timeout=COMMAND_TIMEOUT)
            self.assertEqual((compared.returncode, compared.stdout, compared.stderr), (0, b"", b""), mount.log())
        self.assert_faults()

    def assert_faults(self):
        self.assertGreater(len(self.gate.struck), len(self.gate.requests) / 10)

    def test_a_connection_that_stalls_is_given_up_and_made_again(self):
        self.gate.faults = []
        self.run_as("root", "init")
        self.save_tree()
        self.gate.faults = [Fault("stall", match="GET blobs/.*", times=1)]
        result = self.run_as("read", "list", "web")
        self.assertEqual([name for name in result.requests if "blobs" in name][0], result.requests[-1])
        self.assertEqual(len(result.requests), 4)


class LastingFaultCase(FaultCase):
    """Whatever request of a save fails for good, the save says so and harms nothing."""

    def setUp(self):
        super().setUp()
        self.make_tree()
        self.initialize()
        self.save_tree()

    def fail_each_request(self, kind, numbers, reason):
        for number in numbers:
            with self.subTest(f"request {number}"):
                pathlib.Path(self.tree, "notes.txt").write_text(f"{kind} {number}")
                before = len(self.reader().tags()[0])
                fault = Fault(kind, at=number)
                self.gate.faults = [fault]
                result, _ = self.save_tree(status=None)
                self.gate.faults = []
                if fault.victim is None:
                    return number
                self.assertEqual(result.returncode, 1, result.stderr)
                verb, key = fault.victim.removesuffix(" conditional").split(" ")
                verb = {"GET": "read", "PUT": "write"}[verb]
                self.assertEqual(self.errors(result), [f"cannot {verb} '{key}': {reason}"])
                self.assertEqual(len(self.reader().tags()[0]), before)
                self.assert_only_lacks_tags()
                self.save_tree()
                self.assertEqual(len(self.reader().tags()[0]), before + 1)
                self.assert_equal_to_tree()
        return None

    def errors(self, result):
        return [line.removeprefix("rekkord: error: ") for line in result.stderr.decode().splitlines() if " error: " in line]

    def assert_only_lacks_tags(self):
        """What a failed save leaves: blobs that nobody needs yet, and pieces of a tag that is not there."""
        problems = [text for text in self.verification().problems if not text.endswith(": fragment without a tag")]
        self.assertEqual(problems, [])


class LastingFaultTests(LastingFaultCase):
    def test_each_request_is_refused(self):
        count = self.fail_each_request("status-403", range(100), "access denied (403 AccessDenied)")
        # rekkord, cw, a file, its folder, the snapshot, badge, fragment, tag
        self.assertEqual(count, 8)

    def test_a_blob_is_not_accepted_by_a_server_in_trouble(self):
        self.fail_each_request("status-500", [2], "server error (500 InternalError) after 10 attempts")


class LostAnswerTests(FaultCase):
    """The server acted, and nobody heard of it: the same request again finds our own object in the way."""

    def setUp(self):
        super().setUp()
        self.make_tree()

    def lose(self, match, **options):
        self.gate.faults = [Fault("reset-after", match=match, times=1, **options)]

    def test_each_object_of_a_save(self):
        self.initialize()
        for number, match in enumerate(("PUT cw .*", "PUT blobs/R/.*", "PUT blobs/M/.*", "PUT keys/.*", "PUT tags/P/.*", "PUT tags/M/.*")):
            with self.subTest(match):
                pathlib.Path(self.tree, "notes.txt").write_text(match)
                self.lose(match)
                result, report = self.save_tree()
                lost = self.gate.struck[-1][1]
                self.assertEqual(result.requests.count(lost), 2)
                self.assertEqual(len(self.reader().tags()[0]), number + 1)
                self.assertGreater(report["added"], 0)
                self.assert_sound()
                self.assert_equal_to_tree()

    def test_the_config_object_is_our_own(self):
        self.lose("PUT rekkord .*")
        result = self.run_as("owner", "init")
        self.assertEqual(result.requests[-3:], ["PUT rekkord conditional"] * 2 + ["GET rekkord"])
        self.run_as("owner", "identify")

    def test_the_config_object_is_somebody_elses(self):
        self.gate.faults = [
            Fault("reset-before", match="PUT rekkord .*", times=1, action=lambda: self.bucket.put("rekkord", b"another"))
        ]
        result = self.run_as("owner", "init", status=1)
        self.assertIn(b"already initialised", result.stderr)
        self.assertEqual(self.current("rekkord").body, b"another")


class InterruptionTests(FaultCase):
    def test_a_save_that_waits_for_an_answer_ends_by_a_signal(self):
        self.make_tree()
        self.initialize()
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                self.gate.requests, self.gate.command = [], "save"
                self.gate.faults = [Fault("stall", match="PUT blobs/.*")]
                command = [PROGRAM, "save", "-C", self.ini("save"), "web", self.tree]
                process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE)
                while not any(request.startswith("PUT blobs/") for request in self.gate.requests):
                    self.assertIsNone(process.poll())
                    time.sleep(0.01)
                process.send_signal(number)
                _, text = process.communicate(timeout=COMMAND_TIMEOUT)
                self.assertEqual(process.returncode, status)
                self.assertEqual(text.decode(), "rekkord: error: interrupted\n")
                self.assertEqual(self.reader().tags()[0], [])
                self.gate.faults = []
        self.save_tree()
        self.assert_sound()
