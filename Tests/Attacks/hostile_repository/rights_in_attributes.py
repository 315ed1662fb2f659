"""File capabilities, trusted attributes and broken access lists."""

import os

import scenes
from rekkord_oracle import tree
from scenes import REFUSED, REPOSITORY_MAKER

CAPABILITY = bytes.fromhex("0100000200000020" + "00" * 12)  # cap_sys_admin


class Attack(scenes.WrittenRepository):
    threat = REPOSITORY_MAKER
    end = REFUSED
    outcome = (
        "Attributes that give rights are restored with `-m Owner,XAttrs` only, as owners are; malformed ones "
        "are named and skipped"
    )

    def attack(self):
        w = self.writer
        good = tree.encode_extended([(b"user.note", b"kept")])
        extended = {
            b"capable": tree.encode_extended([(b"security.capability", CAPABILITY), (b"trusted.evil", b"x"), (b"user.note", b"kept")]),
            b"cut": good[:-1],
            b"no key end": b"\x03\x00abc",
            b"length beyond": b"\xff\xff" + good,
            b"no list": tree.encode_extended([(b"rk.acl1", b"user:x:y\nnonsense")]),
            b"fine": good,
        }
        snapshot = self.save_top(*(w.file_entry(name, b"#!/bin/sh\n", mode=0o755, extended=value) for name, value in extended.items()))
        found = self.restored(snapshot, "-m", "XAttrs", status=None)
        self.assertEqual(len(found), 1 + len(extended))
        for name in extended:
            path = os.path.join(os.fsencode(self.path("restored", "top")), name)
            self.assertLessEqual(set(os.listxattr(path)), {"user.note"}, name)
        self.assertEqual(os.getxattr(self.path("restored", "top", "fine"), "user.note"), b"kept")
        self.shown(snapshot)
        self.listed(snapshot)
