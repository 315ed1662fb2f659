"""Entries whose names hold slashes, absolute ones and such that lead outside."""

import scenes


class Attack(scenes.RefusedNames):
    names = [b"../outside/treasure", b"/etc/evil", b"a/b", b"/", b"good/"]
    outcome = "No name has a slash: hidden, status 3, and named by a scan"
