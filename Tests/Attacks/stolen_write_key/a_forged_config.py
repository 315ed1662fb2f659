"""A `rekkord` of one's own, sealed with what every key holds and signed with a key of one's own."""

import os

import scenes
from rekkord_oracle import primitives
from rekkord_oracle.config import Config, encode_config
from scenes import REFUSED, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = REFUSED
    outcome = (
        "Its signature needs the master key: no key opens the repository any more, status 12, until the owner"
        " puts `rekkord` back"
    )

    def attack(self):
        class Forger:
            """Knows `akey`, as every key does, and signs with a seed that is not the one behind it."""

            akey, ckey = self.thief.akey, os.urandom(32)

        forged = encode_config(Config(os.urandom(16), os.urandom(16)), Forger)
        own = primitives.ed25519_public(Forger.ckey)
        forged = forged[:-64] + primitives.sign(Forger.ckey, own, forged[:-64])
        good = scenes.read(self.stored("rekkord"))
        self.plant("rekkord", forged)
        for key, command in (("WriteOnly", ["save", "web", self.source]), ("Master", ["snapshots"]), ("ReadWrite", ["list", "web"])):
            self.refused(command[0], *self.place(key), *command[1:], status=12, says="key does not match")
        self.plant("rekkord", good)
        self.assertEqual(self.restored("web"), self.good_contents())
