"""A gate in front of an S3 server: records each request, refuses what the table of requests does not list,
and injects faults and delay.

The table is that of "Requests each command may send": a request that it does not list is answered 418, so that
no retry hides it, and counted.
"""

import http.client
import http.server
import json
import random
import re
import socket
import threading
import time
import urllib.parse

# command -> regular expressions over "METHOD key[?query names][ conditional]", key relative to the repository.
_CONFIG = r"GET rekkord"
_BLOB = r"GET blobs/[MR]/[0-9A-F]{2}/[0-9A-F]{64}"
_TAGS = r"LIST tags/"
_SAVED = [_CONFIG, r"PUT cw conditional", r"PUT blobs/[MR]/[0-9A-F]{2}/[0-9A-F]{64} conditional", r"LIST blobs/"]
_LOCK = r"PUT (rekkord|blobs/.+|tags/.+|keys/[0-9A-F]{32})\?retention"
TABLE = {
    "init": [_CONFIG, r"LIST ", r"PUT (cw|rekkord) conditional"],
    "derive": [_CONFIG],
    "identify": [_CONFIG],
    "save": _SAVED + [r"PUT keys/[0-9A-F]{32} conditional", r"PUT tags/[MP]/.+ conditional"],
    "save-object": _SAVED,
    "save-dry-run": [_CONFIG],
    "snapshots": [_CONFIG, _TAGS],
    "channels": [_CONFIG, _TAGS],
    "list": [_CONFIG, _BLOB, _TAGS],
    "list-oid": [_CONFIG, _BLOB],
    "restore": [_CONFIG, _BLOB, _TAGS],
    "restore-oid": [_CONFIG, _BLOB],
    "mount": [_CONFIG, _BLOB, _TAGS],
    "mount-oid": [_CONFIG, _BLOB],
    "scan": [_CONFIG, _BLOB, r"GET keys/[0-9A-F]{32}", _TAGS, r"LIST blobs/"],
    "scan-locks": [_CONFIG, _BLOB, r"GET keys/[0-9A-F]{32}", r"GET tags/.+", _TAGS, r"LIST blobs/", _LOCK],
    "change_cid": [_CONFIG, r"PUT rekkord"],
    "reset_cache": [_CONFIG],
    "reset_cache-list": [_CONFIG, r"LIST blobs/"],
    "open": [r".*"],
}


class Fault:
    """What happens to one request: the kind, and when.

    Kinds: status-500, status-503, status-409, reset-before, reset-after, cut-body, stall, garbage, flip.
    """

    def __init__(self, kind, rate=0.0, at=None, match=".*", times=None, retry_after=None, seed=1):
        self.kind, self.rate, self.at, self.times, self.retry_after = kind, rate, at, times, retry_after
        self.match = re.compile(match)
        self.random = random.Random(seed)
        self.seen = 0

    def strikes(self, request):
        if not self.match.fullmatch(request) or self.times == 0:
            return False
        number, self.seen = self.seen, self.seen + 1
        hit = number == self.at if self.at is not None else self.random.random() < self.rate
        if hit and self.times is not None:
            self.times -= 1
        return hit


class Gate:
    def __init__(self, upstream_port, bucket="my-backups", prefix=""):
        self.upstream_port, self.bucket, self.prefix = upstream_port, bucket, prefix
        self.command = "open"
        self.faults = []
        self.delay = 0.0
        self.requests, self.refused = [], []
        self.lock = threading.Lock()

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
        return text

    def admit(self, request):
        """The fault that strikes, or None; raises PermissionError for what the table does not list."""
        with self.lock:
            self.requests.append(request)
            if not any(re.fullmatch(pattern, request) for pattern in TABLE[self.command]):
                self.refused.append(request)
                raise PermissionError(request)
            return next((fault for fault in self.faults if fault.strikes(request)), None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        gate = self.server.gate
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/__gate__/"):
            return self.control(body)
        try:
            fault = gate.admit(gate.describe(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        except PermissionError:
            return self.answer(418, {}, b"<Error><Code>NotInTheTable</Code></Error>")
        time.sleep(gate.delay)
        kind = fault.kind if fault else ""
        if kind == "reset-before":
            return self.reset()
        if kind == "stall":
            time.sleep(3600)
        if kind.startswith("status-"):
            code = {"500": "InternalError", "503": "SlowDown", "409": "ConditionalRequestConflict"}[kind[7:]]
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return self.answer(int(kind[7:]), headers, f"<Error><Code>{code}</Code></Error>".encode())
        if kind == "garbage":
            return self.answer(200, {}, b"<html>this is not what you asked for")
        status, headers, answer = self.forward(body)
        if kind == "reset-after":
            return self.reset()
        if kind == "flip" and answer:
            answer = answer[: len(answer) // 2] + bytes([answer[len(answer) // 2] ^ 1]) + answer[len(answer) // 2 + 1 :]
        if kind == "cut-body":
            self.answer(status, headers, answer, sent=answer[: len(answer) // 2])
            return self.reset()
        self.answer(status, headers, answer)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.gate.upstream_port, timeout=60)
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

    def answer(self, status, headers, body, sent=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if sent is None else sent)

    def reset(self):
        self.wfile.flush()
        self.close_connection = True
        # Linger 0 makes the close a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def control(self, body):
        """POST /__gate__/NAME with JSON: set {command, delay, faults}, take the requests."""
        gate = self.server.gate
        change = json.loads(body or b"{}")
        result = {}
        with gate.lock:
            if self.path == "/__gate__/set":
                gate.command = change.get("command", gate.command)
                gate.delay = change.get("delay", gate.delay)
                if "faults" in change:
                    gate.faults = [Fault(**fault) for fault in change["faults"]]
            elif self.path == "/__gate__/take":
                result = {"requests": gate.requests, "refused": gate.refused}
                gate.requests, gate.refused = [], []
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(result).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, gate, port=0):
        self.gate = gate
        super().__init__(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="A gate in front of an S3 server; prints its port when it listens.")
    parser.add_argument("upstream", type=int, help="port of the server behind")
    parser.add_argument("--bucket", default="my-backups")
    parser.add_argument("--prefix", default="")
    options = parser.parse_args()
    server = Server(Gate(options.upstream, options.bucket, options.prefix))
    print(server.server_address[1], flush=True)
    server.serve_forever()
