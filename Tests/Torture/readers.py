"""Commands that read a repository, and those that change its cache ID or empty the cache."""

import os

import caches
from place import Finding, expect
from rekkord_oracle import blobs
from rekkord_oracle.tree import KIND_FILE
from scenario import Scenario

# Calls that may fail without a word: what they are for does not matter, or is done otherwise.
SILENT = ("unlink", "stat", "lock")


class Repositories(Scenario):
    """A repository with two snapshots."""

    def prepare(self):
        place = self.place
        place.make_keys()
        place.run("save", "web", place.tree)
        place.change_tree()
        place.run("save", "web", place.tree)
        self.before = place.tags()
        self.content = self.contents()
        self.cache_id = place.reader().config.cache_id
        self.roots = place.roots()

    def contents(self):
        found = {}
        for folder, _, names in os.walk(self.place.repo):
            found[folder] = None
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.join(folder, name)] = file.read()
        return found

    def expect_untouched(self):
        expect(self.contents() == self.content, "the repository changed")

    def expect_told(self, outcome):
        """What could not be read of the repository was told."""
        if outcome.victim and outcome.status == 0:
            call, path = outcome.victim
            is_object = path.startswith(str(self.place.repo)) and call not in SILENT
            expect(not is_object, "status 0, and an object could not be read")


class Scan(Repositories):
    name = "scan"

    def arguments(self):
        return self.place.command("scan", key="Master")

    def judge(self, fault, outcome):
        self.expect_untouched()
        self.expect_honest_memory(fault, outcome)
        clear = b": all clear" in outcome.stdout
        expect(clear == (outcome.status == 0) or fault.name == "EPIPE" or not outcome.stdout, "status and report differ")
        if not fault.kills and not fault.is_harmless:
            self.expect_told(outcome)
        result = self.place.run("scan", key="Master")
        expect(b": all clear" in result.stdout, "the next scan is not clear")
        self.expect_untouched()

    def expect_honest_memory(self, fault, outcome):
        """Content that could not be read is not remembered as verified: that would hide damage from the next scan.

        Folders and lists, which are read again to name paths, are trusted by no scan.
        """
        if fault.is_harmless or not outcome.victim or outcome.victim[0] not in ("open", "read"):
            return
        for path in self.place.work.glob("cache/**/scan.sqlite"):
            try:
                remembered = caches.rows(caches.files_of(path), self.place.base / "memory", "SELECT oid FROM blobs")
            except Finding:
                continue  # The next run sets it aside.
            names = {blobs.object_name("R", oid[1:]) for (oid,) in remembered if "MR"[oid[0]] == "R"}
            lost = os.path.relpath(outcome.victim[1], self.place.repo)
            expect(lost not in names, f"the scan remembers {lost} as verified, which it could not read")


class ScanDamaged(Scan):
    """With an object that is damaged from the start, which no fault may hide from the scan that follows."""

    name = "scan-damaged"

    def prepare(self):
        super().prepare()
        path = self.damaged()
        path.write_bytes(self.flipped(path.read_bytes()))
        self.content = self.contents()

    def damaged(self):
        """The largest object of content."""
        return max(self.place.repo.glob("blobs/R/*/*"), key=lambda path: path.stat().st_size)

    @staticmethod
    def flipped(content):
        """The same but for one bit."""
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

    def judge_status(self, fault, outcome):
        if outcome.victim is None or fault.is_harmless and not self.is_cache(outcome.victim):
            expect(outcome.status == 20, f"status {outcome.status}: {outcome.stderr}")
        else:
            super().judge_status(fault, outcome)

    def judge(self, fault, outcome):
        self.expect_untouched()
        self.expect_honest_memory(fault, outcome)
        expect(outcome.status != 0 and b": all clear" not in outcome.stdout, "the damage was not noticed")
        self.place.run("scan", key="Master", statuses=(20,))
        self.expect_untouched()


