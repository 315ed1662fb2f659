"""A server that confirms writes and keeps nothing, or says that everything is there already."""

import scenes
from scenes import DETECTED, STORAGE_WRITER


class Attack(scenes.Bucket):
    threat = STORAGE_WRITER
    end = DETECTED
    outcome = (
        "A save cannot see it, since it may not read; a scan names what is missing. Scan after the first "
        "save, and often"
    )

    def attack(self):
        for number, status in enumerate((200, 412)):
            content = b"new content %d" % number
            scenes.put(self.source + "/new", content)
            blob = self.object_of(content)
            self.lie(lambda request, ask: (status, {"ETag": '"x"'}, b"") if request.startswith(f"PUT {blob}") else ask())
            self.save_tree()
            paths = {each["path"] for each in self.scan(status=20)["problems"]}
            self.assertEqual(paths, {self.below("new")})
            self.assertNotIn(self.below("new"), self.restored("web", status=3))
            # The way back: the object is not there, so a machine that forgets stores it.
            self.lie(lambda request, ask: ask())
            self.run_as("owner", "change_cid")
            self.save_tree()
            self.assertEqual(self.scan()["problems"], [])
