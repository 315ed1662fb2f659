"""A place whose repository is in the S3 double."""

import contextlib
import copy
import http.client
import threading

import server
from fixture import BucketRepository
from place import Place
from rekkord_oracle import keys

BUCKET = "my-backups"


class CountingServer(server.Server):
    """Knows when nobody is served."""

    def __init__(self, service):
        super().__init__(service)
        self.idle = threading.Condition()
        self.connections = 0

    def process_request(self, request, address):
        with self.idle:
            self.connections += 1
        super().process_request(request, address)

    def process_request_thread(self, request, address):
        try:
            super().process_request_thread(request, address)
        finally:
            with self.idle:
                self.connections -= 1
                self.idle.notify_all()

    def wait_for_rest(self):
        """Returns when all that was sent by processes that are gone is served: what they sent is before our request."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request("GET", "/")
            connection.getresponse().read()
        with self.idle:
            self.idle.wait_for(lambda: self.connections == 0)


class BucketPlace(Place):
    # Lines for [S3] of the INI file.
    retention = ""

    def __init__(self, size=1):
        super().__init__(size)
        self.service = server.Service(BUCKET)
        self.service.users = {"TORTURE": ("secret", None)}
        self.server = CountingServer(self.service)
        self.server.start()
        self.environment |= {"S3_ACCESS_KEY_ID": "TORTURE", "S3_SECRET_ACCESS_KEY": "secret", "S3_REGION": "us-east-1"}
        self.kept = {}

    def remove(self):
        self.server.stop()
        super().remove()

    def keep(self):
        super().keep()
        self.kept = copy.deepcopy(self.service.bucket.versions)

    def reset(self):
        super().reset()
        self.service.bucket.versions = copy.deepcopy(self.kept)

    def lose(self, name):
        del self.service.bucket.versions[name]

    def command(self, *arguments, key="WriteOnly", place=None):
        url = f"http://127.0.0.1:{self.server.port}/{BUCKET}"
        ini = self.base / "rekkord.ini"
        ini.write_text(f"[Repository]\nURL = {url}\n[S3]\n{self.retention}")
        return super().command(*arguments, place=place or ["-C", str(ini), "-K", str(self.work / f"{key}.key")])

    rests_alone = True

    def come_to_rest(self):
        self.server.wait_for_rest()

    # What the independent reader asks for

    def current(self, name):
        return self.service.bucket.current(name)

    def names(self, prefix=""):
        return [version.key for version in self.service.bucket.list(prefix, "", 1 << 30)[0]]

    def reader(self):
        return BucketRepository(self, keys.load_key(self.work / "Master.key"))

    def has_repository(self):
        return self.current("rekkord") is not None
