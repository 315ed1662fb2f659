"""Checks AWS Signature Version 4, written from its documentation."""

import datetime
import hashlib
import hmac
import re
import urllib.parse


STAMP = "%Y%m%dT%H%M%SZ"
MAX_SKEW = datetime.timedelta(minutes=15)


class BadSignature(Exception):
    """Carries the S3 error code."""


def region(headers):
    """The region that a request was signed for."""
    match = re.search(r"Credential=[^/]+/\d+/([^/]+)/", headers.get("authorization", ""))
    return match.group(1) if match else None


def access_key(headers):
    """The key ID that a request names, or None for an anonymous one."""
    match = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/", headers.get("authorization", ""))
    return match.group(1) if match else None


def verify(method, raw_path, headers, body, secret, now):
    """Raises BadSignature unless the request was signed with `secret` within 15 minutes of `now` (a datetime)."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
        r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    if not match:
        raise BadSignature("AuthorizationHeaderMalformed")
    _, date, region, signed, signature = match.groups()
    names = signed.split(";")
    if names != sorted(names) or "host" not in names:
        raise BadSignature("AuthorizationHeaderMalformed")
    for name in headers:
        if name.startswith("x-amz-") and name not in names:
            raise BadSignature("AccessDenied")
    stamp = headers.get("x-amz-date", "")
    if not stamp.startswith(date):
        raise BadSignature("AuthorizationHeaderMalformed")
    try:
        sent = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.timezone.utc)
    except ValueError as error:
        raise BadSignature("AccessDenied") from error
    if abs(sent - now) > MAX_SKEW:
        raise BadSignature("RequestTimeTooSkewed")
    payload = headers.get("x-amz-content-sha256", "")
    if payload != "UNSIGNED-PAYLOAD" and payload != hashlib.sha256(body).hexdigest():
        raise BadSignature("XAmzContentSHA256Mismatch")

    path, _, query = raw_path.partition("?")
    pairs = sorted(
        (part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part
    )
    canonical = "\n".join(
        [method, path, "&".join(f"{k}={v}" for k, v in pairs)]
        + [f"{name}:{' '.join(headers.get(name, '').split())}" for name in names]
        + ["", signed, payload]
    )
    scope = f"{date}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), signature):
        raise BadSignature("SignatureDoesNotMatch")
    for part in (path, *(x for pair in pairs for x in pair)):
        if urllib.parse.quote(urllib.parse.unquote_to_bytes(part), safe="/-._~" if part == path else "-._~") != part:
            raise BadSignature("InvalidURI")
