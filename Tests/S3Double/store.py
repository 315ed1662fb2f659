"""The bucket: versions, delete markers, locks. Knows rules of objects, nothing of HTTP or rights."""

import datetime
import hashlib
import threading


class S3Error(Exception):
    """An answer other than success."""

    def __init__(self, status, code, message=""):
        super().__init__(f"{status} {code}")
        self.status, self.code, self.message = status, code, message or code


class Version:
    """One version of an object, or a delete marker when `body` is None."""

    def __init__(self, key, number, body, modified, mode=None, until=None):
        self.key, self.body, self.modified = key, body, modified
        self.id = f"v{number:08d}"
        self.mode, self.until = mode, until

    @property
    def etag(self):
        return '"' + hashlib.md5(self.body).hexdigest() + '"'

    def is_locked(self, now):
        return self.mode is not None and self.until > now


class Bucket:
    """Versions by key, newest last. Every method is atomic."""

    def __init__(self, conditional_writes="kept", has_object_lock=True, default_retention=None):
        self.conditional_writes = conditional_writes  # or "refused" (501), or "ignored"
        self.has_object_lock = has_object_lock
        self.default_retention = default_retention  # (mode, timedelta)
        self.versions = {}
        self.clock_offset = datetime.timedelta()
        self._lock = threading.RLock()
        self._count = 0

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.clock_offset

    def current(self, key):
        with self._lock:
            versions = self.versions.get(key)
            return versions[-1] if versions and versions[-1].body is not None else None

    def find(self, key, version_id=None):
        with self._lock:
            if version_id is None:
                version = self.current(key)
            else:
                version = next((v for v in self.versions.get(key, []) if v.id == version_id), None)
                if version is None:
                    raise S3Error(404, "NoSuchVersion")
                if version.body is None:
                    raise S3Error(405, "MethodNotAllowed", "a delete marker")
            if version is None:
                raise S3Error(404, "NoSuchKey")
            return version

    def put(self, key, body, if_none_match=None, mode=None, until=None):
        with self._lock:
            if if_none_match is not None and self.conditional_writes != "ignored":
                if self.conditional_writes == "refused" or if_none_match != "*":
                    raise S3Error(501, "NotImplemented")
                if self.current(key):
                    raise S3Error(412, "PreconditionFailed")
            if mode is None and self.default_retention:
                mode, duration = self.default_retention
                until = self.now() + duration
            if mode is not None:
                self._check_lock(mode, until)
            self._count += 1
            version = Version(key, self._count, body, self.now(), mode, until)
            self.versions.setdefault(key, []).append(version)
            return version

    def _check_lock(self, mode, until):
        if not self.has_object_lock:
            raise S3Error(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
        if mode not in ("GOVERNANCE", "COMPLIANCE"):
            raise S3Error(400, "InvalidArgument", "Unknown wormMode directive")
        if until <= self.now():
            raise S3Error(400, "InvalidArgument", "The retain until date must be in the future!")

    def retain(self, key, version_id, mode, until, may_bypass=False):
        with self._lock:
            version = self.find(key, version_id)
            self._check_lock(mode, until)
            if version.is_locked(self.now()):
                weaker = until < version.until or (version.mode == "COMPLIANCE" and mode != "COMPLIANCE")
                if weaker and (version.mode == "COMPLIANCE" or not may_bypass):
                    raise S3Error(403, "AccessDenied", "the lock cannot be weakened")
            version.mode, version.until = mode, until
            return version

    def delete(self, key, version_id=None, may_bypass=False):
        with self._lock:
            if version_id is None:
                self._count += 1
                self.versions.setdefault(key, []).append(Version(key, self._count, None, self.now()))
                return
            for version in self.versions.get(key, []):
                if version.id == version_id:
                    if version.is_locked(self.now()) and not (may_bypass and version.mode == "GOVERNANCE"):
                        raise S3Error(403, "AccessDenied", "the version is locked")
                    self.versions[key].remove(version)
                    return

    def list(self, prefix, after, limit):
        """Current versions in key order; the second result tells whether more follow."""
        with self._lock:
            keys = sorted(k for k in self.versions if k.startswith(prefix) and k > after and self.current(k))
            return [self.current(k) for k in keys[:limit]], len(keys) > limit
