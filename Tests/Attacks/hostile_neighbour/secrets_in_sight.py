"""Looking for keys and secrets in arguments, output, errors, modes and core dumps."""

import os
import resource
import stat

import scenes
from gate import Fault
from scenes import MACHINE_USER, REFUSED


class Attack(scenes.Bucket):
    threat = MACHINE_USER
    end = REFUSED
    outcome = (
        "Secrets come from files of mode 0600, are in no argument and no message, and a process that holds "
        "them leaves no core and cannot be traced by its own user's other programs"
    )

    def attack(self):
        secret = "secret of read"
        master = scenes.read(self.key("Master")).split()[3]
        self.gate.faults = [Fault("status-403", match="LIST .*")]
        texts = [self.run_program("snapshots", *self.place(), "-v", "-v", status=1)]
        self.gate.faults = []
        texts.append(self.run_program("snapshots", *self.place(), "-v", "-v"))
        for result in texts:
            for word in (secret.encode(), master):
                self.assertNotIn(word, result.stdout + result.stderr)
        with self.mounted("web") as mount:
            pid = mount.process.pid
            self.assertNotIn(secret.encode(), scenes.read(f"/proc/{pid}/cmdline"))
            self.assertEqual(resource.prlimit(pid, resource.RLIMIT_CORE), (0, 0))
            # What cannot be dumped belongs to root, whoever runs it.
            self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)
        for folder, _, names in os.walk(self.path("cache")):
            for name in names:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode & 0o077, 0, f"{name} {mode:o}")
