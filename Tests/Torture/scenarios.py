"""All commands under torture."""

from mounts import BackgroundMount, Mount
from readers import ChangeCID, Restore, RestoreOver, Scan
from writers import BucketInit, BucketSave, Derive, FirstSave, Init, Save, SyncFS

SCENARIOS = {
    kind.name: kind
    for kind in (
        *(Init, Derive, FirstSave, Save, SyncFS, Scan, Restore, RestoreOver, ChangeCID, Mount, BackgroundMount),
        *(BucketInit, BucketSave),
    )
}
