"""The checksums that S3 accepts, bit by bit from their definitions: slow, and shared with nobody."""

import base64
import hashlib
import zlib


def _reflected_table(polynomial, width):
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def _reversed_bits(value, width):
    return int(format(value, f"0{width}b")[::-1], 2)


_CRC32C = _reflected_table(_reversed_bits(0x1EDC6F41, 32), 32)
_CRC64NVME = _reflected_table(_reversed_bits(0xAD93D23594C93659, 64), 64)


def _crc(data, table, width):
    value = mask = (1 << width) - 1
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ mask


def crc64nvme(data):
    return _crc(data, _CRC64NVME, 64)


def crc32c(data):
    return _crc(data, _CRC32C, 32)


ALGORITHMS = {
    "crc64nvme": lambda data: crc64nvme(data).to_bytes(8, "big"),
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": lambda data: crc32c(data).to_bytes(4, "big"),
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}


def encoded(algorithm, data):
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def content_md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


assert crc64nvme(b"123456789") == 0xAE8B14860A799888
assert crc32c(b"123456789") == 0xE3069283
