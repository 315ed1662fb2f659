"""The programs that are measured: each saves a tree and mounts it in its own way."""

import contextlib
import os
import subprocess
import time

from measure import Failure, run

MOUNT_TIMEOUT_SECONDS = 120


class Tool:
    """A program that saves a tree and mounts it; the subclasses know its commands."""

    def __init__(self, folder, program):
        self.program = program
        self.home = os.path.join(folder, self.name)
        self.resets = 0

    def reset(self):
        """Makes a new repository with nothing remembered.

        Its folder is new as well: ext4 is slow to make files for a minute or more after many were removed.
        """
        self.resets += 1
        self.saves = 0
        self.folder = os.path.join(self.home, str(self.resets))
        self.repository = os.path.join(self.folder, "repository")
        self.cache = os.path.join(self.folder, "cache")
        self.mount_point = os.path.join(self.folder, "mount")
        os.makedirs(self.mount_point)
        os.makedirs(self.cache)
        for command in self.init_commands():
            run(command, self.environment())

    def environment(self):
        return {**os.environ, **self.variables()}

    def save(self, source):
        self.saves += 1
        return run(self.save_command(source), self.environment())

    def restore(self, target):
        """Restores all to a new folder; the subclasses know where in it the source then is."""
        return run(self.restore_command(target), self.environment())

    def restored_path(self, target, source):
        return target + source

    @contextlib.contextmanager
    def mounted(self, source):
        """Mounts the saved tree and gives its folder and the process that serves it."""
        log = os.path.join(self.folder, "mount.log")
        with open(log, "wb") as output:
            server = subprocess.Popen(self.mount_command(), env=self.environment(), stdin=subprocess.DEVNULL,
                                      stdout=output, stderr=output)
        try:
            def complaint():
                with open(log, errors="replace") as text:
                    return text.read()[-2000:]

            wait_for_mount(self.mount_point, server, self.name, complaint)
            yield self.saved_path(source), server
        finally:
            unmount(self.mount_point, server)


class Rekkord(Tool):
    name = "rekkord"
    mount_options = ()
    save_options = ()

    def variables(self):
        return {"REKKORD_REPOSITORY": self.repository, "REKKORD_KEY_FILE": os.path.join(self.folder, "key")}

    def common(self):
        return ["--no-config", "--cache-dir", self.cache]

    def init_commands(self):
        return [[self.program, "init", "-g", *self.common()]]

    def save_command(self, source):
        return [self.program, "save", *self.common(), *self.save_options, "bench", source]

    def restore_command(self, target):
        return [self.program, "restore", *self.common(), "bench", target]

    def mount_command(self):
        return [self.program, "mount", "--foreground", *self.common(), *self.mount_options, "bench", self.mount_point]

    def saved_path(self, source):
        return self.mount_point + source


class Restic(Tool):
    name = "restic"

    def variables(self):
        return {"RESTIC_REPOSITORY": self.repository, "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": self.cache}

    def init_commands(self):
        return [[self.program, "init", "--quiet"]]

    def save_command(self, source):
        return [self.program, "backup", "--quiet", source]

    def restore_command(self, target):
        return [self.program, "restore", "--quiet", "latest", "--target", target]

    def mount_command(self):
        return [self.program, "mount", self.mount_point]

    def saved_path(self, source):
        return f"{self.mount_point}/snapshots/latest{source}"


class Borg(Tool):
    name = "borg"

    def variables(self):
        return {"BORG_REPO": self.repository, "BORG_PASSPHRASE": "bench", "BORG_BASE_DIR": self.cache}

    def init_commands(self):
        return [[self.program, "init", "--encryption", "repokey-blake2"]]

    def save_command(self, source):
        return [self.program, "create", f"::save-{self.saves}", source]

    def restore_command(self, target):
        os.mkdir(target)
        return ["sh", "-c", 'cd "$1" && exec "$2" extract "$3"', "sh", target, self.program, f"::save-{self.saves}"]

    def mount_command(self):
        return [self.program, "mount", "--foreground", f"::save-{self.saves}", self.mount_point]

    def saved_path(self, source):
        return self.mount_point + source


class RcloneCrypt(Tool):
    """Encrypts as it copies, file by file; a mount that caches nothing on disk, as ours does not either."""

    name = "rclone"

    def variables(self):
        return {"RCLONE_CONFIG": os.path.join(self.folder, "config"), "RCLONE_CACHE_DIR": self.cache}

    def init_commands(self):
        os.mkdir(self.repository)
        return [[self.program, "config", "create", "secret", "crypt", f"remote={self.repository}", "password=bench",
                 "--obscure", "--quiet"]]

    def save_command(self, source):
        return [self.program, "copy", "--quiet", "--links", "--metadata", source, "secret:"]

    def restore_command(self, target):
        return [self.program, "copy", "--quiet", "--links", "--metadata", "secret:", target]

    def restored_path(self, target, _source):
        return target

    def mount_command(self):
        return [self.program, "mount", "--read-only", "--links", "secret:", self.mount_point]

    def saved_path(self, _source):
        return self.mount_point


class Floor:
    """The empty server: it shows names and attributes, and any bytes as content."""

    name = "floor"

    def __init__(self, folder, program):
        self.folder = folder
        self.program = program

    @contextlib.contextmanager
    def mounted(self, *what):
        point = os.path.join(self.folder, "floor-mount")
        os.makedirs(point, exist_ok=True)
        server = subprocess.Popen([self.program, *map(str, what), point], stdin=subprocess.DEVNULL)
        try:
            wait_for_mount(point, server, self.name, lambda: "")
            yield point, server
        finally:
            unmount(point, server)


def wait_for_mount(point, server, name, log):
    deadline = time.monotonic() + MOUNT_TIMEOUT_SECONDS
    while not os.path.ismount(point):
        if server.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"{name} does not mount:\n{log()}")
        time.sleep(0.02)


def unmount(point, server):
    for command in (["umount", point], ["fusermount3", "-u", point], ["umount", "-l", point],
                    ["fusermount3", "-uz", point]):
        if not os.path.ismount(point):
            break
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
