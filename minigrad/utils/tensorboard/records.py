"""TensorBoard's files: protocol buffers, written field by field, each event in a record with checksums.

Sources: protobuf.dev/programming-guides/encoding; github.com/tensorflow/tensorboard, compat/proto/event.proto and
summary.proto; tensorflow.org/tutorials/load_data/tfrecord.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES = 0, 1, 2, 5  # how a field is written; after each, its number in the message


def whole(field: int, number: int) -> bytes:
    """A field that holds an integer; nothing for 0, which a reader assumes."""
    return _tag(field, VARINT) + _varint(number) if number else b""


def double(field: int, number: float) -> bytes:
    """A field that holds a double; nothing for 0."""
    return _tag(field, EIGHT_BYTES) + struct.pack("<d", number) if number else b""


def single(field: int, number: float) -> bytes:
    """A field that holds a float, also if it is 0, because one of several kinds of value is chosen by it."""
    return _tag(field, FOUR_BYTES) + struct.pack("<f", number)


def part(field: int, *content: bytes) -> bytes:
    """A field that holds bytes, a text, or a message of its own: the fields one after another."""
    data = b"".join(content)
    return _tag(field, SIZED) + _varint(len(data)) + data


def doubles(field: int, numbers: Iterable[float]) -> bytes:
    """A field that holds a list of doubles."""
    values = list(numbers)
    return part(field, struct.pack(f"<{len(values)}d", *values))


def event(seconds: float, step: int, *content: bytes) -> bytes:
    """An event at a time since 1970, in a step of the training."""
    return double(1, seconds) + whole(2, step) + b"".join(content)


def record(data: bytes) -> bytes:
    """The bytes as a record: length, checksum of the length, bytes, checksum of the bytes."""
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _tag(field: int, kind: int) -> bytes:
    return bytes([field << 3 | kind])


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    number &= (1 << 64) - 1  # two's complement of a negative one
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _make_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _make_table()  # of CRC-32C, Castagnoli's polynomial


def _checksum(data: bytes) -> bytes:
    """CRC-32C, turned and shifted, so that a checksum of data that hold checksums is not 0."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    turned = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (turned + 0xA282EAD8) & 0xFFFFFFFF)
