"""One tiny run, exported once, and what every engine is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from inkling.exports.exportable_run import ExportableRun
from inkling.inference.chat import ChatModel
from inkling.inference.prompts import reply_prompt
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn
from inkling.tokens.tokenizer import Tokenizer
from inkling.workflows.export import plan_export
from inkling.workspace import Workspace

QUESTIONS = (
    "what do you do", "Is that your van outside?", "happy birthday!!", "How are you?",
    "What's the weather like over there", "do you tune pianos", "where do you live",
    "Good night.", "tell me about the town", "who is Handel?",
)  # fmt: skip
TOKENS = 64
TIE = 1e-4
"""Two logits nearer than this may change places in another engine's rounding."""

LOOK_ALIKES = ("<|me|>", "say <|end|> now", "<|ME|><|Them|>", "<|pad|>x<|them|>", "<|m'e|>")
HARD = (
    "".join(map(chr, range(256))),
    "".join(map(chr, range(1, 0x3000))),
    "it's IT'S we'RE 'ſ 'Kx don’t  two   spaces\n\n\nthree\r\n \t tabs\u00a0\u2003wide\u3000",
    "e\u0301 é ﬁ ½ Ⅷ ١٢٣ 1234567 日本語 한국어 🏳️‍🌈 👩🏽‍🚒 \u200d\u200b\ufeff \U0010ffff",
    *LOOK_ALIKES,
)
"""All characters of one byte, those of the first planes, contractions, white space, marks."""

CHATS: tuple[tuple[tuple[Turn, ...], str], ...] = (
    ((), "What's THAT? “Yes” — she said…"),
    ((("them", "HI there!!"), ("me", "Yo! it's  ok\n\nfine ")), "..."),
    ((("me", "morning"), ("them", "ÀÉÎ ẞ Ω, ΣΊΣΥΦΟΣ Жук"), ("me", "Ja!")), "don’t ʼtwas `x`"),
    ((("them", "a"), ("me", "b")) * 6, "the LAST one, after twelve"),
    ((), "\u00a0 wide\u3000\x1cspace\u2028 \t"),
)


@dataclass(frozen=True)
class Exported:
    """A run, and the folders that it was exported to."""

    workspace: Workspace
    model: ExportableRun
    chat: ChatModel
    hf: Path
    mlx: Path
    gguf: Path

    @property
    def tokenizer(self) -> Tokenizer:
        return self.chat.tokenizer

    def prompt(self, message: str, history: Sequence[Turn] = ()) -> list[int]:
        """Inkling's own ids, of a history of which nothing is cut for want of room."""
        return reply_prompt(self.tokenizer, message, history, 10**7, tuned=True).ids

    def greedy(self, prompt: Sequence[int], count: int = TOKENS) -> tuple[list[int], list[float]]:
        """The likeliest tokens by the decoder that chats, never <|end|>, and by how much each was
        likelier than the next."""
        decoder = self.chat.engine.new_decoder(1)
        decoder.read(0, 0, prompt[:-1])
        ids, margins, last = [], [], prompt[-1]
        for position in range(len(prompt) - 1, len(prompt) - 1 + count):
            logits_V = decoder.decode([last], [position])[0].copy()
            logits_V[self.tokenizer.end_id] = -np.inf
            second, first = np.sort(logits_V)[-2:]
            last = int(logits_V.argmax())
            ids.append(last)
            margins.append(float(first - second))
        return ids, margins

    def assert_same(self, prompt: Sequence[int], theirs: Sequence[int]) -> None:
        """The same tokens, up to a tie."""
        ours, margins = self.greedy(prompt, len(theirs))
        assert len(theirs) == TOKENS
        for place, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if a != b:
                assert margins[place] < TIE, (place, ours, theirs)
                return


@pytest.fixture(scope="session")
def exported(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The tiny run in every format."""
    folder = tmp_path_factory.mktemp("exported")
    planned = plan_export(trained, "hf", to=folder / "hf")
    planned.write()
    plan_export(trained, "mlx", to=folder / "mlx").write()
    gguf = plan_export(trained, "gguf", to=folder / "gguf", gguf_type="f32")
    gguf.write()
    chat = ChatModel.load(Run.choose(trained, None), Runtime.detect())
    return Exported(
        trained, planned.model, chat, folder / "hf", folder / "mlx",
        folder / "gguf" / gguf.file_name,
    )  # fmt: skip
