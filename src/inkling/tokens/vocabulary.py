"""What every vocabulary holds: the special tokens, and the 256 bytes as they are written there."""

from __future__ import annotations

END, THEM, ME, PAD = "<|end|>", "<|them|>", "<|me|>", "<|pad|>"
SPECIAL_TOKENS = (END, THEM, ME, PAD)


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte value."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    spare = (byte for byte in range(256) if byte not in table)
    return table | {byte: chr(256 + index) for index, byte in enumerate(spare)}


_BYTE_TO_SYMBOL = _byte_alphabet()
BYTE_SYMBOLS = tuple(_BYTE_TO_SYMBOL.values())
"""How each of the 256 bytes is written in a vocabulary, in the order of their ids there."""
_SYMBOL_TO_BYTE = {symbol: byte for byte, symbol in _BYTE_TO_SYMBOL.items()}


def byte_symbols(text: str) -> str:
    """A text as a vocabulary writes it: a symbol for each of its bytes."""
    return "".join(_BYTE_TO_SYMBOL[byte] for byte in text.encode())


def to_bytes(piece: str) -> bytes:
    """The bytes of what a vocabulary writes. Raises KeyError where it is no such writing."""
    return bytes(_SYMBOL_TO_BYTE[symbol] for symbol in piece)
