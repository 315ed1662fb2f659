"""Key sets, key files and badges (format section 4)."""

import base64
import binascii
import os
from dataclasses import dataclass

from .primitives import (
    FormatError,
    ed25519_public,
    hexadecimal,
    kdf,
    sign,
    signature_is_valid,
    x25519_public,
)

MASTER, WRITE_ONLY, READ_WRITE, LOG_ONLY = range(4)
TYPE_NAMES = ("Master", "WriteOnly", "ReadWrite", "LogOnly")

MAGIC = b"RKK01"
MASTER_SIZE = 32
DERIVED_SIZE = 950
BADGE_SIZE = 113
BADGE_SIGNED_SIZE = 49
SLOTS_OFFSET = 118
SLOT_COUNT = 24
MASTER_KID = bytes(16)
ZERO = bytes(32)

BEGIN = "-----BEGIN REKKORD KEY-----"
END = "-----END REKKORD KEY-----"
LINE_SIZE = 70
MAX_ENCODED_SIZE = 16384

SLOT_NAMES = ("ckey", "akey", "dkey", "wkey", "lkey", "tkey", "nkey", "vkey", "skey", "pkey")
# Which slots a derived key file stores; all others are zero bytes.
STORED_SLOTS = {
    WRITE_ONLY: {"akey", "wkey", "tkey", "vkey", "skey"},
    READ_WRITE: {"akey", "dkey", "lkey", "vkey", "skey"},
    LOG_ONLY: {"akey", "lkey", "vkey", "skey"},
}


@dataclass
class KeySet:
    """The keys of one holder; what the type does not own is None."""

    type: int
    kid: bytes
    akey: bytes
    vkey: bytes
    skey: bytes
    pkey: bytes
    ckey: bytes = None
    dkey: bytes = None
    wkey: bytes = None
    lkey: bytes = None
    tkey: bytes = None
    nkey: bytes = None
    badge: bytes = None

    @property
    def name(self):
        return TYPE_NAMES[self.type]

    @property
    def kid_text(self):
        return hexadecimal(self.kid)

    def blob_hash_salt(self):
        return kdf(self.wkey, 0, 32)

    def splitter_key(self):
        return kdf(self.wkey, 1, 32)

    def splitter_seed(self):
        return self.splitter_key()[:8]


def master_key_set(mkey):
    ckey, dkey, lkey, nkey = (kdf(mkey, number, 32) for number in range(4))
    vkey = ed25519_public(nkey)
    return KeySet(
        type=MASTER,
        kid=MASTER_KID,
        ckey=ckey,
        akey=ed25519_public(ckey),
        dkey=dkey,
        wkey=x25519_public(dkey),
        lkey=lkey,
        tkey=x25519_public(lkey),
        nkey=nkey,
        vkey=vkey,
        skey=nkey,
        pkey=vkey,
    )


def make_badge(master, kid, key_type, pkey):
    signed = kid + bytes([key_type]) + pkey
    return signed + sign(master.nkey, master.vkey, signed)


def check_badge(badge, kid, vkey):
    """Returns the public key that a badge object vouches for (4.6)."""
    if len(badge) != BADGE_SIZE:
        raise FormatError(f"badge has {len(badge)} bytes instead of {BADGE_SIZE}")
    if badge[:16] != kid:
        raise FormatError("badge belongs to another key")
    if badge[16] not in (WRITE_ONLY, READ_WRITE):
        raise FormatError("badge is of a key that may not write")
    if not signature_is_valid(vkey, badge[:BADGE_SIGNED_SIZE], badge[BADGE_SIGNED_SIZE:]):
        raise FormatError("badge signature is wrong")
    return badge[17:49]


def derive_raw(master, key_type, kid=None, skey=None):
    """The 950 bytes of a derived key file (4.4)."""
    kid = os.urandom(16) if kid is None else kid
    skey = os.urandom(32) if skey is None else skey
    raw = MAGIC + make_badge(master, kid, key_type, ed25519_public(skey))
    for index in range(SLOT_COUNT):
        name = SLOT_NAMES[index] if index < len(SLOT_NAMES) else None
        if name == "skey":
            raw += skey
        elif name in STORED_SLOTS[key_type]:
            raw += getattr(master, name)
        else:
            raw += ZERO
    return raw + sign(master.nkey, master.vkey, raw)


def encode_pem(raw):
    text = base64.b64encode(raw).decode("ascii")
    lines = [text[i : i + LINE_SIZE] for i in range(0, len(text), LINE_SIZE)]
    return "\n".join([BEGIN, *lines, END]) + "\n"


def decode_pem(text):
    start = text.find(BEGIN)
    if start < 0:
        raise FormatError("malformed key file: no BEGIN line")
    body = text[start + len(BEGIN) :]
    end = body.find(END)
    if end >= 0:
        body = body[:end]
    encoded = "".join(character for character in body if character not in " \t\r\n\v\f")
    if len(encoded) > MAX_ENCODED_SIZE:
        raise FormatError("malformed key file: too long")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("malformed key file: not base64") from error


def parse_key(text):
    raw = decode_pem(text)
    if len(raw) == MASTER_SIZE:
        return master_key_set(raw)
    if len(raw) == DERIVED_SIZE:
        return _parse_derived(raw)
    raise FormatError(f"malformed key file: {len(raw)} bytes")


def load_key(path):
    with open(path, "r", encoding="latin-1") as file:
        return parse_key(file.read())


def _parse_derived(raw):
    if raw[:5] != MAGIC:
        raise FormatError("malformed key file: bad magic")
    badge = raw[5:SLOTS_OFFSET]
    key_type = badge[16]
    if key_type not in STORED_SLOTS:
        raise FormatError(f"malformed key file: unknown type {key_type}")
    slots = {
        name: raw[SLOTS_OFFSET + 32 * index : SLOTS_OFFSET + 32 * index + 32]
        for index, name in enumerate(SLOT_NAMES)
    }
    if not signature_is_valid(slots["vkey"], raw[:-64], raw[-64:]):
        raise FormatError("key file was tampered with: signature is wrong")
    if not signature_is_valid(slots["vkey"], badge[:BADGE_SIGNED_SIZE], badge[BADGE_SIGNED_SIZE:]):
        raise FormatError("key file was tampered with: badge signature is wrong")
    pkey = ed25519_public(slots["skey"])
    if badge[17:49] != pkey:
        raise FormatError("key file was tampered with: signing key does not fit")

    keys = KeySet(
        type=key_type,
        kid=badge[:16],
        akey=slots["akey"],
        vkey=slots["vkey"],
        skey=slots["skey"],
        pkey=pkey,
        badge=badge,
    )
    if key_type == WRITE_ONLY:
        keys.wkey, keys.tkey = slots["wkey"], slots["tkey"]
    if key_type == READ_WRITE:
        keys.dkey, keys.wkey = slots["dkey"], x25519_public(slots["dkey"])
    if key_type in (READ_WRITE, LOG_ONLY):
        keys.lkey, keys.tkey = slots["lkey"], x25519_public(slots["lkey"])
    return keys
