"""Entries named `.` and `..`."""

import scenes


class Attack(scenes.RefusedNames):
    names = [b"..", b"."]
    outcome = (
        "Names are checked where they are decoded, so no layer above ever sees one: hidden everywhere, "
        "counted by a restore (status 3), named by a scan"
    )
