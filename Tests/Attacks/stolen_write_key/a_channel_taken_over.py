"""A snapshot added to the channel of another machine, whose newest it then is."""

import scenes
from scenes import OUT_OF_REACH, WRITE_ONLY_KEY


class Attack(scenes.SavedRepository):
    threat = WRITE_ONLY_KEY
    end = OUT_OF_REACH
    outcome = (
        "Any key that writes may write to any channel. The older snapshots stay; `snapshots -v` shows which "
        "key made which, and one key for each machine tells them apart"
    )

    def attack(self):
        (honest,) = self.snapshots()
        path, other = self.another_key()
        scenes.put(self.path("evil", "notes"), b"content that never was")
        self.run_program("save", "-R", self.repo, "-K", path, "web", self.path("evil"))
        first, second = self.snapshots()
        self.assertEqual((first, second["key"]), (honest, other.kid_text))
        self.assertNotEqual(first["key"], second["key"])
        result = self.run_program("snapshots", *self.place("Master"), "-v")
        self.assertIn(f"+ Key: {other.kid_text}".encode(), result.stdout)
        self.assertEqual(self.restored(honest["object"]), self.good_contents())
        self.scan()
