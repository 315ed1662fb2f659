"""Blobs: types, object ids, and the container (format sections 5 and 6)."""

import os
from dataclasses import dataclass

import lz4.frame

from .primitives import (
    STREAM_HEADER_SIZE,
    STREAM_OVERHEAD,
    TAG_FINAL,
    TAG_MESSAGE,
    FormatError,
    StreamOpener,
    StreamSealer,
    hexadecimal,
    keyed_blake3,
    padded_size,
    seal,
    unseal,
)

VERSION = 7
INTRO_SIZE = 106
PIECE_SIZE = 32768

(CHUNK, FILE, DIRECTORY1, SNAPSHOT1, LINK, SNAPSHOT2, DIRECTORY2, SNAPSHOT3, DIRECTORY3, SNAPSHOT4, DIRECTORY,
 SNAPSHOT5, SNAPSHOT) = range(13)  # fmt: skip
TYPE_NAMES = (
    "Chunk", "File", "Directory1", "Snapshot1", "Link", "Snapshot2", "Directory2", "Snapshot3", "Directory3",
    "Snapshot4", "Directory", "Snapshot5", "Snapshot",
)  # fmt: skip
RAW_TYPES = {CHUNK, FILE, LINK}
DIRECTORY_TYPES = {DIRECTORY3, DIRECTORY}
SNAPSHOT_TYPES = {SNAPSHOT4, SNAPSHOT5, SNAPSHOT}

FRAME_START = bytes.fromhex("04224d184040c0")
FRAME_END = bytes(4)


def catalog_of(blob_type):
    return "R" if blob_type in RAW_TYPES else "M"


def type_name(blob_type):
    return TYPE_NAMES[blob_type] if blob_type < len(TYPE_NAMES) else f"type {blob_type}"


def object_name(catalog, digest):
    return f"blobs/{catalog}/{digest[0]:02X}/{hexadecimal(digest)}"


def object_id(catalog, digest):
    return catalog + hexadecimal(digest)


def parse_object_id(text):
    """Returns (catalog, digest), or None when the text is no object id."""
    if len(text) != 65 or text[0] not in "MR":
        return None
    try:
        return text[0], bytes.fromhex(text[1:])
    except ValueError:
        return None


def blob_digest(salt, blob_type, plaintext):
    key = salt[:31] + bytes([salt[31] ^ blob_type])
    return keyed_blake3(key, plaintext)


@dataclass
class Blob:
    """A decoded blob, with what a strict check of the container needs to know."""

    type: int
    plaintext: bytes
    object_size: int
    frame_size: int
    padded_size: int
    frame_start: bytes
    message_sizes: list

    def writer_faults(self):
        """What a careful writer would not have done, though every reader accepts it."""
        if self.padded_size != padded_size(self.frame_size):
            yield f"padded to {self.padded_size} bytes instead of {padded_size(self.frame_size)}"
        if self.frame_start != FRAME_START:
            yield f"LZ4 frame starts with {self.frame_start.hex()}"
        if any(size != PIECE_SIZE for size in self.message_sizes[:-1]) or self.message_sizes[-1] > PIECE_SIZE:
            yield "stream messages are not cut every 32768 bytes"
        unpadded = self.padded_size == self.frame_size and self.frame_size % PIECE_SIZE == 0
        if self.message_sizes[-1] == 0 and not unpadded:
            yield "needless empty last message"


def decode_blob(data, keys):
    """Opens the container with every check of 5.4 except the digest."""
    if len(data) < INTRO_SIZE:
        raise FormatError("blob is too short")
    if data[0] != VERSION:
        raise FormatError(f"blob version {data[0]} is not supported")
    if data[1] >= 0x80:
        raise FormatError("blob type is negative")
    stream_key = unseal(keys.wkey, keys.dkey, data[2:82])
    stream = StreamOpener(stream_key, data[82:INTRO_SIZE])
    pieces = []
    position = INTRO_SIZE
    while True:
        message = data[position : position + PIECE_SIZE + STREAM_OVERHEAD]
        if len(message) < STREAM_OVERHEAD:
            raise FormatError("blob is truncated")
        piece, tag = stream.open(message)
        pieces.append(piece)
        position += len(message)
        if tag == TAG_FINAL:
            break
        if tag != TAG_MESSAGE:
            raise FormatError(f"unexpected stream tag {tag}")
        if position == len(data):
            raise FormatError("blob is truncated")
    if position != len(data):
        raise FormatError("bytes after the end of the blob")

    padded = b"".join(pieces)
    decoder = lz4.frame.LZ4FrameDecompressor()
    try:
        plaintext = decoder.decompress(padded)
    except RuntimeError as error:
        raise FormatError(f"LZ4 frame is damaged: {error}") from error
    if not decoder.eof:
        raise FormatError("LZ4 frame does not end")
    padding = decoder.unused_data or b""
    if any(padding):
        raise FormatError("padding is not zero")
    return Blob(
        type=data[1],
        plaintext=plaintext,
        object_size=len(data),
        frame_size=len(padded) - len(padding),
        padded_size=len(padded),
        frame_start=padded[: len(FRAME_START)],
        message_sizes=[len(piece) for piece in pieces],
    )


def compress(plaintext, level):
    """One LZ4 frame with the preferences of 5.3."""
    # The one-shot call would write small frames with independent blocks, hence begin, compress, flush.
    compressor = lz4.frame.LZ4FrameCompressor(
        compression_level=level,
        block_size=lz4.frame.BLOCKSIZE_MAX64KB,
        block_linked=True,
        content_checksum=False,
        block_checksum=False,
    )
    return compressor.begin() + compressor.compress(plaintext) + compressor.flush()


def encrypt_blob(
    blob_type,
    padded,
    keys,
    stream_key=None,
    header=None,
    ephemeral_secret=None,
    version=VERSION,
    empty_end=False,
):
    """Seals padded bytes; everything random can be fixed, and everything fixed can be falsified."""
    stream_key = os.urandom(32) if stream_key is None else stream_key
    header = os.urandom(STREAM_HEADER_SIZE) if header is None else header
    output = [bytes([version, blob_type]), seal(keys.wkey, stream_key, ephemeral_secret), header]
    stream = StreamSealer(stream_key, header)
    pieces = [padded[i : i + PIECE_SIZE] for i in range(0, len(padded), PIECE_SIZE)]
    if empty_end or not pieces:
        pieces.append(b"")
    output += [stream.seal(piece, TAG_MESSAGE) for piece in pieces[:-1]]
    output.append(stream.seal(pieces[-1], TAG_FINAL))
    return b"".join(output)


def encode_blob(blob_type, plaintext, keys, level=6, frame=None, **fixed):
    frame = compress(plaintext, level) if frame is None else frame
    return encrypt_blob(blob_type, frame.ljust(padded_size(len(frame)), b"\0"), keys, **fixed)
