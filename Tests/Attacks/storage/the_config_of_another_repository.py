"""`rekkord` replaced by that of another repository, cut off, of another version, or gone."""

import os

import scenes
from rekkord_oracle.config import Config, encode_config
from rekkord_oracle.keys import master_key_set
from scenes import REFUSED, STORAGE_WRITER


class Attack(scenes.SavedRepository):
    threat = STORAGE_WRITER
    end = REFUSED
    outcome = (
        "Nothing opens a repository whose `rekkord` the master key did not sign; nothing is written into it. "
        "Put it back from a version or a copy"
    )

    def attack(self):
        good = scenes.read(self.stored("rekkord"))
        other = encode_config(Config(os.urandom(16), os.urandom(16)), master_key_set(os.urandom(32)))
        tail = bytearray(good)
        tail[2000] ^= 1
        for data, status, words in (
            (other, 12, "key does not match"),
            (good[:-1], 12, "key does not match"),
            (bytes(tail), 12, "key does not match"),
            (b"\x04" + good[1:], 1, "config version 4 is not supported"),
            (good + b"\0", 1, "malformed config object"),
            (b"", 1, "malformed config object"),
            (None, 10, "not initialised"),
        ):
            os.unlink(self.stored("rekkord"))
            if data is not None:
                self.plant("rekkord", data)
            before = scenes.listing(self.repo)
            for key, command in (("WriteOnly", ["save", "web", self.source]), ("Master", ["snapshots"])):
                self.refused(command[0], *self.place(key), *command[1:], status=status, says=words)
            self.assertEqual(scenes.listing(self.repo), before)
            self.plant("rekkord", good)
        self.scan()
