"""Who thinks up the steps of a sequence: seeded, each with all that it does written down, so that it can be repeated."""

import os
import random


NAMES = ["a", "b", "c", "d", "e", "ü", "latin-\udce9", "line\nbreak", " blank ", ".hidden", "-dash", "long" * 50]
SIZES = [0, 1, 100, 4096, 5000, 20_000, 70_000]
LARGE_SIZES = [300_000, 1_200_000, 3_000_000]
TARGETS = ["a", "../b", "/nowhere", "t" * 1000, "latin-\udce9", "."]
MODES = [0o600, 0o644, 0o755, 0o700, 0o400, 0o1777, 0o4755, 0o2711]
# So few that machines often have the same content.
SEEDS = 24
MOST_ENTRIES = 60
EARLY_CHANGES = 16
# Of 100 steps, about.
WEIGHTS = {
    "change": 55,
    "save": 17,
    "both": 5,
    "save-while-changing": 2,
    "scan": 3,
    "restore": 4,
    "look": 5,
    "history": 2,
    "list": 2,
    "snapshots": 2,
    "check": 2,
    "mount": 1,
    "kill-mount": 1,
    "change-cid": 0.5,
    "verify": 0.5,
    "settle": 0.3,
}
CHANGES = {
    "write": 30,
    "append": 10,
    "truncate": 6,
    "sneak": 14,
    "replace": 8,
    "remove": 8,
    "rename": 10,
    "swap": 6,
    "mkdir": 4,
    "symlink": 5,
    "link": 5,
    "fifo": 1,
    "chmod": 5,
    "chown": 3,
    "touch": 6,
    "attribute": 5,
}


