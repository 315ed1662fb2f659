"""A nightly run and what surrounds it: saving a whole system, progress, installation, and the pages that tell about it."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

from foreign import FixtureCase
from odd_tree import write
from program import PROGRAM, SandboxCase, need_fuse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WAIT = 60
UNITS = ("rekkord-save@web.service", "rekkord-save@web.timer", "rekkord-scan.service", "rekkord-scan.timer")
# What "systemd-analyze security" calls OK ends at 49; tenths of its points.
EXPOSURE = 29


def shell(script, folder, environment, private=False):
    """Runs a script, on request where its mounts are seen by nobody else and end with it."""
    command = ["sh", "-eu", "-c", script]
    if private:
        command = ["unshare", "--mount", "--propagation", "private", *command]
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)


def examples(document):
    """The blocks of a document that are marked as shell."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


class NightlyCase(SandboxCase):
    def run_shell(self, script, **options):
        environment = self.environment | options.pop("environment", {})
        result = shell(script, self.folder, environment, **options)
        self.assertEqual(result.returncode, 0, f"{script}\n{os.fsdecode(result.stdout + result.stderr)}")
        return result


class ProgressTests(SandboxCase):
    """What a terminal shows while a save runs; without one there is nothing (SaveMessageTests)."""

    def setUp(self):
        super().setUp()
        self.make_repository()
        os.mkdir(self.path("source"))
        with open(self.path("source", "hole"), "wb") as file:
            # Takes no room, and much longer to read than anybody waits.
            file.truncate(1 << 40)

    def test_rate_and_remaining_time(self):
        user, terminal = pty.openpty()
        process = subprocess.Popen(
            [PROGRAM, "save", *self.place("WriteOnly"), "web", self.path("source")],
            env=self.environment | {"TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=terminal,
        )
        os.close(terminal)
        shown = b""
        line = rb"Saving: 1 entry, [\d.]+ \w?B of 1\.100 TB, [\d.]+ \w?B/s, \d\w+ left"
        deadline = time.monotonic() + WAIT
        while not re.search(line, shown) and time.monotonic() < deadline:
            if select.select([user], [], [], 1)[0]:
                shown += os.read(user, 4096)
        process.send_signal(signal.SIGINT)
        self.assertRegex(shown, line)
        while True:
            try:
                piece = os.read(user, 4096)
            except OSError:  # how a terminal ends
                break
            if not piece:
                break
            shown += piece
        os.close(user)
        self.assertEqual(process.wait(WAIT), 130)
        self.assertEqual(process.stdout.read(), b"")
        process.stdout.close()
        # The line makes way for what stays.
        self.assertTrue(shown.endswith(b"\r\x1b[Krekkord: \x1b[1;31merror:\x1b[0m interrupted\r\n"), shown[-80:])


class WholeSystemTests(NightlyCase):
    """`save /`, in a small system of its own below a folder."""

    def test_whole_system(self):
        need_fuse()
        if os.geteuid() != 0:
            self.skipTest("needs root")
        self.make_repository()
        build = os.path.realpath(os.path.dirname(PROGRAM))
        script = f"""
            mkdir system
            cd system
            mkdir -p data/inner dev etc mnt opt proc repo root cache run sys usr keys .{build}
            echo text >data/inner/file
            ln -s inner data/link
            ln -s data shortcut
            for name in bin lib lib64; do ln -s usr/$name $name; done
            mount --bind /usr usr
            mount --bind {build} .{build}
            if [ -d /opt ]; then mount --bind /opt opt; fi
            mount -t proc proc proc
            mount -t sysfs sysfs sys
            mount --bind /dev dev
            mount --bind ../repo repo
            cp ../*.key keys
            export HOME=/root REKKORD_REPOSITORY=/repo REKKORD_KEY_FILE=/keys/WriteOnly.key
            program=$(realpath {PROGRAM})
            run() {{ chroot . "$program" "$@" --cache-dir /cache; }}
            run save first /etc >/dev/null
            run mount -K /keys/master.key first /mnt 2>/dev/null
            run save --exclude /usr --exclude /opt --exclude /dev --exclude {build} --format JSON web / 2>messages
            umount mnt
            cat messages >&2
            run list -K /keys/master.key --format JSON --recurse web >../listing
        """
        result = self.run_shell(script, private=True)
        self.assertEqual(
            sorted(result.stderr.decode().splitlines()),
            [
                "rekkord: warning: not entering '/cache': the cache",
                "rekkord: warning: not entering '/mnt': mount of rekkord",
                "rekkord: warning: not entering '/proc', '/sys': pseudo file system",
                "rekkord: warning: not entering '/repo': the repository",
            ],
        )
        summary = json.loads(result.stdout)
        self.assertEqual((summary["status"], summary["unreadable"]), (0, 0))
        with open(self.path("listing")) as file:
            snapshot = json.load(file)[0]
        roots = {entry["name"]: entry for entry in snapshot["children"]}
        for name in ("cache", "mnt", "proc", "repo", "sys"):
            self.assertEqual((roots[name]["type"], roots[name]["children"]), ("Directory", []), name)
        for name in ("bin", "lib", "lib64", "shortcut"):
            self.assertEqual(roots[name]["type"], "Link", name)
        self.assertEqual(list(roots), sorted(roots))
        self.assertNotIn("usr", roots)
        inner = {entry["name"]: entry for entry in roots["data"]["children"]}
        self.assertEqual(inner["inner"]["children"][0]["size"], 5)
        self.assertEqual(inner["link"]["type"], "Link")
        # Saved again: the entries of / are found in the cache.
        self.assert_sound()


class InstallTests(NightlyCase):
    """scripts/install into a folder of its own."""

    def setUp(self):
        super().setUp()
        self.tree = self.path("tree")
        self.install("/usr")

    def install(self, prefix):
        settings = {"DESTDIR": self.tree, "PREFIX": prefix, "REKKORD_BINARY": os.path.realpath(PROGRAM)}
        result = self.run_shell(str(ROOT / "scripts/install"), environment=settings)
        return result.stdout.decode().splitlines()

    def test_every_file_is_told(self):
        shutil.rmtree(self.tree)
        told = self.install("/opt/backup")
        there = [os.path.join(folder, name) for folder, _, names in os.walk(self.tree) for name in names]
        self.assertEqual(sorted(told), sorted(there))
        for name in ("bin/rekkord", "share/man/man5/rekkord.ini.5", "lib/systemd/system/rekkord-scan.timer"):
            self.assertIn(f"{self.tree}/opt/backup/{name}", told)
        self.assertEqual(os.readlink(f"{self.tree}/sbin/mount.fuse.rekkord"), "/opt/backup/bin/rekkord")
        unit = pathlib.Path(self.tree, "opt/backup/lib/systemd/system/rekkord-save@.service").read_text()
        self.assertIn("\nExecStart=/opt/backup/bin/rekkord save ", unit)

    def test_units_are_right_and_hardened(self):
        # They refer to units of systemd itself.
        shutil.copytree("/usr/lib/systemd/system", f"{self.tree}/usr/lib/systemd/system", symlinks=True, dirs_exist_ok=True)
        for unit in UNITS:
            result = self.run_shell(f"systemd-analyze verify --man=no --recursive-errors=yes --root=tree {unit}")
            self.assertEqual(result.stderr, b"", unit)
        for unit in UNITS[::2]:
            self.run_shell(f"systemd-analyze security --no-pager --offline=yes --threshold={EXPOSURE} --root=tree {unit}")
        self.run_shell(f"systemd-analyze verify --man=no --recursive-errors=no '{ROOT}/contrib/systemd/mnt-backup.mount'")

    def test_units_use_options_that_exist(self):
        commands = {command["commandName"]: command for command in self.dump()["command"]["subcommands"]}
        for unit in pathlib.Path(self.tree, "usr/lib/systemd/system").glob("rekkord-*.service"):
            line = re.search(r"^ExecStart=/usr/bin/rekkord (.*)$", unit.read_text(), re.MULTILINE)[1].split()
            known = {f"--{n['name']}" for a in commands[line[0]]["arguments"] for n in a.get("names") or []}
            self.assertLessEqual({word for word in line if word.startswith("--")}, known, unit.name)

    def test_bash_completion(self):
        script = """
            source tree/usr/share/bash-completion/completions/rekkord
            complete_words() {
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
                _rekkord rekkord "${@: -1}" "${@: -2:1}"
                echo "${COMPREPLY[*]}"
            }
            complete_words rekkord ch
            complete_words rekkord save --excl
            complete_words rekkord save --format ''
        """
        lines = self.complete(["bash", "-c", script])
        self.assertEqual(set(lines[0].split()), {"channels", "change_cid"})
        self.assertIn("--exclude-from", lines[1].split())
        self.assertEqual(lines[2].split(), ["Plain", "JSON"])

    def test_fish_completion(self):
        script = """
            source tree/usr/share/fish/vendor_completions.d/rekkord.fish
            complete -C 'rekkord ch'
            complete -C 'rekkord save --exclude-fr'
        """
        lines = [line.split("\t")[0] for line in self.complete(["fish", "--no-config", "-c", script])]
        self.assertEqual(set(lines), {"change_cid", "channels", "--exclude-from"})

    def test_zsh_completion(self):
        path = self.path("tree/usr/share/zsh/vendor-completions/_rekkord")
        self.complete(["zsh", "--no-rcs", "-n", path])
        # The first line makes compinit(1) find it; what it offers is checked by its functions.
        text = pathlib.Path(path).read_text()
        self.assertTrue(text.startswith("#compdef rekkord\n"))
        for command in self.dump()["command"]["subcommands"]:
            self.assertIn(f"'{command['commandName']}:", text)

    def complete(self, command):
        environment = self.environment | {"PATH": f"{self.tree}/usr/bin:{os.environ['PATH']}", "TERM": "dumb"}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def dump(self):
        return self.run_json("--experimental-dump-help")


class DocumentTests(NightlyCase):
    """What the pages show is run as it stands."""

    # The pages are for a machine of its own; here that is what the script sees of this one.
    MACHINE = f"""
        trap 'umount -l /mnt/backup /mnt 2>/dev/null || :' EXIT
        cp -a /etc etc
        rm -rf etc/rekkord
        mount --bind etc /etc
        for place in /home /mnt /srv; do mount -t tmpfs -o mode=755 none $place; done
        mkdir -p /home/alice /srv/www/logs bin tmp
        echo 'Dear reader' >/home/alice/letter
        echo 'Hello' >/srv/www/index.html
        ln -s '{os.path.realpath(PROGRAM)}' bin/rekkord
        PATH=$PWD/bin:$PATH
    """

    def run_on_machine(self, *scripts):
        need_fuse()
        if os.geteuid() != 0:
            self.skipTest("needs root")
        return self.run_shell("\n".join([self.MACHINE, *scripts]), private=True)

    def elsewhere(self, text):
        """An example with a folder of ours in place of /tmp, which all share."""
        self.assertIn(" /tmp/", text)
        return text.replace(" /tmp/", f" {self.path('tmp')}/")

    def test_readme(self):
        first, _ = examples("README.md")
        check = """
            cmp /srv/www/index.html tmp/www/index.html
            diff -r tmp/www tmp/www2
        """
        self.run_on_machine(self.elsewhere(first), check)

    def test_restoring(self):
        survey, machine, parts, into = examples("docs/restoring.md")
        prepare = """
            mkdir -p /etc/nginx /mnt/new
            echo 'worker_processes 2;' >/etc/nginx/nginx.conf
            [ -e /etc/fstab ] || echo '# none' >/etc/fstab
            rekkord init -g -R /srv/backup -K master.key
            rekkord save -R /srv/backup -K master.key -m XAttrs web /etc /home /srv/www
        """
        snapshot = "M0B9C…2825"
        self.assertIn(snapshot, parts)
        parts = self.elsewhere(parts).replace(snapshot, "$(rekkord snapshots -c web | grep -oE 'M[0-9A-F]{64}' | head -n 1)")
        check = """
            cmp /srv/www/index.html /mnt/new/srv/www/index.html
            diff -r /etc/nginx tmp/nginx
            cmp /etc/fstab tmp/fstab.old
            diff -r /srv/www /srv/www.yesterday
            echo 'Hallo' >/srv/www/index.html
            touch /srv/www/new
            rm -r /srv/www/logs /home/alice/letter
        """
        last = """
            diff -r /srv/www.yesterday /srv/www
            grep -q 'Dear reader' /home/alice/letter
        """
        result = self.run_on_machine(prepare, survey, machine, parts, check, into, last)
        self.assertIn(b"web", result.stdout)
        self.assertNotIn(b"error", result.stderr)

    def test_getting_started(self):
        install, *rest = examples("docs/getting-started.md")
        # That with the package is an item of scripts/accept.
        self.assertEqual(install, "apt-get install -y ./rekkord_*.deb\n")
        self.assertGreater(len(rest), 7)
        result = self.run_on_machine(*rest)
        self.assertRegex(result.stdout, rb"\[dry run\]")
        self.assertNotIn(b"error", result.stderr)

    def test_migrating(self):
        class Fixture(FixtureCase):
            def runTest(self):
                pass

        fixture = Fixture()
        fixture.setUp()
        self.addCleanup(fixture.doCleanups)
        for name in ("documents", "bin"):
            os.mkdir(fixture.path(name))
        write(fixture.path("documents", "letter"), b"Dear reader")
        os.symlink(os.path.realpath(PROGRAM), fixture.path("bin", "rekkord"))
        settings = {
            "PATH": f"{fixture.path('bin')}:{os.environ['PATH']}",
            "REKKORD_REPOSITORY": fixture.repo,
            "REKKORD_KEY_FILE": fixture.key("Master"),
        }
        script = "\n".join(examples("docs/migrating.md"))
        result = shell(script.replace("list web", "list alpha"), fixture.folder, fixture.environment | settings)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"beta:with/odd name", result.stdout)


if __name__ == "__main__":
    unittest.main()
