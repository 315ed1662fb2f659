"""A server that answers each request for a blob with another, well-formed one."""

import errno

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "Asked once more over a new connection, then named as damage: one bad answer is transport, the same "
        "one again is not"
    )

    def attack(self):
        self.hurry()
        name = self.object_of(scenes.read(self.source + "/notes"))
        other = self.current(self.object_of(scenes.read(self.source + "/sub/more"))).body
        asked = []

        def answer(request, ask):
            status, headers, body = ask()
            if request != f"GET {name}":
                return status, headers, body
            asked.append(request)
            return status, headers, other

        self.lie(answer)
        good = self.good_contents() | {self.below("notes"): errno.EIO}
        self.assertEqual(self.shown("web"), good)
        self.assertGreaterEqual(len(asked), 2)
        (problem,) = self.scan(status=20)["problems"]
        self.assertEqual((problem["what"], problem["key"]), ("hash", name))
