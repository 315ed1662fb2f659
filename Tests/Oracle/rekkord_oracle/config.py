"""The root object `rekkord` (format section 3)."""

import os
from dataclasses import dataclass

from .primitives import FormatError, secretbox, secretbox_open, sign, signature_is_valid

CONFIG_SIZE = 4203
VERSION = 3
CYPHER_SIZE = 4112
PLAIN_SIZE = 32


@dataclass
class Config:
    repository_id: bytes
    cache_id: bytes


def encode_config(config, master, nonce=None):
    nonce = os.urandom(24) if nonce is None else nonce
    box = secretbox(master.akey, nonce, config.repository_id + config.cache_id)
    body = bytes([VERSION]) + PLAIN_SIZE.to_bytes(2, "little") + nonce + box.ljust(CYPHER_SIZE, b"\0")
    return body + sign(master.ckey, master.akey, body)


def decode_config(data, akey):
    if len(data) < 27:
        raise FormatError("config object is too short")
    if data[0] != VERSION:
        raise FormatError(f"config version {data[0]} is not supported")
    if int.from_bytes(data[1:3], "little") != PLAIN_SIZE:
        raise FormatError("config object has a wrong length field")
    if len(data) != CONFIG_SIZE:
        raise FormatError(f"config object has {len(data)} bytes instead of {CONFIG_SIZE}")
    if not signature_is_valid(akey, data[:-64], data[-64:]):
        raise FormatError("key does not match the repository: config signature")
    plain = secretbox_open(akey, data[3:27], data[27 : 27 + 16 + PLAIN_SIZE])
    if any(data[27 + 16 + PLAIN_SIZE : 27 + CYPHER_SIZE]):
        raise FormatError("config object has bytes where zeros belong")
    return Config(plain[:16], plain[16:])