class Restore(Repositories):
    name = "restore"
    options = ()

    def arguments(self):
        return self.place.command("restore", "--format", "JSON", *self.options, "web", self.target(), key="Master")

    def target(self):
        return self.place.work / "restored"

    def judge(self, fault, outcome):
        place = self.place
        self.expect_untouched()
        self.expect_whole_files()
        if not fault.kills and not fault.is_harmless:
            self.expect_told(outcome)
        if outcome.status == 0 and outcome.stdout:
            place.expect_equal_tree(below=self.target(), restored=True)
        place.run("restore", "-f", *self.options, "web", self.target(), key="Master")
        place.expect_equal_tree(below=self.target(), restored=True)

    def expect_whole_files(self):
        """A file that bears its name has its content."""
        for folder, _, names in os.walk(self.target()):
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith(".rekkord-") and name.endswith(".tmp") or os.path.islink(path):
                    continue
                saved = os.path.relpath(path, self.target())
                with open(path, "rb") as file:
                    expect(self.may_be(saved, file.read()), f"'{saved}' is not what was saved")

    def may_be(self, saved, content):
        with open("/" + saved, "rb") as file:
            return file.read() == content


class RestoreOver(Restore):
    """Into a folder with other files, some of which are to go."""

    name = "restore-over"
    options = ("-f", "--delete", "--sparse", "-m", "Owner,XAttrs")
    old = b"old" * 4000

    def prepare(self):
        super().prepare()
        below = self.target() / str(self.place.tree).lstrip("/")
        for name in ("notes.txt", "sub/more.bin", "sub/gone", "gone/x", "big/y"):
            path = below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.old)

    def may_be(self, saved, content):
        return content == self.old or super().may_be(saved, content)


class ChangeCID(Repositories):
    name = "change_cid"
    is_durable = True

    def arguments(self):
        return self.place.command("change_cid", key="Master")

    def judge_crash(self, reader, state, is_over):
        expect(self.place.tags(reader) == self.before, "tags changed")
        expect(not is_over or reader.config.cache_id != self.cache_id, "the old ID is back")

    def judge(self, fault, outcome):
        place = self.place
        before = place.reader().config
        place.expect_sound()
        expect(place.tags() == self.before, "tags changed")
        place.run("change_cid", key="Master")
        after = place.reader().config
        expect(after.repository_id == before.repository_id and after.cache_id != before.cache_id, "the next change_cid did not change it")
        place.run("save", "web", place.tree)
        place.expect_sound()
        expect(place.roots() == self.roots, "the next save saved something else")


class ResetCache(Repositories):
    """With a cache that calls an object stored that is gone, which is what the command is for."""

    name = "reset_cache"

    def prepare(self):
        super().prepare()
        self.lost = blobs.object_name("R", max(self.files().values(), key=lambda entry: entry.size).hash)
        self.place.lose(self.lost)
        self.content = self.contents()

    def files(self):
        return {path: entry for path, entry in self.place.entries().items() if entry.kind == KIND_FILE}

    def arguments(self):
        return self.place.command("reset_cache", "--all", "--list")

    def judge(self, fault, outcome):
        place = self.place
        self.expect_untouched()
        if outcome.status != 0:
            place.run("reset_cache", "--all", "--list")
        # A cache that was given up, or lost its latest changes, knows less; that never costs more than a warning.
        gave_up = outcome.status == 0 and outcome.victim and (self.is_cache(outcome.victim) or "cannot use cache" in outcome.stderr)
        self.expect_honest_cache(may_lack=gave_up)
        place.run("save", "web", place.tree)
        place.expect_sound()
        expect(place.roots() == self.roots, "the next save saved something else")

    def expect_honest_cache(self, may_lack):
        """It calls stored what is stored, and nothing else."""
        (path,) = self.place.work.glob("cache/**/cache.sqlite")
        remembered = caches.rows(caches.files_of(path), self.place.base / "memory", "SELECT oid FROM blobs")
        found = {blobs.object_name("MR"[oid[0]], oid[1:]) for (oid,) in remembered}
        stored = set(self.place.reader().object_names("blobs/"))
        expect(found <= stored, f"the cache calls stored what is not: {sorted(found - stored)[:3]}")
        expect(may_lack or found == stored, f"the cache does not know {sorted(stored - found)[:3]}")
