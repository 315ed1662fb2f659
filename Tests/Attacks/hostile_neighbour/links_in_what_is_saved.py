"""Links to secrets, pipes and exchanged folders in a tree that somebody else saves."""

import os

import scenes
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "A link is saved as a link, a pipe is never opened: nobody gets a file of another user into a "
        "snapshot by naming it"
    )

    def attack(self):
        os.symlink(self.treasure, f"{self.source}/link")
        os.symlink(self.outside, f"{self.source}/folder")
        os.mkfifo(f"{self.source}/pipe")
        os.symlink("/dev/zero", f"{self.source}/endless")
        self.save("web", self.source)
        found = self.restored("web", status=None)
        self.assertEqual(found[self.below("link")], self.treasure)
        self.assertEqual(found[self.below("folder")], self.outside)
        self.assertEqual(found[self.below("endless")], "/dev/zero")
        self.assertNotIn(self.below("pipe"), found)
        # The content is not stored at all.
        self.assertFalse(os.path.exists(self.stored(self.object_of(scenes.TREASURE))))
