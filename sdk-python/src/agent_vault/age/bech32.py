"""Bech32 (BIP 173), in which age writes keys."""

from __future__ import annotations

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def decode(text: str, prefix: str) -> bytes | None:
    """The bytes of `text` after `prefix`, in the case of the prefix; `None` if spelling, padding or checksum is wrong."""
    if not text.startswith(f"{prefix}1") or text != (text.upper() if prefix.isupper() else text.lower()):
        return None
    values = [_CHARSET.find(character) for character in text[len(prefix) + 1 :].lower()]
    if len(values) < 6 or -1 in values or _checksum(_expand(prefix.lower()) + values) != 1:
        return None
    return _regroup(values[:-6])


def _regroup(values: list[int]) -> bytes | None:
    """Converts groups of five bits to bytes."""
    accumulated = bits = 0
    result = bytearray()
    for value in values:
        accumulated = (accumulated << 5 | value) & 0xFFF
        bits += 5
        if bits >= 8:
            bits -= 8
            result.append(accumulated >> bits & 0xFF)
    padding_is_right = bits < 5 and accumulated & ((1 << bits) - 1) == 0
    return bytes(result) if padding_is_right else None


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for index, generator in enumerate(_GENERATOR):
            if top >> index & 1:
                check ^= generator
    return check
