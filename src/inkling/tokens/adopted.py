"""Another program's tokenizer, taken over: its tokens keep their ids, the special tokens of a
dialog come behind them.

Knows: which tokenizers Inkling can encode and decode with: byte-level BPE that knows every byte.
Does not know: models. Data: the content of a `tokenizer.json` -> `adopt` -> `Tokenizer`.
"""

from __future__ import annotations

from typing import Any

from inkling.errors import TokenizerError
from inkling.regular_files import parse_json
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import BYTE_SYMBOLS, SPECIAL_TOKENS


def adopt(content: str) -> Tokenizer:
    """The tokenizer of a `tokenizer.json` with Inkling's special tokens at the next ids.

    Raises TokenizerError, its message the end of a sentence about the file, where that is damaged
    or of another kind.
    """
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as FastTokenizer

    try:
        parsed: dict[str, Any] = parse_json(content)
        kind = parsed["model"].get("type", "BPE")
        fast = FastTokenizer.from_str(content)
    except Exception as error:  # the library raises bare Exception for bad content
        raise TokenizerError(f"is damaged ({str(error)[:200]}).") from None
    decoder = (parsed.get("decoder") or {}).get("type")
    if kind != "BPE" or decoder != "ByteLevel":
        raise TokenizerError(f"is no byte-level BPE but {kind}, {decoder}; Inkling reads no other.")
    known = fast.get_vocab(with_added_tokens=True)
    if sorted(known.values()) != list(range(len(known))):
        raise TokenizerError("leaves out ids between its tokens.")
    if missing := set(BYTE_SYMBOLS) - known.keys():
        raise TokenizerError(f"cannot write every text: {len(missing)} of 256 bytes are missing.")
    if taken := next((token for token in SPECIAL_TOKENS if token in known), None):
        raise TokenizerError(f"has a token {taken} of its own, which Inkling needs.")
    # A text is never cut or padded, and nothing is put before it.
    fast.no_truncation()
    fast.no_padding()
    fast.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL_TOKENS])
    return Tokenizer.of(fast).without_post_processor()


def silent_ids(tokenizer: Tokenizer) -> set[int]:
    """Every id that stands for no text, those of the other program included."""
    return {index for index, content in enumerate(tokenizer.token_bytes) if not content}
