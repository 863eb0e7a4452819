"""What is known of a text without preparing it: how predictable it is, and about how large.

Knows: samples, and how what was counted in one stands for all. Does not know: files, runs.
Data: texts and conversations -> a tokenizer of a sample -> estimated `DataFacts`.
"""

from __future__ import annotations

import bz2
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from inkling.config import DataFacts
from inkling.corpus.dialog import DialogTurn, sessions
from inkling.corpus.document import Message
from inkling.corpus.split_dialogs import HELD_OUT
from inkling.tokens.chat_format import encode_dialogs, normalize_turn
from inkling.tokens.tokenizer import Tokenizer

_SAMPLE_CHARACTERS = 400_000
_FEW_WORDS = 500
"""Words under which their frequencies tell nothing."""
_COMMON_WORDS = 50
_LEAST_COMMON = 0.2
"""Of prose in any language with words, the 50 most common ones are a third to a half."""
_LEAST_NATS, _MOST_NATS = 0.7, 3.0
"""What bzip2 leaves of a character of prose: 1.4 to 2.0 of much, 2.6 of a few pages."""


def sample_of(texts: Iterable[str]) -> str:
    """The first 400,000 characters."""
    taken: list[str] = []
    size = 0
    for text in texts:
        taken.append(text[:_SAMPLE_CHARACTERS])
        size += len(taken[-1]) + 1
        if size > _SAMPLE_CHARACTERS:
            break
    return "\n".join(taken)[:_SAMPLE_CHARACTERS]


def bzip2_nats(sample: str) -> float:
    """Nats a character that bzip2 leaves, in 50 ms: a measure of how predictable a text is."""
    return 8 * math.log(2) * len(bz2.compress(sample.encode())) / max(1, len(sample))


def is_prose(sample: str) -> bool:
    """Whether a text is sentences of words with spaces between them: mostly letters, and a few of
    its words much more common than the rest. Emoji, numbers, tables and random letters are not, and
    languages written without spaces cannot be told so."""
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", sample.lower())
    solid = len("".join(sample.split()))
    lettered = sum(map(len, words))
    if lettered < 0.6 * solid or not 2 * len(words) <= lettered <= 14 * len(words):
        return False
    if len(words) < _FEW_WORDS:
        return True
    common = sum(count for _, count in Counter(words).most_common(_COMMON_WORDS))
    return _LEAST_COMMON * len(words) <= common and _LEAST_NATS <= bzip2_nats(sample) <= _MOST_NATS


def estimate_facts(
    writing: Iterable[str],
    characters: int,
    conversations: Iterable[Sequence[Message]],
    spoken: int,
    merges_for: Callable[[int], int],
) -> tuple[DataFacts, int]:
    """About what `prepare` would count, and the size of the vocabulary, within a second.

    Of a large corpus (`characters` of writing, `spoken` ones in conversations) a sample is read.
    Near-copies, which a training leaves out, are counted like the rest.
    """
    share = min(1.0, _SAMPLE_CHARACTERS / max(1, characters))
    texts = [text[: math.ceil(share * len(text))] for text in writing]
    dialogs: list[Sequence[DialogTurn]] = []
    heard = 0
    for messages in conversations:
        dialogs += sessions(messages)
        heard += sum(len(message.text) for message in messages)
        if heard >= _SAMPLE_CHARACTERS:
            break
    said = ["\n".join(normalize_turn(*turn) for turn in turns) for turns in dialogs]
    tokenizer = Tokenizer.train([*texts, *said], merges_for(characters + spoken))
    # All of the writing and all of the conversations, measured in what was read of them.
    of_writing = characters / max(1, sum(map(len, texts)))
    of_dialogs = spoken / max(1, heard)
    written = of_writing * sum(len(tokenizer.encode(text)) + 1 for text in texts)
    replied = of_dialogs * sum(len(entry.ids) for entry in encode_dialogs(tokenizer, dialogs))
    count = round(of_dialogs * len(dialogs))
    held_out = round(HELD_OUT * count)
    learned = 1 - HELD_OUT
    sample = sample_of([*texts, *said])
    facts = DataFacts(
        train_characters=round(learned * (characters + of_dialogs * sum(map(len, said)))),
        val_characters=round(HELD_OUT * characters),
        train_tokens=round(learned * (written + replied)),
        val_tokens=round(HELD_OUT * (written or replied)),
        writing_tokens=round(learned * written),
        dialog_tokens=round(learned * replied),
        held_out_dialog_tokens=round(HELD_OUT * replied),
        dialogs=count - held_out,
        held_out_dialogs=held_out,
        bzip2_nats=bzip2_nats(sample),
        prose=is_prose(sample),
    )
    return facts, tokenizer.vocab_size
