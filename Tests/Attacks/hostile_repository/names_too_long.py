"""Entries whose names are longer than any file system has."""

import scenes


class Attack(scenes.RefusedNames):
    names = [b"l" * 256, b"l" * 60_000]
    outcome = "A name has at most 255 bytes: hidden, status 3, and named by a scan"
