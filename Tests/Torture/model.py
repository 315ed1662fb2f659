"""Random sequences of steps against a model in memory; what fails is made short, shown, and can be repeated."""

import dataclasses
import json
import time
from dataclasses import dataclass, field

import shrink
from bucket_place import BucketPlace
from model_author import Author
from model_world import MACHINES, World
from place import Finding, Place

PLACES = {"folder": Place, "s3": BucketPlace}
STEPS = 150
# A fault that needs luck may not show at once.
ATTEMPTS = 3
SUMMARY = ("steps", "changes", "saves", "kills", "scans", "restores", "looks")


@dataclass
class Failure:
    storage: str
    seed: object
    steps: list
    text: str
    # Whether it showed only when all was looked at in the end.
    is_late: bool = False

    def write(self, path):
        path.write_text(json.dumps(self.__dict__, indent=1))

    @classmethod
    def read(cls, path):
        return cls(**json.loads(path.read_text()))


@dataclass
class Model:
    out: object
    # More of the environment of saves; the tests of this test break them with it.
    preload: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    sequences: int = 0
    places: dict = field(default_factory=dict)

    def close(self):
        for place in self.places.values():
            place.remove()

    def place(self, storage):
        """A repository without snapshots, its keys, and one for each machine."""
        if storage not in self.places:
            place = self.places[storage] = PLACES[storage]()
            place.make_keys()
            for name in MACHINES:
                place.run("derive", "-t", "WriteOnly", "-O", place.work / f"machine-{name}.key", key="Master")
            place.keep()
        return self.places[storage]

    def play(self, storage, seed, steps, finishes=True):
        """Takes the steps in a new world, `steps(world)`; returns those that were taken, and the failure or None."""
        world, taken, is_late = World(self.place(storage), self.preload), [], False
        try:
            for step in steps(world):
                taken.append(step)
                world.take(step)
            is_late = True
            if finishes:
                world.finish()
        except Finding as finding:
            return taken, Failure(storage, seed, taken, str(finding), is_late)
        finally:
            self.counts = {name: self.counts.get(name, 0) + world.counts.get(name, 0) for name in SUMMARY}
            world.close()
        return taken, None

    def run(self, storage, seed, count):
        """One sequence of a seed; the failure, or None."""
        self.sequences += 1

        def steps(world):
            author = Author(seed, world)
            for _ in range(count):
                yield author.next()

        taken, failure = self.play(storage, seed, steps)
        kept = ", ".join(f"{self.counts[name]} {name}" for name in SUMMARY)
        print(f"model: {storage}, seed {seed}, {len(taken)} steps: {'FINDING' if failure else 'ok'} (so far {kept})", file=self.out, flush=True)
        return failure

    def replay(self, failure):
        """What the steps of a failure come to: another failure, perhaps at an earlier step, or None."""
        return self.play(failure.storage, failure.seed, lambda _: iter(failure.steps), failure.is_late)[1]

    def shrink(self, failure, deadline):
        """The shortest failure that is found until then; None if it does not show again."""
        best = next(filter(None, (self.replay(failure) for _ in range(ATTEMPTS))), None)
        if best is None:
            return None

        def fails(steps):
            nonlocal best
            if time.monotonic() > deadline:
                return None
            found = self.replay(dataclasses.replace(best, steps=steps))
            best = found or best
            return found is not None

        steps = shrink.shorter(best.steps, fails)
        shrink.simpler(steps, fails, variants)
        return best


def variants(step):
    """Simpler forms of a step."""
    for save in step.get("saves", ()):
        yield {"do": "save", **save}
    if "save" in step:
        yield {"do": "save", **step["save"]}
    for name in ("scan", "cache", "at", "ahead", "paths", "fault", "changes"):
        if name in step and "save" not in step:
            yield {key: value for key, value in step.items() if key != name}
    if step.get("options"):
        yield {**step, "options": []}
    if step.get("threads", 1) > 1:
        yield {**step, "threads": 1}
    if step.get("size", 0) > 100:
        yield {**step, "size": 100}


def shown(failure):
    """A failure for people: its steps, a line each, and what came of them."""
    lines = [f"{number}. {json.dumps(step)}" for number, step in enumerate(failure.steps, 1)]
    return "\n".join([*lines, f"=> {failure.text}"])


def report(model, failure, folder, shrink_seconds):
    """Shows a failure, makes it short and keeps it in a file; returns the failure as a line."""
    path = folder / f"torture-model-{failure.storage}-{failure.seed}.json"
    failure.write(path)
    print(f"FINDING with seed {failure.seed}: {failure.text}", file=model.out)
    print(f"again: scripts/torture --model --replay {path}\nmaking it shorter...", file=model.out, flush=True)
    small = model.shrink(failure, time.monotonic() + shrink_seconds)
    if small is None:
        print(f"it did not show again in {ATTEMPTS} attempts; all of its steps:\n{shown(failure)}", file=model.out, flush=True)
        return f"seed {failure.seed}: {failure.text}"
    small.write(path)
    print(f"the shortest that shows it, {len(small.steps)} of {len(failure.steps)} steps:\n{shown(small)}", file=model.out, flush=True)
    return f"seed {failure.seed}: {small.text}"


def explore(model, seed, count, seconds, storages=tuple(PLACES), sequences=float("inf")):
    """Sequence after sequence until the time is up; the first failure, or None."""
    deadline = time.monotonic() + seconds
    number = 0
    while number < sequences and (not number or time.monotonic() < deadline):
        # Buckets take longer, and find less: every third.
        storage = storages[-1] if number % 3 == 2 else storages[0]
        if failure := model.run(storage, seed + number, count):
            return failure
        number += 1
    return None
