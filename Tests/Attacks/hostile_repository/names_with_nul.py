"""Entries whose names hold NUL, or nothing."""

import scenes


class Attack(scenes.RefusedNames):
    names = [b"good\0", b"\0", b"..\0x", b""]
    outcome = (
        "Refused before any call of the system could see a shorter name: hidden, status 3, and named by a "
        "scan"
    )