class Author:
    def __init__(self, seed, world):
        self.chance, self.world, self.number = random.Random(seed), world, 0

    def next(self):
        """One more step of the world as it is now."""
        self.number += 1
        what = "change" if self.number <= EARLY_CHANGES else self.one_of(WEIGHTS)
        make = getattr(self, what.replace("-", "_"), dict)
        return {"do": what, "n": self.number, **make()}

    def one_of(self, weights):
        return self.chance.choices(list(weights), weights.values())[0]

    def happens(self, probability):
        return self.chance.random() < probability

    def machine_number(self):
        return self.chance.randrange(len(self.world.machines))

    # Places and contents

    def entries(self, machine):
        """{path: "folder", "file" or "other"} of a tree as it is."""
        top = self.world.machines[machine].tree.top
        found = {}
        for folder, folders, names in os.walk(top):
            below = os.path.relpath(folder, top)
            for name in sorted(folders + names):
                path = os.path.join(folder, name)
                kind = "other" if os.path.islink(path) else "file" if os.path.isfile(path) else "folder" if name in folders else "other"
                found[os.path.normpath(os.path.join(below, name))] = kind
        return dict(sorted(found.items()))

    def existing(self, entries):
        return self.chance.choice(list(entries)) if entries else self.chance.choice(NAMES)

    def file(self, entries):
        return self.existing([path for path, kind in entries.items() if kind == "file"])

    def new(self, entries):
        folders = [path for path, kind in entries.items() if kind == "folder" and path.count("/") < 4]
        name = self.chance.choice(NAMES)
        return os.path.join(self.chance.choice(folders), name) if folders and self.happens(0.7) else name

    def some(self, entries):
        return self.existing(entries) if self.happens(0.6) else self.new(entries)

    def size(self):
        return self.chance.choice(LARGE_SIZES if self.happens(0.04) else SIZES)

    def seed(self):
        return self.chance.randrange(SEEDS)

    # Changes

    def change(self, machine=None):
        machine = self.machine_number() if machine is None else machine
        entries = self.entries(machine)
        kind = "remove" if len(entries) > MOST_ENTRIES else self.one_of(CHANGES)
        return {"machine": machine, "change": kind, **self.fields(kind, entries)}

    def fields(self, kind, entries):
        chance, path, file = self.chance, self.existing(entries), self.file(entries)
        match kind:
            case "write":
                return {"path": self.some(entries), "seed": self.seed(), "size": self.size()}
            case "append":
                return {"path": file, "seed": self.seed(), "size": chance.choice(SIZES)}
            case "truncate":
                return {"path": file, "size": self.size()}
            case "sneak":
                return {"path": file, "start": chance.randrange(1 << 20), "seed": self.seed(), "size": chance.choice(SIZES[1:])}
            case "replace":
                return {"path": file, "seed": self.seed()}
            case "rename":
                return {"path": path, "to": self.some(entries)}
            case "swap":
                return {"path": path, "to": self.existing(entries)}
            case "mkdir" | "fifo":
                return {"path": self.new(entries)}
            case "symlink":
                return {"path": self.new(entries), "target": chance.choice(TARGETS)}
            case "link":
                return {"path": file, "to": self.new(entries)}
            case "chmod":
                return {"path": path, "mode": chance.choice(MODES)}
            case "chown":
                ids = (0, 1000, 54_321) if os.geteuid() == 0 else (os.geteuid(),)
                return {"path": path, "uid": chance.choice(ids), "gid": chance.choice(ids) if len(ids) > 1 else os.getegid()}
            case "touch":
                return {"path": path, "milliseconds": chance.choice((0, 1_700_000_000_123, 4_102_444_800_999))}
            case "attribute":
                value = chance.choice((None, "", "value", "v" * 2000))
                return {"path": path, "name": chance.choice(("user.a", "user.b")), "value": value}
        return {"path": path}

    # Commands

    def save(self, machine=None):
        machine = self.machine_number() if machine is None else machine
        step = {"machine": machine, "options": [], "n": self.number, "threads": self.chance.choice((1, 1, 4))}
        for option in ("--rehash", "--force"):
            step["options"] += [option] if self.happens(0.12) else []
        step["options"] += ["-m", "XAttrs"] if self.happens(0.4) else []
        if self.happens(0.5):
            step["ahead"] = True
        if self.happens(0.2):
            step["cache"] = self.chance.choice(("delete", "reset", "keep", "keep", "older", "older"))
        if self.happens(0.35):
            step["at"] = self.chance.randint(1, self.world.machines[machine].calls + 2)
            step["fault"] = self.chance.choice(("kill", "kill", "tear"))
        if self.happens(0.1):
            entries = self.entries(machine)
            step["paths"] = sorted({self.existing(entries) for _ in range(self.chance.randint(1, 3))})
        return step

    def both(self):
        saves = [{**self.save(machine), "n": f"{self.number}{'ab'[machine]}"} for machine in range(len(self.world.machines))]
        return {"saves": saves, "scan": {"options": []}} if self.happens(0.3) else {"saves": saves}

    def save_while_changing(self):
        save = self.save()
        save.pop("at", None)
        save.pop("paths", None)
        changes = [self.change(save["machine"]) for _ in range(self.chance.randint(1, 30))]
        return {"save": save, "changes": changes}

    def killed(self, most):
        return {"at": self.chance.randint(1, most)} if self.happens(0.3) else {}

    def scan(self):
        options = self.chance.choice(([], [], ["--all"], ["--max-age", "0"]))
        return {"options": options, **self.killed(30)}

    def label(self):
        return self.chance.choice(list(self.world.snapshots)) if self.world.snapshots else ""

    def restore(self):
        options = ["-m", "Owner,XAttrs"] if self.happens(0.5) else []
        options += ["--sparse"] if self.happens(0.3) else []
        options += ["--verify"] if self.happens(0.3) else []
        step = {"of": self.label(), "to": self.chance.choice(("new", "over", "over")), "options": options}
        if step["to"] == "over" and self.happens(0.5):
            # Somebody worked in the restored tree, which more or less looks like that of a machine.
            step["changes"] = [self.change() for _ in range(self.chance.randint(1, 6))]
        return {**step, **self.killed(200)}

    def mount(self):
        return {"options": self.chance.choice(([], ["--disk-cache-size", "64M"], ["--cache-size", "16M"], ["-j", "1"]))}

    def look(self):
        return {"of": self.label(), "seed": self.chance.randrange(1 << 20)}

    def history(self):
        machine = self.machine_number()
        return {"machine": machine, "path": self.existing(self.entries(machine))}

    def list(self):
        return {"of": self.label()}

    check = list
