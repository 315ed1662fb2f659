"""All commands under torture."""

from buckets import BucketChangeCID, BucketInit, BucketMount, BucketResetCache, BucketRestore, BucketSave, BucketScan
from mounts import BackgroundMount, Mount
from readers import ChangeCID, ResetCache, Restore, RestoreOver, Scan, ScanDamaged
from writers import Derive, DeriveFirst, FirstSave, Init, Save, SyncFS

SCENARIOS = {
    kind.name: kind
    for kind in (
        *(Init, Derive, DeriveFirst, FirstSave, Save, SyncFS, Scan, ScanDamaged, Restore, RestoreOver, ChangeCID, ResetCache),
        *(Mount, BackgroundMount),
        *(BucketInit, BucketSave, BucketScan, BucketRestore, BucketChangeCID, BucketResetCache, BucketMount),
    )
}
