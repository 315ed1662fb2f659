"""Snapshot tags: everything is in the names of empty objects (format section 10)."""

import os
import re
from dataclasses import dataclass

from .keys import MASTER_KID, check_badge
from .primitives import (
    SIGNATURE_SIZE,
    FormatError,
    argon2id,
    base64url,
    base64url_decode,
    hexadecimal,
    seal,
    secretbox,
    secretbox_open,
    sign,
    signature_is_valid,
    unseal,
)

VERSION = 1
INTRO_SIZE = 75
SEALED_SIZE = 123
MAIN_SIZE = 187
PIECE_SIZE = 148
MAX_FRAGMENTS = 4
PAYLOAD_SIZES = range(33, 545)

MAIN_PATTERN = re.compile(r"tags/M/([0-9A-F]{32})/([^/]+)\Z")
FRAGMENT_PATTERN = re.compile(r"tags/P/([0-9A-F]{32})_([0-9]{2})_([^/]+)\Z")

SIGNED, WRONG, UNKNOWN = "signed", "wrong signature", "unknown author"


@dataclass
class Payload:
    time: int
    size: int
    stored: int
    added: int
    channel: bytes

    def encode(self):
        numbers = (self.time, self.size, self.stored, self.added)
        return b"".join(n.to_bytes(8, "little", signed=True) for n in numbers) + self.channel + b"\0"

    @classmethod
    def decode(cls, data):
        if len(data) not in PAYLOAD_SIZES:
            raise FormatError(f"tag payload has {len(data)} bytes")
        numbers = [int.from_bytes(data[i : i + 8], "little", signed=True) for i in range(0, 32, 8)]
        return cls(*numbers, channel=data[32:].split(b"\0", 1)[0])


@dataclass
class Tag:
    digest: bytes
    payload: Payload
    kid: bytes
    object_name: str
    fragment_names: list
    author: str


def encode_tag(
    digest, payload, keys, prefix=None, pwd=None, ephemeral_secret=None, catalog=0, version=VERSION
):
    """Returns (main object name, fragment object names)."""
    prefix = os.urandom(16) if prefix is None else prefix
    pwd = os.urandom(24) if pwd is None else pwd
    pieces = [payload[i : i + PIECE_SIZE] for i in range(0, len(payload), PIECE_SIZE)]
    intro = bytes([version, catalog]) + digest + prefix + pwd + bytes([len(pieces)])
    sealed = seal(keys.tkey, intro, ephemeral_secret)
    main = "tags/M/" + hexadecimal(keys.kid) + "/" + base64url(sealed + sign(keys.skey, keys.pkey, sealed))
    fkey = argon2id(pwd, prefix)
    return main, [fragment_name(prefix, index, fkey, piece) for index, piece in enumerate(pieces)]


def fragment_name(prefix, index, fkey, piece):
    box = secretbox(fkey, bytes(23) + bytes([index]), piece)
    return f"tags/P/{hexadecimal(prefix)}_{index:02d}_{base64url(box)}"


def list_tags(names, keys, badge_of):
    """Decodes all object names below `tags/`.

    `badge_of(kid)` returns the badge object or None. Returns (tags by time, problems); a tag with a wrong
    signature is a problem and not a tag, one whose author is unknown is a tag.
    """
    problems = []
    fragments = {}
    mains = []
    for name in names:
        if match := FRAGMENT_PATTERN.match(name):
            fragments.setdefault(match[1], {}).setdefault(int(match[2]), []).append((name, match[3]))
        elif match := MAIN_PATTERN.match(name):
            mains.append((name, bytes.fromhex(match[1]), match[2]))
        else:
            problems.append(f"{name}: not the name of a tag")
    by_sealed = {}
    used = set()
    for name, kid, text in mains:
        try:
            tag = _decode_tag(name, kid, text, fragments, keys, badge_of)
        except FormatError as error:
            problems.append(f"{name}: {error}")
            continue
        used.update(tag.fragment_names)
        # The author's id is not part of what is sealed: a copy below another id is the same tag.
        sealed = text[: SEALED_SIZE * 4 // 3]
        if sealed not in by_sealed or by_sealed[sealed].author == UNKNOWN:
            by_sealed[sealed] = tag
    stray = [
        item
        for group in fragments.values()
        for items in group.values()
        for item, _ in items
        if item not in used
    ]
    problems += [f"{name}: fragment without a tag" for name in stray]
    return sorted(by_sealed.values(), key=lambda tag: (tag.payload.time, tag.digest)), problems


def _decode_tag(name, kid, text, fragments, keys, badge_of):
    blob = base64url_decode(text)
    if len(blob) != MAIN_SIZE:
        raise FormatError(f"main tag has {len(blob)} bytes instead of {MAIN_SIZE}")
    sealed, signature = blob[:SEALED_SIZE], blob[SEALED_SIZE:]
    assert len(signature) == SIGNATURE_SIZE
    intro = unseal(keys.tkey, keys.lkey, sealed)
    if intro[0] != VERSION:
        raise FormatError(f"tag version {intro[0]} is not supported")
    if intro[1] != 0:
        raise FormatError("tag does not name a snapshot")
    author = _author(kid, sealed, signature, keys, badge_of)
    if author == WRONG:
        raise FormatError(WRONG)
    digest, prefix, pwd, count = intro[2:34], intro[34:50], intro[50:74], intro[74]
    if not 1 <= count <= MAX_FRAGMENTS:
        raise FormatError(f"tag has {count} fragments")
    fkey = argon2id(pwd, prefix)
    payload = b""
    names = []
    for index in range(count):
        piece, fragment = _open_fragment(fragments.get(hexadecimal(prefix), {}).get(index, []), index, fkey)
        payload += piece
        names.append(fragment)
    return Tag(digest, Payload.decode(payload), kid, name, names, author)


def _open_fragment(candidates, index, fkey):
    for name, text in candidates:
        try:
            return secretbox_open(fkey, bytes(23) + bytes([index]), base64url_decode(text)), name
        except FormatError:
            continue
    raise FormatError(f"fragment {index} is missing or does not open")


def _author(kid, sealed, signature, keys, badge_of):
    if kid == MASTER_KID:
        pkey = keys.vkey
    else:
        badge = badge_of(kid)
        if badge is None:
            return UNKNOWN
        pkey = check_badge(badge, kid, keys.vkey)
    return SIGNED if signature_is_valid(pkey, sealed, signature) else WRONG
