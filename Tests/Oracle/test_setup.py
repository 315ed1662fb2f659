"""`setup`: what it asks on a terminal, and what it leaves behind."""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

from program import PROGRAM, SandboxCase
from rekkord_oracle import keys

WAIT = 60


class Dialogue:
    """The program on a terminal of its own."""

    def __init__(self, case, *arguments, **variables):
        self.user, terminal = pty.openpty()
        self.shown = b""
        self.process = subprocess.Popen(
            [PROGRAM, "setup", *arguments],
            env=case.environment | variables,
            cwd=case.folder,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            start_new_session=True,
        )
        self.terminal = terminal
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        self.process.stdout.close()
        os.close(self.user)
        os.close(self.terminal)

    def answer(self, question, line):
        """Waits for a question and answers it; returns what was shown before."""
        self.wait_for(question)
        before, self.shown = self.shown, b""
        os.write(self.user, line if line == b"\x04" else line + b"\n")
        return before

    def wait_for(self, text):
        deadline = time.monotonic() + WAIT
        while not re.search(text, self.shown):
            if not self._read(1) and (time.monotonic() > deadline or self.process.poll() is not None):
                self._read(0)
                if not re.search(text, self.shown):
                    raise AssertionError(f"{text!r} is not shown: {self.shown!r}")

    def _read(self, seconds):
        if not select.select([self.user], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.user, 4096)
        return True

    def has_echo(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def end(self):
        """Waits for the end; returns status, standard output, and what was shown last."""
        output = self.process.stdout.read()
        status = self.process.wait(WAIT)
        while self._read(0):
            pass
        return status, output.decode(), self.shown


class SetupTests(SandboxCase):
    def setUp(self):
        super().setUp()
        self.config = self.path("etc", "rekkord.ini")

    def config_lines(self):
        with open(self.config, encoding="utf-8") as file:
            return file.read().splitlines()

    def assert_private(self, *paths):
        for path in paths:
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)

    def assert_nothing_left(self):
        self.assertFalse(os.path.lexists(self.path("etc")))
        self.assertEqual([name for name in os.listdir(self.folder) if name != "cache"], [])

    def test_new_key(self):
        dialogue = Dialogue(self, "-C", "etc/rekkord.ini")
        dialogue.answer(rb"Repository, .*: $", b"store")
        dialogue.answer(rb"Key: .*\[new\]: $", b"")
        dialogue.answer(rb"Key file to write \[.*/etc/master\.key\]: $", b"")
        status, output, shown = dialogue.end()
        self.assertEqual(status, 0, shown)
        key = self.path("etc", "master.key")
        self.assertEqual(
            output,
            f"Configuration file: {self.config}\nKey file: {key}\nKey ID: {'0' * 32}\nKey type: Master\n",
        )
        self.assertIn(b"nothing can be restored without it", shown)
        self.assertEqual(
            self.config_lines(),
            [
                "# Written by 'rekkord setup'; see rekkord.ini(5).",
                "",
                "[Repository]",
                f"URL = {self.path('store')}",
                "KeyFile = master.key",
            ],
        )
        self.assert_private(self.config, key)
        self.assertEqual(sorted(os.listdir(self.path("etc"))), ["master.key", "rekkord.ini"])
        # Nothing was sent to the storage; what was written is enough for it.
        self.assertFalse(os.path.exists(self.path("store")))
        self.run_program("-C", self.config, "init")
        self.run_program("-C", self.config, "save", "web", self.path("etc"))

    def test_usual_place(self):
        dialogue = Dialogue(self)
        place = b"/etc/rekkord" if os.geteuid() == 0 else os.fsencode(self.path(".config", "rekkord"))
        dialogue.wait_for(rb"Configuration file \[" + re.escape(place) + rb"/rekkord\.ini\]: $")
        dialogue.answer(rb": $", b"etc/rekkord.ini")
        dialogue.answer(rb"Repository, .*: $", b"")
        # A question without an offer is asked again.
        dialogue.answer(rb"Repository, .*: $", b"store")
        dialogue.answer(rb"\[new\]: $", b"NEW")
        dialogue.answer(rb"Key file to write .*: $", b"elsewhere/own #1.key")
        self.assertEqual(dialogue.end()[0], 0)
        self.assertIn(f'KeyFile = "{self.path("elsewhere", "own #1.key")}"', self.config_lines())
        self.run_program("-C", self.config, "identify", "--offline")

    def test_derived_key(self):
        self.make_repository()
        dialogue = Dialogue(self, "-C", self.config, "-R", self.repo, "-K", "web.key")
        dialogue.answer(rb"Repository, .* \[.*/repo\]: $", b"")
        dialogue.answer(rb"\[new\]: $", b"derived")
        dialogue.answer(rb"Master key file: $", b"absent.key")
        dialogue.answer(rb"error.*absent\.key.*\n.*Master key file: $", b"WriteOnly.key")
        dialogue.answer(rb"error.* cannot derive with WriteOnly key\r\n.*Master key file: $", b"master.key")
        dialogue.answer(rb"Rights: .* \[WriteOnly\]: $", b"everything")
        dialogue.answer(rb"'everything' is none of WriteOnly, .*\r\n.*: $", b"")
        dialogue.answer(rb"Key file to write \[web\.key\]: $", b"")
        status, output, shown = dialogue.end()
        self.assertEqual(status, 0, shown)
        self.assertIn("Key type: WriteOnly\n", output)
        self.assert_private(self.config, self.path("web.key"))
        self.run_program("-C", self.config, "identify")

    def test_imported_key(self):
        self.make_repository()
        for place, is_copied in ((b"etc/rekkord.key", True), (b"WriteOnly.key", False)):
            dialogue = Dialogue(self, "-f", "-C", self.config)
            dialogue.answer(rb"Repository, .*: $", os.fsencode(self.repo))
            dialogue.answer(rb"\[new\]: $", b"imported")
            dialogue.answer(rb"Key file to import: $", b"WriteOnly.key")
            dialogue.answer(rb"Key file to write .*: $", place)
            self.assertEqual(dialogue.end()[0], 0)
            self.assert_private(self.config)
            self.run_program("-C", self.config, "identify")
            if is_copied:
                self.assert_private(self.path("etc", "rekkord.key"))
                self.assertEqual(
                    keys.load_key(self.path("etc", "rekkord.key")), keys.load_key(self.key("WriteOnly"))
                )
        self.assertIn(f"KeyFile = {self.key('WriteOnly')}", self.config_lines())

    def test_s3(self):
        dialogue = Dialogue(self, "-C", self.config)
        dialogue.answer(rb"Repository, .*: $", b"ssh://me@host/place")
        dialogue.answer(rb"SFTP storage is not supported yet\r\n.*: $", b"s3:https://s3.example.com/bucket/web")
        dialogue.answer(rb"Access key ID, .*: $", b"AKIDEXAMPLE")
        dialogue.wait_for(rb"Secret access key, .*: $")
        self.assertFalse(dialogue.has_echo())
        shown = dialogue.answer(rb"Secret access key, .*: $", b"very secret # thing")
        dialogue.answer(rb"Region, .*: $", b"eu-central-1")
        self.assertTrue(dialogue.has_echo())
        dialogue.answer(rb"Lock objects .*: $", b"30")
        dialogue.answer(rb"'30' needs a unit.*\r\n.*: $", b"5d")
        shown += dialogue.answer(rb"RetainDuration of 5d is outside 14d to 100d\r\n.*: $", b"30d")
        dialogue.answer(rb"\[new\]: $", b"")
        dialogue.answer(rb"Key file to write .*: $", b"")
        status, output, end = dialogue.end()
        self.assertEqual(status, 0, end)
        self.assertNotIn(b"very secret", shown + end + output.encode())
        self.assertEqual(
            self.config_lines()[2:],
            [
                "[Repository]",
                "URL = s3:https://s3.example.com/bucket/web",
                "KeyFile = master.key",
                "",
                "[S3]",
                "KeyID = AKIDEXAMPLE",
                'SecretKey = "very secret # thing"',
                "Region = eu-central-1",
                "RetainDuration = 30d",
            ],
        )
        self.assert_private(self.config)
        self.run_program("-C", self.config, "identify", "--offline")

    def test_existing_files(self):
        os.mkdir(self.path("etc"))
        for name in ("rekkord.ini", "master.key"):
            with open(self.path("etc", name), "w", encoding="utf-8") as file:
                file.write("mine")
        status, output, shown = Dialogue(self, "-C", self.config).end()
        self.assertEqual((status, output), (1, ""))
        self.assertIn(f"cannot write '{self.config}': file exists".encode(), shown)
        self.assertIn(b"use --force", shown)
        # A configuration can be written again, a key cannot.
        dialogue = Dialogue(self, "-f", "-C", self.config)
        dialogue.answer(rb"Repository, .*: $", b"store")
        dialogue.answer(rb"\[new\]: $", b"")
        dialogue.answer(rb"Key file to write .*: $", b"")
        dialogue.answer(rb"exists, and a key file is never replaced\r\n.*: $", b"etc/rekkord.ini")
        dialogue.answer(rb"that is the configuration file\r\n.*: $", b"etc/other.key")
        self.assertEqual(dialogue.end()[0], 0)
        self.assertIn("KeyFile = other.key", self.config_lines())
        with open(self.path("etc", "master.key"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")

    def test_configuration_that_cannot_be_written(self):
        # Where the key can be written and the configuration cannot, no key stays.
        os.makedirs(self.config)
        dialogue = Dialogue(self, "-f", "-C", self.config)
        dialogue.answer(rb"Repository, .*: $", b"store")
        dialogue.answer(rb"\[new\]: $", b"")
        dialogue.answer(rb"Key file to write .*: $", b"")
        status, output, shown = dialogue.end()
        self.assertEqual((status, output), (1, ""), shown)
        self.assertEqual(os.listdir(self.path("etc")), ["rekkord.ini"])

    def test_end_of_input(self):
        questions = (rb"Repository, .*: $", rb"\[new\]: $", rb"Key file to write .*: $")
        for number in range(len(questions)):
            dialogue = Dialogue(self, "-C", self.config)
            for question in questions[:number]:
                dialogue.answer(question, b"store" if b"Repository" in question else b"")
            dialogue.answer(questions[number], b"\x04")
            status, output, shown = dialogue.end()
            self.assertEqual((status, output), (64, ""))
            self.assertIn(b"cannot set up: the input ended before all was said", shown)
            self.assert_nothing_left()

    def test_interruption(self):
        dialogue = Dialogue(self, "-C", self.config)
        dialogue.answer(rb"Repository, .*: $", b"s3:https://s3.example.com/bucket")
        dialogue.answer(rb"Access key ID, .*: $", b"AKIDEXAMPLE")
        dialogue.wait_for(rb"Secret access key, .*: $")
        self.assertFalse(dialogue.has_echo())
        dialogue.process.send_signal(signal.SIGINT)
        status, output, shown = dialogue.end()
        self.assertEqual((status, output), (130, ""))
        self.assertIn(b"rekkord: error: interrupted", shown)
        # The terminal shows again what is typed.
        self.assertTrue(dialogue.has_echo())
        self.assert_nothing_left()

    def test_without_terminal(self):
        for given in (b"", b"store\nnew\n\n"):
            result = subprocess.run(
                [PROGRAM, "setup", "-C", self.config],
                env=self.environment,
                input=given,
                capture_output=True,
                timeout=WAIT,
                check=False,
            )
            self.assertEqual((result.returncode, result.stdout), (64, b""))
            self.assertEqual(
                result.stderr.splitlines()[0],
                b"rekkord: error: cannot set up: standard input and standard error must be a terminal",
            )
            self.assert_nothing_left()
        self.run_program("setup", "--no-config", status=64)
