"""A gate in front of an S3 server: records each request, refuses what the table of requests does not list,
and injects faults and delay.

The table is that of "Requests each command may send" in rekkord(1): a request that it does not list is answered 418,
so that no retry hides it, and counted.
"""

import http.client
import http.server
import random
import re
import socket
import struct
import threading
import urllib.parse

import server

# command -> regular expressions over "METHOD key[?query names][ conditional][ locked]", key relative to the repository.
_CONFIG = r"GET rekkord"
_BLOB = r"GET blobs/[MR]/[0-9A-F]{2}/[0-9A-F]{64}"
_TAGS = r"LIST tags/"
_SAVED = [_CONFIG, r"PUT cw conditional", r"PUT blobs/[MR]/[0-9A-F]{2}/[0-9A-F]{64} conditional( locked)?", r"LIST blobs/"]
_TAGGED = [r"PUT keys/[0-9A-F]{32} conditional( locked)?", r"PUT tags/[MP]/[^/]+(/[^/]+)? conditional( locked)?"]
_SCAN = [_CONFIG, _BLOB, r"GET keys/[0-9A-F]{32}", _TAGS, r"LIST blobs/"]
_LOCK = r"PUT (rekkord|blobs/.+|tags/.+|keys/[0-9A-F]{32})\?retention"
TABLE = {
    "init": [_CONFIG, r"LIST ", r"PUT cw conditional", r"PUT rekkord conditional( locked)?"],
    "init-plain": [_CONFIG, r"LIST ", r"PUT (cw|rekkord)( conditional)?"],
    "derive": [_CONFIG],
    "identify": [_CONFIG],
    "save": _SAVED + _TAGGED,
    "save-object": _SAVED,
    # On a store that keeps nothing: conditions are left out where they are refused.
    "save-plain": [row.replace(" conditional", "( conditional)?") for row in _SAVED + _TAGGED if "cw" not in row]
    + [r"PUT cw conditional"],
    "save-dry-run": [_CONFIG],
    "snapshots": [_CONFIG, _TAGS],
    "channels": [_CONFIG, _TAGS],
    "list": [_CONFIG, _BLOB, _TAGS],
    "list-oid": [_CONFIG, _BLOB],
    "mount": [_CONFIG, _BLOB, _TAGS],
    "mount-oid": [_CONFIG, _BLOB],
    "restore": [_CONFIG, _BLOB, _TAGS],
    "restore-oid": [_CONFIG, _BLOB],
    "scan": _SCAN,
    "scan-locks": [*_SCAN, r"GET tags/.+", _LOCK],
    "change_cid": [_CONFIG, r"PUT rekkord( locked)?"],
    "reset_cache": [_CONFIG],
    "reset_cache-list": [_CONFIG, r"LIST blobs/"],
    "setup": [],
    "offline": [],
    "open": [r".*"],
}
ERRORS = {400: "InvalidRequest", 403: "AccessDenied", 409: "ConditionalRequestConflict", 500: "InternalError", 503: "SlowDown"}


class Fault:
    """What happens to some requests: the kind, and to which.

    Kinds: `status-N`, `reset-before` and `reset-after` (the server acted), `cut-body`, `garbage`, `flip` (a bit of the answer),
    `flip-upload`, `pause` (a second), `stall` (for good).
    """

    def __init__(self, kind, rate=1.0, at=None, match=".*", times=None, retry_after=None, seed=1, action=None):
        self.kind, self.rate, self.at, self.times, self.retry_after = kind, rate, at, times, retry_after
        self.match = re.compile(match)
        self.random = random.Random(seed)
        self.seen = 0
        self.victim = None  # with `at`: the request that was hit, and is hit again however often it is sent
        self.action = action  # called when it strikes

    def strikes(self, request):
        if self.times == 0 or not self.match.fullmatch(request):
            return False
        number, self.seen = self.seen, self.seen + 1
        if self.at is None:
            hit = self.random.random() < self.rate
        elif number == self.at:
            hit, self.victim = True, request
        else:
            hit = request == self.victim
        if hit and self.times is not None:
            self.times -= 1
        return hit


class Gate:
    def __init__(self, upstream_port, bucket="my-backups", prefix=""):
        self.upstream_port, self.bucket, self.prefix = upstream_port, bucket, prefix
        self.command = "open"
        self.faults = []
        self.delay = 0.0
        self.requests, self.refused, self.struck = [], [], []
        self.lock = threading.Lock()
        self.end = threading.Event()

    def describe(self, method, path, headers):
        """The request in the words of the table."""
        path, _, query = path.partition("?")
        key = urllib.parse.unquote(path, errors="surrogateescape").removeprefix(f"/{self.bucket}").removeprefix("/")
        names = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if not key:
            if "list-type" in names and method == "GET":
                return "LIST " + names.get("prefix", "").removeprefix(self.prefix)
            return f"{method} bucket?{'&'.join(sorted(names))}"
        text = f"{method} {key.removeprefix(self.prefix)}"
        extra = sorted(set(names) - {"versionId"})
        if extra:
            text += "?" + "&".join(extra)
        if headers.get("if-none-match") == "*":
            text += " conditional"
        if any(name.startswith("x-amz-object-lock") for name in headers):
            text += " locked"
        if "x-amz-bypass-governance-retention" in headers:
            text += " bypassing"
        return text

    def admit(self, request):
        """The fault that strikes, or None; raises PermissionError for what the table does not list."""
        with self.lock:
            self.requests.append(request)
            if not any(re.fullmatch(pattern, request) for pattern in TABLE[self.command]):
                self.refused.append(request)
                raise PermissionError(request)
            fault = next((fault for fault in self.faults if fault.strikes(request)), None)
            if fault:
                self.struck.append((fault.kind, request))
            return fault


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        gate = self.server.service
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            fault = gate.admit(gate.describe(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        except PermissionError:
            return self.answer(418, {}, b"<Error><Code>NotInTheTable</Code></Error>")
        gate.end.wait(gate.delay)
        kind = fault.kind if fault else ""
        if fault and fault.action:
            fault.action()
        if kind == "reset-before":
            return self.reset()
        if kind == "stall":
            return gate.end.wait()
        if kind == "pause":
            gate.end.wait(1)
        if kind.startswith("status-"):
            status = int(kind.removeprefix("status-"))
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return self.answer(status, headers, f"<Error><Code>{ERRORS[status]}</Code></Error>".encode())
        if kind == "garbage":
            return self.answer(200, {}, b"<html>this is not what you asked for")
        status, headers, answer = self.forward(flipped(body) if kind == "flip-upload" else body)
        if kind == "reset-after":
            return self.reset()
        if kind == "cut-body":
            # Where there is no body to cut, the answer ends inside its headers.
            return self.cut(status, headers, answer)
        self.answer(status, headers, flipped(answer) if kind == "flip" else answer)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.service.upstream_port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "content-length", "expect"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            skipped = ("connection", "content-length", "transfer-encoding", "server", "date")
            headers = {k: v for k, v in response.getheaders() if k.lower() not in skipped}
            return response.status, headers, response.read()
        finally:
            connection.close()

    def send_headers(self, status, headers, length):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))

    def answer(self, status, headers, body):
        self.send_headers(status, headers, len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self, status, headers, body):
        self.send_headers(status, headers, len(body))
        if body:
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
        else:
            self.flush_headers()
        self.reset()

    def reset(self):
        self.wfile.flush()
        self.close_connection = True
        # Linger 0 makes the close a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def flipped(data):
    if not data:
        return data
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


class Server(server.Server):
    handler = Handler

    def stop(self):
        self.service.end.set()
        super().stop()
