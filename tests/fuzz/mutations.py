"""Ways to damage a file, drawn from a ``random.Random``: the same seed damages it in the same way."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from random import Random

from tests.fuzz.fields import fields_of, fix_checksums

__all__ = ["mutate", "mutate_text"]

EXTREMES = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
EXTREMES_64 = (*EXTREMES, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
BYTES = (0, 1, 0x20, 0x2D, 0x30, 0x7F, 0x80, 0xFE, 0xFF)
HEADER = 512  # most of what a reader decides on stands here
WORDS = (
    "", "-1", "0", "1e999", "nan", "inf", "-inf", "99999999999999999999", "0x41", "null", "~", "true", "[]", "{}",
    "../../../etc/passwd", "/etc/passwd", "http://localhost/x", "\\\\host\\share", "!!python/object/apply:os.x [x]",
    "!!binary aGk=", "&a [*a]", "a" * 5000, "\u202e", "%s%n", "${HOME}", "1" * 5000, "-", "? ", "|", ">",
    "---", "2001-01-01", "1_000", "0o17", "<<", "=", "\x00", "\ud7ff", "\U0001f9e0", "[1,2]", "(1,2)", "end",
    "\"", "\n", "\t",
)  # fmt: skip


def mutate(random: Random, data: bytes, kind: str, *, others: tuple[bytes, ...] = ()) -> bytes:
    """Return ``data`` with one to four damages.

    Args:
        random: where the damage is drawn from.
        data: a file.
        kind: its format; places that hold sizes are known for some.
        others: more files of the format, for splices.
    """
    if data[:2] == b"\x1f\x8b" and random.random() < 0.6:  # inside the compression
        try:
            return gzip.compress(mutate(random, gzip.decompress(data), kind), 1)
        except (OSError, EOFError, zlib.error):
            return data
    damaged = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if others and random.random() < 0.03:
            damaged = _splice(random, damaged, random.choice(others))
        elif random.random() < 0.45 and (fields := fields_of(kind, bytes(damaged))):
            _set_field(random, damaged, *random.choice(fields))
        else:
            random.choice(OPERATIONS)(random, damaged)
    result = bytes(damaged)
    return fix_checksums(kind, result) if random.random() < 0.8 else result


def mutate_text(random: Random, data: bytes) -> bytes:
    """Return text with one to four damages to its lines and words; sometimes damaged bytes instead."""
    if random.random() < 0.15:
        return mutate(random, data, "text")
    lines = data.decode(errors="replace").split("\n")
    for _ in range(random.choice((1, 1, 2, 3, 4))):
        random.choice(TEXT_OPERATIONS)(random, lines)
    return "\n".join(lines).encode(errors="surrogatepass")


def _place(random: Random, data: bytearray) -> int:
    end = len(data) if random.random() < 0.5 else min(len(data), HEADER)
    return random.randrange(end) if end else 0


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice((1, 1, 2, 8, 32))):
        if data:
            data[_place(random, data)] ^= 1 << random.randrange(8)


def _set_bytes(random: Random, data: bytearray) -> None:
    at, count = _place(random, data), random.choice((1, 2, 4, 16))
    data[at : at + count] = bytes(random.choice(BYTES) for _ in range(count))


def _scramble(random: Random, data: bytearray) -> None:
    at, count = _place(random, data), random.choice((1, 4, 16, 256))
    data[at : at + count] = random.randbytes(min(count, len(data) - at))


def _truncate(random: Random, data: bytearray) -> None:
    del data[_place(random, data) :]


def _extreme(random: Random, data: bytearray) -> None:
    size = random.choice((1, 2, 4, 8))
    _set_field(random, data, _place(random, data), size, random.choice(("little", "big")))


def _set_field(random: Random, data: bytearray, at: int, size: int, order: str) -> None:
    if size > 8:  # text, such as the decimal numbers of DICOM
        data[at : at + size] = random.choice(WORDS).encode(errors="replace")[:size].ljust(size)
        return
    near = (len(data), len(data) - at, len(data) * 2)
    value = random.choice(EXTREMES_64 + near) if random.random() < 0.8 else random.getrandbits(8 * size)
    data[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]


def _chunk(random: Random, data: bytearray) -> tuple[int, int]:
    at = _place(random, data)
    return at, min(len(data), at + random.choice((1, 4, 16, 100, 1000)))


def _delete(random: Random, data: bytearray) -> None:
    at, end = _chunk(random, data)
    del data[at:end]


def _duplicate(random: Random, data: bytearray) -> None:
    at, end = _chunk(random, data)
    data[at:at] = data[at:end] * random.choice((1, 1, 2, 100))


def _swap(random: Random, data: bytearray) -> None:
    (at, end), (other, stop) = sorted((_chunk(random, data), _chunk(random, data)))
    if end <= other:
        data[:] = data[:at] + data[other:stop] + data[end:other] + data[at:end] + data[stop:]


def _insert(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 100)))


def _blank(random: Random, data: bytearray) -> None:
    at, end = _chunk(random, data)
    data[at:end] = bytes([random.choice((0, 0xFF))]) * (end - at)


def _splice(random: Random, data: bytearray, other: bytes) -> bytearray:
    at = _place(random, data)
    return data[:at] + other[min(at, len(other)) :]


Operation = Callable[[Random, bytearray], None]
OPERATIONS: tuple[Operation, ...] = (
    _flip, _flip, _set_bytes, _scramble, _truncate, _extreme, _extreme, _delete, _duplicate, _swap, _insert, _blank,
)  # fmt: skip


def _line(random: Random, lines: list[str]) -> int:
    return random.randrange(len(lines)) if lines else 0


def _drop_line(random: Random, lines: list[str]) -> None:
    del lines[_line(random, lines) :][:1]


def _repeat_line(random: Random, lines: list[str]) -> None:
    at = _line(random, lines)
    lines[at:at] = lines[at : at + 1] * random.choice((1, 2, 500))


def _indent_line(random: Random, lines: list[str]) -> None:
    at = _line(random, lines)
    if lines:
        lines[at] = random.choice(("  ", " ", "\t", "- ", "")) + lines[at].lstrip(random.choice((" ", "- ", "")))


def _replace_word(random: Random, lines: list[str]) -> None:
    at = _line(random, lines)
    if lines:
        words = lines[at].split(" ")
        words[random.randrange(len(words))] = random.choice(WORDS)
        lines[at] = " ".join(words)


def _replace_value(random: Random, lines: list[str]) -> None:
    at = _line(random, lines)
    for mark in (": ", "=", "- "):
        if lines and mark in lines[at]:
            lines[at] = lines[at].partition(mark)[0] + mark + random.choice(WORDS)
            return


def _swap_lines(random: Random, lines: list[str]) -> None:
    at, other = _line(random, lines), _line(random, lines)
    if lines:
        lines[at], lines[other] = lines[other], lines[at]


def _nest(random: Random, lines: list[str]) -> None:
    depth = random.choice((10, 300, 20_000, 200_000))
    lines.insert(
        _line(random, lines),
        random.choice(("[" * depth, "{a: " * depth, "- " * depth, "? " * depth, "(" * depth, "!!a " * depth)),
    )


def _aliases(random: Random, lines: list[str]) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, random.choice((3, 9, 30)))]
    at = _line(random, lines)
    lines[at:at] = rows


def _merge(random: Random, lines: list[str]) -> None:
    lines.insert(
        _line(random, lines), random.choice(("<<: *a", "<<: {a: 1}", "? [a]", "!!set {a}", "%YAML 9.9", "..."))
    )


TextOperation = Callable[[Random, list[str]], None]
TEXT_OPERATIONS: tuple[TextOperation, ...] = (
    _drop_line, _repeat_line, _indent_line, _replace_word, _replace_word, _replace_value, _replace_value,
    _replace_value, _swap_lines, _nest, _aliases, _merge,
)  # fmt: skip
