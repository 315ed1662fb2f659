"""Folders of the destination exchanged with links again and again while a restore writes."""

import ctypes
import os
import threading

import scenes
from scenes import MACHINE_USER, REFUSED

AT_FDCWD, RENAME_EXCHANGE = -100, 2
FOLDERS, ROUNDS = 100, 5


class Attack(scenes.SavedRepository):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "A folder is opened without following links, and stays the one that is written to, whatever takes"
        " its name: entries fail and are named, and nothing is written elsewhere"
    )

    def attack(self):
        for number in range(FOLDERS):
            scenes.put(f"{self.source}/{number}/file", b"%d" % number)
        self.save("web", self.source)
        library = ctypes.CDLL(None)
        for round in range(ROUNDS):
            target, traps = self.path(f"target {round}"), self.path(f"traps {round}")
            os.mkdir(traps)
            pairs = []
            for number in range(FOLDERS):
                folder, link = os.path.join(target, self.below(str(number))), os.path.join(traps, str(number))
                os.makedirs(folder)
                os.symlink(self.outside, link)
                pairs.append((os.fsencode(folder), os.fsencode(link)))
            end = threading.Event()

            def exchange():
                while not end.is_set():
                    for folder, link in pairs:
                        library.renameat2(AT_FDCWD, folder, AT_FDCWD, link, RENAME_EXCHANGE)

            thread = threading.Thread(target=exchange)
            thread.start()
            try:
                result = self.run_program("restore", *self.place("Master"), "-f", "web", target, status=None)
            finally:
                end.set()
                thread.join()
            self.assertIn(result.returncode, (0, 3))
            self.assertEqual(os.listdir(self.outside), ["treasure"])
