"""Speaks the S3 of `store.py` over HTTP, path or virtual-host style, with signatures, rights and checksums."""

import datetime
import http.server
import ssl
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
LIST_PARAMETERS = {"list-type", "prefix", "continuation-token", "start-after", "max-keys", "encoding-type"}
BAD_REQUESTS = ("AuthorizationHeaderMalformed", "XAmzContentSHA256Mismatch", "InvalidURI")


class Service:
    """One bucket, its users and its policies."""

    def __init__(self, bucket_name="my-backups", region="us-east-1", **rules):
        self.bucket_name, self.region = bucket_name, region
        self.bucket = Bucket(**rules)
        self.users = {}  # access key -> (secret, ARN); an ARN of None may do everything
        self.policies = Policies()
        self.page_size = 1000
        # Where the right region is told: with each error, only to who asks without credentials, or nowhere.
        self.tells_region = "error"
        self.log = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "S3Double"

    @property
    def service(self):
        return self.server.service

    def log_message(self, *_):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            status, headers, answer = self.serve(body)
        except S3Error as error:
            status, headers, answer = self.refusal(error)
        self.service.log.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

    def refusal(self, error):
        service = self.service
        is_told = service.tells_region == "error" or (
            service.tells_region == "anonymous" and "authorization" not in self.headers
        )
        headers = {"x-amz-bucket-region": service.region} if is_told else {}
        region = f"<Region>{service.region}</Region>" if is_told else ""
        text = (
            f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>{region}"
            f"<Resource>{escape(self.path)}</Resource><RequestId>1</RequestId></Error>"
        )
        return error.status, headers, text.encode()

    def serve(self, body):
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote_to_bytes(path).decode("utf-8", "surrogateescape").removeprefix("/")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        arn = self.authenticate(headers, body)
        name, is_virtual, _ = headers["host"].partition(".s3.")
        name, _, key = (name, "", path) if is_virtual else path.partition("/")
        if name != self.service.bucket_name:
            raise S3Error(404, "NoSuchBucket")
        if not key:
            return self.list_objects(arn, query)
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

    # Who asks, and what they may do

    def authenticate(self, headers, body):
        user = self.service.users.get(signature.access_key(headers))
        if user is None:
            raise S3Error(403, "InvalidAccessKeyId" if "authorization" in headers else "AccessDenied")
        if signature.region(headers) != self.service.region:
            raise S3Error(400, "AuthorizationHeaderMalformed", "the region is wrong")
        try:
            signature.verify(self.command, self.path, headers, body, user[0], self.service.bucket.now())
        except signature.BadSignature as error:
            raise S3Error(400 if str(error) in BAD_REQUESTS else 403, str(error)) from error
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

    def bypass(self, arn, key, headers):
        """Whether governance locks may be weakened; asking for it without the right is refused."""
        if headers.get("x-amz-bypass-governance-retention", "").lower() != "true":
            return False
        self.demand(arn, "s3:BypassGovernanceRetention", key)
        return True

    # Requests

    def list_objects(self, arn, query):
        if self.command != "GET":
            raise S3Error(405, "MethodNotAllowed")
        if query.get("list-type") != "2" or set(query) - LIST_PARAMETERS:
            raise S3Error(501, "NotImplemented")
        prefix = query.get("prefix", "")
        self.demand(arn, "s3:ListBucket", prefix=prefix)
        limit = min(int(query.get("max-keys", 1000)), self.service.page_size)
        after = query.get("continuation-token", query.get("start-after", ""))
        after = after[1:] if "continuation-token" in query else after
        versions, has_more = self.service.bucket.list(prefix, after, limit)
        is_encoded = query.get("encoding-type") == "url"

        def shown(key):
            return urllib.parse.quote_plus(key, safe="/") if is_encoded else escape(key)

        rows = "".join(
            f"<Contents><Key>{shown(v.key)}</Key><LastModified>{v.modified.strftime(DATE)}</LastModified>"
            f"<ETag>{escape(v.etag)}</ETag><Size>{len(v.body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for v in versions
        )
        token = f"<NextContinuationToken>t{escape(versions[-1].key)}</NextContinuationToken>" if has_more else ""
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">'
            f"<Name>{self.service.bucket_name}</Name><Prefix>{shown(prefix)}</Prefix>"
            f"<KeyCount>{len(versions)}</KeyCount><MaxKeys>{limit}</MaxKeys>"
            + ("<EncodingType>url</EncodingType>" if is_encoded else "")
            + f"<IsTruncated>{'true' if has_more else 'false'}</IsTruncated>{token}{rows}</ListBucketResult>"
        )
        return 200, {"Content-Type": "application/xml"}, text.encode()

    def check_integrity(self, headers, body, is_required):
        sent = [name for name in checksums.ALGORITHMS if f"x-amz-checksum-{name}" in headers]
        named = headers.get("x-amz-sdk-checksum-algorithm")
        if len(sent) > 1 or named and [named.lower()] != sent:
            raise S3Error(400, "InvalidRequest", "more than one checksum, or another than is named")
        for name in sent:
            if headers[f"x-amz-checksum-{name}"] != checksums.encoded(name, body):
                raise S3Error(400, "BadDigest", f"the {name} does not match")
        if "content-md5" in headers and headers["content-md5"] != checksums.content_md5(body):
            raise S3Error(400, "BadDigest", "the Content-MD5 does not match")
        if is_required and not sent and "content-md5" not in headers:
            raise S3Error(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required")

    def demand_lock(self, arn, key, mode, until):
        seconds = (until - self.service.bucket.now()).total_seconds()
        self.demand(
            arn,
            "s3:PutObjectRetention",
            key,
            object_lock_mode=mode,
            object_lock_remaining_retention_days=str(int(-(-seconds // 86400))),
        )

    def put_object(self, arn, key, headers, body):
        condition = headers.get("if-none-match")
        self.demand(arn, "s3:PutObject", key, if_none_match=condition)
        mode = headers.get("x-amz-object-lock-mode")
        until = headers.get("x-amz-object-lock-retain-until-date")
        if (mode is None) != (until is None):
            raise S3Error(400, "InvalidArgument", "both lock headers are needed")
        if mode is not None:
            until = parse_date(until)
            self.demand_lock(arn, key, mode, until)
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
        except S3Error as error:
            # Without the right to list, nobody learns what is missing.
            if error.status == 404:
                self.demand(arn, "s3:ListBucket")
            raise
        answer = {"ETag": version.etag, "x-amz-version-id": version.id}
        if version.mode and self.may(arn, "s3:GetObjectRetention", key):
            answer["x-amz-object-lock-mode"] = version.mode
            answer["x-amz-object-lock-retain-until-date"] = version.until.strftime(DATE)
        body, status = version.body, 200
        if headers.get("range", "").startswith("bytes="):
            first, _, last = headers["range"][len("bytes=") :].partition("-")
            if int(first) >= len(body):
                raise S3Error(416, "InvalidRange")
            body = body[int(first) : int(last) + 1 if last else None]
            status = 206
        return status, answer, body

    def put_retention(self, arn, key, query, headers, body):
        try:
            root = ElementTree.fromstring(body)
            mode = root.find(f"{{{NAMESPACE}}}Mode").text
            until = parse_date(root.find(f"{{{NAMESPACE}}}RetainUntilDate").text)
        except (ElementTree.ParseError, AttributeError) as error:
            raise S3Error(400, "MalformedXML") from error
        self.demand_lock(arn, key, mode, until)
        self.check_integrity(headers, body, is_required=True)
        bypass = self.bypass(arn, key, headers)
        self.service.bucket.retain(key, query.get("versionId"), mode, until, bypass)
        return 200, {}, b""

    def delete_object(self, arn, key, query, headers):
        version_id = query.get("versionId")
        self.demand(arn, "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion", key)
        self.service.bucket.delete(key, version_id, self.bypass(arn, key, headers))
        return 204, {}, b""


def parse_date(text):
    for form in (DATE, "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            continue
    raise S3Error(400, "InvalidArgument", "The retain until date must be provided in ISO 8601 format")


class Server(http.server.ThreadingHTTPServer):
    """Listens on a free port of this machine, with TLS where a certificate and its key are given."""

    daemon_threads = True
    request_queue_size = 128
    handler = Handler

    def __init__(self, service, certificate=None, port=0):
        self.service = service
        super().__init__(("127.0.0.1", port), self.handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake belongs to the thread of the connection, not to the one that accepts.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self):
        return self.server_address[1]

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that goes away is no fault of ours."""
