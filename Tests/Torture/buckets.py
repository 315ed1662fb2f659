"""The same commands on a repository in a bucket."""

import datetime

from bucket_place import BucketPlace
from mounts import Mount
from place import expect
from readers import ChangeCID, ResetCache, Restore, Scan
from writers import Init, Save

# As long as scans are to lock what snapshots need, and how much of that has to be left.
RETENTION = "RetainDuration = 30d\n"
LOCKED = datetime.timedelta(days=29)


class InBucket:
    """Goes before a scenario."""

    is_durable = False
    # Those of a network, and those of a machine that uses one.
    faults = ("kill", "tear", "ECONNRESET", "ENETUNREACH", "short", "EIO", "EMFILE", "EAGAIN", "ENOSPC-lasting", "NOFILE", "FSIZE")

    def make_place(self, size):
        return BucketPlace(size)

    def contents(self):
        versions = self.place.service.bucket.versions
        return {name: [(version.id, version.body) for version in kept] for name, kept in versions.items()}


class BucketInit(InBucket, Init):
    name = "init-s3"


class BucketSave(InBucket, Save):
    name = "save-s3"


class BucketScan(InBucket, Scan):
    """Locks as well: what was saved without is to be locked."""

    name = "scan-s3"

    def prepare(self):
        super().prepare()
        self.place.retention = RETENTION

    def judge(self, fault, outcome):
        if outcome.status == 0:
            self.expect_locked("status 0")
        super().judge(fault, outcome)
        self.expect_locked("the next scan")

    def expect_locked(self, when):
        bucket = self.place.service.bucket
        needed = (bucket.current(name) for name in self.place.names() if name != "cw")
        free = [version.key for version in needed if not version.is_locked(bucket.now() + LOCKED)]
        expect(not free, f"{when}, and these are not locked: {free[:3]}")


class BucketRestore(InBucket, Restore):
    name = "restore-s3"


class BucketChangeCID(InBucket, ChangeCID):
    name = "change_cid-s3"


class BucketResetCache(InBucket, ResetCache):
    name = "reset_cache-s3"


class BucketMount(InBucket, Mount):
    name = "mount-s3"
    faults = ("kill-device", *InBucket.faults)
