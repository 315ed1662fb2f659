"""All commands under torture."""

from mounts import BackgroundMount, Mount
from readers import ChangeCID, Restore, RestoreOver, Scan, ScanDamaged
from writers import BucketInit, BucketSave, Derive, DeriveFirst, FirstSave, Init, Save, SyncFS

SCENARIOS = {
    kind.name: kind
    for kind in (
        *(Init, Derive, DeriveFirst, FirstSave, Save, SyncFS, Scan, ScanDamaged, Restore, RestoreOver, ChangeCID, Mount, BackgroundMount),
        *(BucketInit, BucketSave),
    )
}
