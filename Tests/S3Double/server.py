"""Speaks the S3 of `store.py` over HTTP, path style, with signatures, rights, checksums and a control channel."""

import datetime
import hashlib
import http.server
import json
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

import checksums
import signature
from policy import Policies
from store import Bucket, S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DATE = "%Y-%m-%dT%H:%M:%SZ"


class Service:
    """One bucket, its users and its policies."""

    def __init__(self, bucket_name="my-backups", region="us-east-1", **rules):
        self.bucket_name, self.region = bucket_name, region
        self.bucket = Bucket(**rules)
        self.users = {}  # access key -> (secret, ARN); an ARN of None may do everything
        self.policies = Policies()
        self.page_size = 1000
        self.log = []
        self.lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "S3Double"

    @property
    def service(self):
        return self.server.service

    def log_message(self, *_):
        pass

    def handle_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if self.path.startswith("/__control__/"):
            return self.control(body)
        entry = {"method": self.command, "path": self.path, "conditional": "if-none-match" in self.headers}
        try:
            status, headers, answer = self.serve(body)
        except S3Error as error:
            status, headers = error.status, {"x-amz-bucket-region": self.service.region}
            answer = (
                f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
                f"<Resource>{escape(self.path)}</Resource><RequestId>1</RequestId></Error>"
            ).encode()
        entry["status"] = status
        with self.service.lock:
            self.service.log.append(entry)
        self.reply(status, headers, answer)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def reply(self, status, headers, answer):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    # Requests of S3

    def serve(self, body):
        path, _, query = self.path.partition("?")
        parts = urllib.parse.unquote_to_bytes(path).decode("utf-8", "surrogateescape").split("/", 2)
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        arn = self.authenticate(headers, body)
        if parts[1] != self.service.bucket_name:
            raise S3Error(404, "NoSuchBucket")
        key = parts[2] if len(parts) > 2 else ""
        if not key:
            return self.serve_bucket(arn, query)
        if self.command == "PUT" and "retention" in query:
            return self.put_retention(arn, key, query, headers, body)
        if set(query) - {"versionId"}:
            raise S3Error(501, "NotImplemented")
        if self.command == "PUT":
            return self.put_object(arn, key, headers, body)
        if self.command in ("GET", "HEAD"):
            return self.get_object(arn, key, query, headers)
        if self.command == "DELETE":
            return self.delete_object(arn, key, query, headers)
        raise S3Error(405, "MethodNotAllowed")

    def authenticate(self, headers, body):
        user = self.service.users.get(signature.access_key(headers))
        if user is None:
            raise S3Error(403, "InvalidAccessKeyId" if "authorization" in headers else "AccessDenied")
        region = headers["authorization"].split("/")[2]
        if region != self.service.region:
            raise S3Error(
                400, "AuthorizationHeaderMalformed", f"the region '{region}' is wrong; expecting '{self.service.region}'"
            )
        try:
            signature.verify(self.command, self.path, headers, body, user[0], self.service.bucket.now())
        except signature.BadSignature as error:
            raise S3Error(403 if str(error) in ("SignatureDoesNotMatch", "AccessDenied") else 400, str(error))
        return user[1]

    def may(self, arn, action, key=None, **context):
        if arn is None:
            return True
        resource = f"arn:aws:s3:::{self.service.bucket_name}" + (f"/{key}" if key is not None else "")
        context = {f"s3:{name.replace('_', '-')}": value for name, value in context.items()}
        return self.service.policies.allows(arn, action, resource, context)

    def demand(self, arn, action, key=None, **context):
        if not self.may(arn, action, key, **context):
            raise S3Error(403, "AccessDenied", f"{action} is not allowed")

    def serve_bucket(self, arn, query):
        if self.command != "GET":
            raise S3Error(405, "MethodNotAllowed")
        if "location" in query:
            self.demand(arn, "s3:GetBucketLocation")
            text = f'<LocationConstraint xmlns="{NAMESPACE}">{self.service.region}</LocationConstraint>'
            return 200, {}, text.encode()
        if query.get("list-type") != "2":
            raise S3Error(501, "NotImplemented")
        prefix = query.get("prefix", "")
        self.demand(arn, "s3:ListBucket", prefix=prefix)
        limit = min(int(query.get("max-keys", 1000)), self.service.page_size)
        after = query.get("continuation-token", query.get("start-after", ""))
        after = after[1:] if "continuation-token" in query else after
        versions, has_more = self.service.bucket.list(prefix, after, limit)
        rows = "".join(
            f"<Contents><Key>{escape(v.key)}</Key><LastModified>{v.modified.strftime(DATE)}</LastModified>"
            f"<ETag>{escape(v.etag)}</ETag><Size>{len(v.body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for v in versions
        )
        token = f"<NextContinuationToken>t{escape(versions[-1].key)}</NextContinuationToken>" if has_more else ""
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">'
            f"<Name>{self.service.bucket_name}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<KeyCount>{len(versions)}</KeyCount><MaxKeys>{limit}</MaxKeys>"
            f"<IsTruncated>{'true' if has_more else 'false'}</IsTruncated>{token}{rows}</ListBucketResult>"
        )
        return 200, {"Content-Type": "application/xml"}, text.encode()

    def check_integrity(self, headers, body, is_required):
        sent = [name for name in checksums.ALGORITHMS if f"x-amz-checksum-{name}" in headers]
        if len(sent) > 1:
            raise S3Error(400, "InvalidRequest", "more than one checksum")
        for name in sent:
            if headers[f"x-amz-checksum-{name}"] != checksums.encoded(name, body):
                raise S3Error(400, "BadDigest", f"the {name} does not match")
        if "content-md5" in headers and headers["content-md5"] != checksums.content_md5(body):
            raise S3Error(400, "BadDigest", "the Content-MD5 does not match")
        if is_required and not sent and "content-md5" not in headers:
            raise S3Error(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required")

    def lock_of(self, headers):
        mode = headers.get("x-amz-object-lock-mode")
        until = headers.get("x-amz-object-lock-retain-until-date")
        if (mode is None) != (until is None):
            raise S3Error(400, "InvalidArgument", "both lock headers are needed")
        return mode, until and parse_date(until)

    def remaining_days(self, until):
        seconds = (until - self.service.bucket.now()).total_seconds()
        return str(int(seconds // 86400) + (1 if seconds % 86400 else 0))

    def put_object(self, arn, key, headers, body):
        condition = headers.get("if-none-match")
        self.demand(arn, "s3:PutObject", key, if_none_match=condition)
        mode, until = self.lock_of(headers)
        if mode is not None:
            self.demand(
                arn,
                "s3:PutObjectRetention",
                key,
                object_lock_mode=mode,
                object_lock_remaining_retention_days=self.remaining_days(until),
            )
        default = self.service.bucket.default_retention is not None
        self.check_integrity(headers, body, is_required=mode is not None or default)
        version = self.service.bucket.put(key, body, condition, mode, until)
        return 200, {"ETag": version.etag, "x-amz-version-id": version.id}, b""

    def get_object(self, arn, key, query, headers):
        version_id = query.get("versionId")
        action = "s3:GetObject" if version_id is None else "s3:GetObjectVersion"
        self.demand(arn, action, key)
        try:
            version = self.service.bucket.find(key, version_id)
        except S3Error:
            # Without the right to list, nobody learns what is missing.
            self.demand(arn, "s3:ListBucket", prefix=key)
            raise
        answer = {"ETag": version.etag, "x-amz-version-id": version.id}
        if version.mode and self.may(arn, "s3:GetObjectRetention", key):
            answer["x-amz-object-lock-mode"] = version.mode
            answer["x-amz-object-lock-retain-until-date"] = version.until.strftime(DATE)
        body, status = version.body, 200
        if headers.get("range", "").startswith("bytes=") and body:
            first, _, last = headers["range"][len("bytes="):].partition("-")
            body = body[int(first) : int(last) + 1 if last else None]
            status = 206
        return status, answer, body

    def put_retention(self, arn, key, query, headers, body):
        self.check_integrity(headers, body, is_required=True)
        try:
            root = ElementTree.fromstring(body)
            mode = root.find(f"{{{NAMESPACE}}}Mode").text
            until = parse_date(root.find(f"{{{NAMESPACE}}}RetainUntilDate").text)
        except (ElementTree.ParseError, AttributeError):
            raise S3Error(400, "MalformedXML")
        self.demand(
            arn,
            "s3:PutObjectRetention",
            key,
            object_lock_mode=mode,
            object_lock_remaining_retention_days=self.remaining_days(until),
        )
        bypass = headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
        bypass = bypass and self.may(arn, "s3:BypassGovernanceRetention", key)
        self.service.bucket.retain(key, query.get("versionId"), mode, until, bypass)
        return 200, {}, b""

    def delete_object(self, arn, key, query, headers):
        version_id = query.get("versionId")
        self.demand(arn, "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion", key)
        bypass = headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
        bypass = bypass and self.may(arn, "s3:BypassGovernanceRetention", key)
        self.service.bucket.delete(key, version_id, bypass)
        return 204, {}, b""

    # The channel for tests

    def control(self, body):
        """POST /__control__/NAME with JSON; see the functions below."""
        name = self.path.removeprefix("/__control__/")
        function = getattr(self, "control_" + name, None)
        if function is None:
            return self.reply(404, {}, b"{}")
        result = function(json.loads(body or b"{}"))
        self.reply(200, {"Content-Type": "application/json"}, json.dumps(result).encode())

    def control_rules(self, rules):
        """Users, policies, rules of the bucket: whatever is named is replaced."""
        service, bucket = self.service, self.service.bucket
        if "users" in rules:
            service.users = {k: tuple(v) for k, v in rules["users"].items()}
        if "bucket_policy" in rules or "identity_policies" in rules:
            service.policies = Policies(rules.get("bucket_policy"), rules.get("identity_policies"))
        for name in ("has_conditional_writes", "has_object_lock"):
            if name in rules:
                setattr(bucket, name, rules[name])
        if "default_retention_days" in rules:
            days = rules["default_retention_days"]
            bucket.default_retention = days and ("GOVERNANCE", datetime.timedelta(days=days))
        service.page_size = rules.get("page_size", service.page_size)
        service.region = rules.get("region", service.region)
        return {}

    def control_clock(self, change):
        """Moves the clock: {"days": n} from the real time."""
        self.service.bucket.clock_offset = datetime.timedelta(days=change["days"])
        return {}

    def control_log(self, _):
        """The requests since the last call."""
        with self.service.lock:
            log, self.service.log = self.service.log, []
        return log

    def control_objects(self, _):
        """Every version with its lock."""
        return [
            {
                "key": version.key,
                "version": version.id,
                "size": None if version.body is None else len(version.body),
                "mode": version.mode,
                "until": version.until and version.until.strftime(DATE),
            }
            for versions in self.service.bucket.versions.values()
            for version in versions
        ]

    def control_damage(self, change):
        """Lays {"hex": …} over the current version of {"key": …} in place, or drops the object without "hex"."""
        versions = self.service.bucket.versions
        if "hex" in change:
            version = self.service.bucket.find(change["key"])
            version.body = bytes.fromhex(change["hex"])
            version.etag = '"' + hashlib.md5(version.body).hexdigest() + '"'
        else:
            del versions[change["key"]]
        return {}


def parse_date(text):
    for form in (DATE, "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            continue
    raise S3Error(400, "InvalidArgument", "The retain until date must be provided in ISO 8601 format")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service, port=0):
        self.service = service
        super().__init__(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="An S3 double for tests; prints its port when it listens.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bucket", default="my-backups")
    parser.add_argument("--owner", default="OWNERKEY:ownersecret", help="key:secret of a user who may do everything")
    options = parser.parse_args()
    service = Service(options.bucket)
    key, _, secret = options.owner.partition(":")
    service.users[key] = (secret, None)
    server = Server(service, options.port)
    print(server.server_address[1], flush=True)
    server.serve_forever()
