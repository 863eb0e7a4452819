"""The headline of a report: one plain sentence, or a warning that the loss is not what it seems.

Knows: the rules. Does not know: how anything was measured. Data: sections -> `Verdict`.

Three rules change the headline to a warning:

1. The leak meter: more than 5 % of the held-out characters lie in 50-character runs that stand
   in the training text (or 5 % of the held-out replies stand there word for word).
2. xz needs less than half of the bits for the held-out text once it has read the training text.
   On the demo's text, split honestly, it needs 0.76 of them; a copy with small changes, which
   has no run of 50 characters in common with the original, costs next to nothing.
3. The model needs less than 0.6 of the bits of the best baseline. On enwik8, Transformer-XL
   with 277 million weights and 90 million characters to learn from reached 0.99 bits a character
   (Dai et al. 2019) where PPMd needs 1.71 (21,388,296 bytes, Mahoney's Large Text Compression
   Benchmark): a ratio of 0.58. A thousand times fewer weights and characters do not beat that;
   a model that seems to has met the text before.
"""

from __future__ import annotations

from inkling.corpus.split import LEAK_WARNING
from inkling.evaluation.schema import HeldOut, Leak, Missing, Verdict
from inkling.evaluation.units import bits

XZ_RATIO_WARNING = 0.5
IMPLAUSIBLE_RATIO = 0.6
LEAST_CHARACTERS = 1_000
"""Below this, xz's own overhead blurs its ratio."""
FEW_CHARACTERS = 5_000
ALIKE = 0.01
"""Bits that differ by less than a hundredth are called the same."""


def verdict(writing: HeldOut | Missing, replies: HeldOut | Missing, leak: Leak) -> Verdict:
    """What to say first about a run."""
    texts = [
        (name, text)
        for name, text in (("writing", writing), ("replies", replies))
        if isinstance(text, HeldOut)
    ]
    if not texts:
        return Verdict(
            warning=True,
            text="Nothing was held out of this corpus, so nothing can be said about this model.",
        )
    reasons = _reasons(texts, leak)
    name, main = texts[0]
    needed = f"{bits(main.losses[0].nats_per_char):.2f} bits a character"
    if reasons:
        text = (
            f"The loss of this run does not mean what it seems. It says {needed} on held-out "
            f"{name}, but the model, or the split, knew that text."
        )
        return Verdict(warning=True, text=text, reasons=tuple(reasons))
    sentences = [f"On {name} it never saw, this model needs {needed}; {_compared(main)}."]
    sentences += [
        f"On {other} it needs {bits(text.losses[0].nats_per_char):.2f}; {_compared(text)}."
        for other, text in texts[1:]
    ]
    if main.characters < FEW_CHARACTERS:
        sentences.append(f"Only {main.characters:,} characters were held out: a rough measure.")
    return Verdict(warning=False, text=" ".join(sentences))


def _compared(text: HeldOut) -> str:
    best = text.best_baseline
    ratio = text.losses[0].nats_per_char / best.nats_per_char
    needed = f"{bits(best.nats_per_char):.2f}"
    if ratio < 1 - ALIKE:
        return f"the best method without a network, {best.name}, needs {needed}"
    if ratio <= 1 + ALIKE:
        return f"{best.name}, which has no network, needs as many ({needed})"
    return f"{best.name}, which has no network, needs only {needed}"


def _reasons(texts: list[tuple[str, HeldOut]], leak: Leak) -> list[str]:
    reasons = []
    if leak.writing > LEAK_WARNING:
        reasons.append(
            f"{leak.writing:.0%} of the held-out writing also stands in the training text."
        )
    if leak.replies is not None and leak.replies > LEAK_WARNING:
        reasons.append(
            f"{leak.replies:.0%} of the held-out replies stand word for word in the training "
            "dialogs."
        )
    name, main = texts[0]
    if (
        leak.xz_ratio is not None
        and main.characters >= LEAST_CHARACTERS
        and leak.xz_ratio < XZ_RATIO_WARNING
    ):
        reasons.append(
            f"Once it has read the training text, xz needs only {leak.xz_ratio:.0%} of its bits "
            f"for the held-out {name}: much of it stands there in nearly the same words."
        )
    for name, text in texts:
        ratio = text.losses[0].nats_per_char / text.best_baseline.nats_per_char
        if ratio < IMPLAUSIBLE_RATIO:
            reasons.append(
                f"On {name} the model needs {ratio:.2f} of the bits of {text.best_baseline.name}; "
                f"a small model that learns only from this text does not get below "
                f"{IMPLAUSIBLE_RATIO:g}."
            )
    return reasons
