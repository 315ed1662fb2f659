"""Repositories that the program did not make."""

import json
import os
import tarfile

from program import SandboxCase
from rekkord_oracle import keys
from rekkord_oracle.writer import RepositoryWriter

FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fixtures", "foreign")
# Folders that only lead to a saved path; they have no times and owners of their own.
IMPLIED = ({"srv"}, {"srv"}, {"srv", "srv/fixture"})


class FixtureCase(SandboxCase):
    """The repository of Tests/Fixtures/foreign, with what it must show."""

    def setUp(self):
        super().setUp()
        with tarfile.open(os.path.join(FIXTURE, "repository.tar")) as archive:
            archive.extractall(self.folder, filter="fully_trusted")
        with open(os.path.join(FIXTURE, "expected.json"), encoding="utf-8") as file:
            self.expected = json.load(file)


class WrittenCase(SandboxCase):
    """A repository that the test writes with the oracle; `self.writer` is open."""

    def setUp(self):
        super().setUp()
        self.writer = RepositoryWriter(self.repo).create()
        self.writer.save_master_key(self.key("Master"))
        for number, name in enumerate(keys.TYPE_NAMES[1:], start=1):
            self.writer.derive(number, self.key(name))
