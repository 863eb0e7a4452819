"""Messages to chunks of text: a run as something to chat with.

Knows: a run's tokenizer and model, the prompt of a chat, what makes a reply presentable. Does not
know: HTTP, terminals, how tokens are computed.
Data: message + history -> prompt ids -> `GenerationSpec` -> `ModelBatch` -> chunks of text.

A reply is never empty: <|end|> and blank tokens, but for one space, are forbidden until something
visible has been generated. One text at a time is generated here (`generate` and what is built on
it); many at once by the scheduler. Both do it in a `ModelBatch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inkling.config import RunConfig, SamplingSettings
from inkling.errors import CheckpointError, RunError, TokenizerError
from inkling.inference.best_of import BestOf, seed_of
from inkling.inference.engine import Engine
from inkling.inference.model_batch import ModelBatch
from inkling.inference.prompts import Prompt, own_prompt, reply_prompt
from inkling.inference.reply_memory import Recalled, ReplyMemory
from inkling.inference.requests import Finished, GenerationRequest
from inkling.inference.sampling import Mask
from inkling.inference.sequence import Finish
from inkling.inference.text import TextChunk, TextStream
from inkling.memory.index import Index
from inkling.model.build import build_model
from inkling.run_files import TEMPLATE_FILE
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn, encode_replies
from inkling.tokens.own_template import OwnTemplate
from inkling.tokens.tokenizer import Tokenizer


def allowed_mask(config: RunConfig) -> Mask:
    """True for the ids that may be sampled, (V,)."""
    allowed = np.zeros(config.model.vocab_size, dtype=np.bool_)
    for start, stop in config.data.live_ranges:
        allowed[start:stop] = True
    return allowed


@dataclass(frozen=True)
class GenerationSpec:
    """All that a text follows from: the ids before it, how it is sampled, how it is shown."""

    ids: list[int]
    settings: SamplingSettings
    trim: bool
    """Whether blank edges are left out."""
    top_logprobs: int | None = None
    """How many alternatives each token comes with; None for no probabilities at all."""
    recalled: Recalled | None = None
    """What was said before that is mixed into the next-token probabilities."""
    unread: int = 0
    """Characters at the beginning of the message that are not among the ids."""


@dataclass(frozen=True)
class Answer:
    """A whole reply, and why it ended."""

    text: str
    finish: Finish


@dataclass
class ChatModel:
    """A loaded run that continues text and answers messages."""

    config: RunConfig
    tokenizer: Tokenizer
    engine: Engine
    step: int
    tuned: bool
    """Whether the weights were fine-tuned on dialogs."""
    memory: ReplyMemory | None = None
    """What it replies with, beside its weights; None where the bare model is asked."""
    template: OwnTemplate | None = None
    """How a model that others have trained, and nobody fine-tuned here, reads a chat."""

    def __post_init__(self) -> None:
        table = self.tokenizer.token_bytes
        blank = [not piece.strip() for piece in table]
        self._blank_V = np.array(blank, dtype=np.bool_)
        # Digits and marks are pieces of their own, so " 38" begins with a lone space.
        self._first_V = self._blank_V & np.array([piece != b" " for piece in table])

    @classmethod
    def load(cls, run: Run, runtime: Runtime, step: int | None = None) -> ChatModel:
        """Load a run's best checkpoint, or that of a given step.

        Raises CheckpointError where it is damaged or does not fit the run's config.
        """
        config = run.config()
        chosen = run.checkpoints.best_step() if step is None else step
        if chosen is None:
            raise CheckpointError(f"The run {run.name!r} has no checkpoint to load.")
        try:
            tokenizer = Tokenizer.load(run.tokenizer_path)
            template = OwnTemplate.load(run.path / TEMPLATE_FILE)
        except TokenizerError as error:
            raise RunError(str(error)) from None
        if tokenizer.vocab_size != config.model.vocab_size:
            raise CheckpointError(
                f"{run.tokenizer_path} has {tokenizer.vocab_size:,} tokens and the run's model "
                f"{config.model.vocab_size:,}. Restore the file, or train a new run: inkling train."
            )
        checkpoint = run.checkpoints.load(chosen, config.model)
        model = build_model(config.model)
        model.load_state_dict(checkpoint.model)
        engine = Engine(model.to(runtime.device), allowed_mask(config), tokenizer.end_id)
        tuned = checkpoint.state["phase"] == "finetune"
        return cls(config, tokenizer, engine, chosen, tuned, template=None if tuned else template)

    def with_memory(self, index: Index | None) -> ChatModel:
        """The same model, replying with an index of what was said before (None: without)."""
        memory = None
        if index is not None:
            memory = ReplyMemory(index, self.tokenizer)
        return replace(self, memory=memory)

    def complete(
        self,
        prompt: str,
        settings: SamplingSettings,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[str]:
        """Text that continues `prompt` (not repeated), in chunks."""
        yield from self._texts(self.completion_spec(prompt, settings), cancelled)

    def reply(
        self,
        message: str,
        history: Sequence[Turn],
        settings: SamplingSettings,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[str]:
        """A reply to `message` after `history` (oldest first), in chunks, without blank edges.

        A run that was never fine-tuned does not know what a question is: it continues the
        message like any text, unless it came with a chat template of its own.
        """
        yield from self._texts(self.reply_spec(message, history, settings), cancelled)

    def answer(self, message: str, history: Sequence[Turn], settings: SamplingSettings) -> Answer:
        """A whole reply, and why it ended."""
        text = ""
        for item in self.generate(self.reply_spec(message, history, settings)):
            if isinstance(item, Finished):
                return Answer(text, item.finish)
            text += item.text
        raise AssertionError("nothing cancelled it, so it finished")

    def generate(
        self, spec: GenerationSpec, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Chunks of a text with their tokens, then how it ended. `cancelled` is asked before each
        token; where it says so, nothing more comes."""
        request = GenerationRequest(lambda model: spec, self)
        batch = ModelBatch(self, self.draft_count(spec.settings))
        batch.add(request)
        while not cancelled():
            batch.step()
            while not request.items.empty():
                item = request.items.get()
                if isinstance(item, Exception):
                    raise item
                yield item
                if isinstance(item, Finished):
                    return

    def completion_spec(
        self, prompt: str, settings: SamplingSettings, top_logprobs: int | None = None
    ) -> GenerationSpec:
        """What `complete` generates."""
        ids = [self.tokenizer.end_id, *self.tokenizer.encode(prompt)]
        return GenerationSpec(ids, settings, trim=False, top_logprobs=top_logprobs)

    def reply_spec(
        self,
        message: str,
        history: Sequence[Turn],
        settings: SamplingSettings,
        top_logprobs: int | None = None,
    ) -> GenerationSpec:
        """What `reply` generates."""
        prompt = self.prompt(message, history)
        recalled = None
        if self.memory is not None and self.tuned and settings.memory > 0:
            recalled = self.memory.recall(message, history, settings.memory)
        return GenerationSpec(prompt.ids, settings, True, top_logprobs, recalled, prompt.unread)

    def reply_ids(self, reply: str) -> list[int]:
        """The ids of a reply without its <|end|>, as they are generated."""
        return encode_replies(self.tokenizer, [reply])[0][:-1]

    def draft_count(self, settings: SamplingSettings) -> int:
        """How many drafts it makes of a text. A model without a cache reads its whole context for
        every token: it makes one."""
        return settings.best_of if self.engine.model.supports_cache else 1

    def start(self, spec: GenerationSpec, most: int) -> BestOf:
        """The drafts of a text, at most `most`, of which nothing is generated yet."""
        settings = spec.settings
        count = min(self.draft_count(settings), most)
        # Drafts are ranked by their tokens' probabilities.
        top_logprobs = 0 if count > 1 and spec.top_logprobs is None else spec.top_logprobs
        mixture = None if spec.recalled is None else spec.recalled.mixture(count)
        drafts = {}
        for number in range(count):
            own = settings.model_copy(update={"seed": seed_of(settings.seed, number)})
            sequence = self.engine.new_sequence(
                spec.ids, own, self.visible_first, top_logprobs, mixture, number
            )
            drafts[sequence] = TextStream(self.tokenizer, settings.stop, spec.trim)
        if spec.recalled is not None:
            return BestOf(drafts, spec.recalled.ranking.rank)
        return BestOf(drafts)

    def prompt(self, message: str, history: Sequence[Turn]) -> Prompt:
        """What the model reads before it replies, and how much of what was said is not in it."""
        context = self.engine.context_length
        if self.template is not None:
            return own_prompt(self.template, self.tokenizer, message, history, context)
        return reply_prompt(self.tokenizer, message, history, context, self.tuned)

    def _texts(self, spec: GenerationSpec, cancelled: Callable[[], bool]) -> Iterator[str]:
        for item in self.generate(spec, cancelled):
            if isinstance(item, TextChunk) and item.text:
                yield item.text

    def visible_first(self, output_ids: Sequence[int]) -> Mask | None:
        """The constraint of every text: it begins with something that can be seen, before which
        one space may stand."""
        # The first tokens decide: once a visible one is out, anything may follow.
        if not output_ids:
            return self._first_V
        return self._blank_V if len(output_ids) == 1 and self._blank_V[output_ids[0]] else None
