"""Cryptographic primitives and small encodings of format section 1."""

import base64
import binascii
import hashlib

import blake3
import nacl.bindings as sodium
from nacl.exceptions import CryptoError

KDF_CONTEXT = b"REKKORD0"
SEAL_OVERHEAD = 48
SECRETBOX_OVERHEAD = 16
SIGNATURE_SIZE = 64

# Secretstream: the key is `stream_key`, the header is random, tag 3 ends the stream.
STREAM_HEADER_SIZE = 24
STREAM_OVERHEAD = 17
TAG_MESSAGE = 0
TAG_FINAL = 3


class FormatError(Exception):
    """Stored bytes that do not follow the format, or that were tampered with."""


def kdf(key, identifier, size):
    return hashlib.blake2b(
        b"",
        digest_size=size,
        key=key,
        salt=identifier.to_bytes(8, "little") + bytes(8),
        person=KDF_CONTEXT + bytes(8),
    ).digest()


def x25519_public(secret):
    return sodium.crypto_scalarmult_base(secret)


def ed25519_public(seed):
    return sodium.crypto_sign_seed_keypair(seed)[0]


def sign(seed, public, message):
    return sodium.crypto_sign(message, seed + public)[:SIGNATURE_SIZE]


def signature_is_valid(public, message, signature):
    try:
        sodium.crypto_sign_open(signature + message, public)
        return True
    except (CryptoError, ValueError):
        return False


def seal(public, message, ephemeral_secret=None):
    """`crypto_box_seal`; a fixed ephemeral secret makes the result reproducible for golden values."""
    if ephemeral_secret is None:
        return sodium.crypto_box_seal(message, public)
    ephemeral_public = x25519_public(ephemeral_secret)
    nonce = hashlib.blake2b(ephemeral_public + public, digest_size=24).digest()
    return ephemeral_public + sodium.crypto_box_easy(message, nonce, public, ephemeral_secret)


def unseal(public, secret, sealed):
    try:
        return sodium.crypto_box_seal_open(sealed, public, secret)
    except (CryptoError, ValueError, TypeError) as error:
        raise FormatError("sealed box does not open: wrong key, or damaged") from error


def secretbox(key, nonce, message):
    return sodium.crypto_secretbox_easy(message, nonce, key)


def secretbox_open(key, nonce, box):
    try:
        return sodium.crypto_secretbox_open_easy(box, nonce, key)
    except (CryptoError, ValueError, TypeError) as error:
        raise FormatError("secret box does not open") from error


def argon2id(password, salt):
    return sodium.crypto_pwhash_alg(32, password, salt, 1, 8192, sodium.crypto_pwhash_ALG_ARGON2ID13)


def keyed_blake3(key, message):
    return blake3.blake3(message, key=key, max_threads=1).digest()


class StreamOpener:
    """Decrypts the messages of one secretstream."""

    def __init__(self, key, header):
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def open(self, message):
        """Returns (piece, tag)."""
        try:
            return sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, message)
        except (CryptoError, RuntimeError, ValueError) as error:
            raise FormatError("stream message does not decrypt") from error


class StreamSealer:
    """Encrypts the messages of one secretstream under a header of the caller's choice."""

    def __init__(self, key, header):
        # Both directions start from the same state, so a chosen header goes in through the opening side.
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def seal(self, piece, tag):
        return sodium.crypto_secretstream_xchacha20poly1305_push(self._state, piece, None, tag)


def chacha20_keystream(key, nonce, size):
    """ChaCha20-IETF keystream from counter 0 (RFC 8439), in plain Python: 2048 bytes are needed once."""
    output = bytearray()
    for counter in range((size + 63) // 64):
        output += _chacha20_block(key, counter, nonce)
    return bytes(output[:size])


def _chacha20_block(key, counter, nonce):
    words = lambda data: [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    initial = words(b"expand 32-byte k") + words(key) + [counter] + words(nonce)
    x = list(initial)

    def rotate(value, count):
        return ((value << count) | (value >> (32 - count))) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        x[a] = (x[a] + x[b]) & 0xFFFFFFFF
        x[d] = rotate(x[d] ^ x[a], 16)
        x[c] = (x[c] + x[d]) & 0xFFFFFFFF
        x[b] = rotate(x[b] ^ x[c], 12)
        x[a] = (x[a] + x[b]) & 0xFFFFFFFF
        x[d] = rotate(x[d] ^ x[a], 8)
        x[c] = (x[c] + x[d]) & 0xFFFFFFFF
        x[b] = rotate(x[b] ^ x[c], 7)

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for diagonal in range(4):
            quarter(diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return b"".join(((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(x, initial))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text):
    """Strict: no padding, no foreign characters, no stray bits in the last character."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("not base64-url") from error
    if base64url(data) != text:
        raise FormatError("base64-url text is not canonical")
    return data


def hexadecimal(data):
    return data.hex().upper()


def padded_size(size):
    """Padmé: the stored length of a frame of `size` bytes."""
    exponent = max(size, 1).bit_length() - 1
    bits = exponent.bit_length()
    low = max(exponent - bits, 0)
    mask = (1 << low) - 1
    return (size + mask) & ~mask
