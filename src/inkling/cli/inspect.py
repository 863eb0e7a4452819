"""`inkling inspect`: what a run computes on a text, as a table, a figure or JSON.

Knows: which numbers a person asked for. Does not know how they are computed
(inkling.inspection) or given (inspecting.py).
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.inspecting import (
    Asked,
    HeadOption,
    LayerOption,
    OutOption,
    StepOption,
    TextArgument,
    ask,
)
from inkling.cli.options import JsonOption, RunOption, WorkspaceOption
from inkling.cli.tables import Column
from inkling.config import SamplingSettings
from inkling.errors import UsageError

if TYPE_CHECKING:
    from inkling.inspection.forward import AttentionStates

inspect = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Look inside a run: what it computes on a text.",
)

_OWN = SamplingSettings()
_TOP = 20


@inspect.command("pieces")
def pieces(
    text: TextArgument = None, run: RunOption = None, step: StepOption = None,
    out: OutOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None,
) -> None:  # fmt: skip
    """Show the text as the model reads it: each piece, its id, how often you wrote it."""
    asked = ask(text, run, step, out, as_json, workspace)
    from inkling.errors import RunError
    from inkling.inspection.figures import draw_distribution
    from inkling.inspection.passages import TrainingText
    from inkling.inspection.pieces import describe

    try:
        counts = TrainingText(asked.model.run).counts
    except RunError:
        counts = None  # what it was trained on is gone: the pieces are still there
    found = describe(asked.model.tokenizer, asked.text.ids, asked.model.live, counts)
    names = [asked.print_of(piece.id) for piece in found]

    def draw(path: Path) -> None:
        kinds = list(dict.fromkeys(zip(names, found, strict=True)))[:40]
        shares = [
            (piece.count or 0) / max(1, 0 if counts is None else counts.sum()) for _, piece in kinds
        ]
        draw_distribution(path, f"Pieces: {asked.title}", "share of the training text",
                          [name for name, _ in kinds], shares, shares)  # fmt: skip

    asked.give(
        {"pieces": [asdict(piece) for piece in found]},
        [Column("piece"), Column("id", True), Column("characters", True),
         Column("in the training text", True), Column("code points")],
        [(name, str(p.id), str(p.characters), "–" if p.count is None else f"{p.count:,}",
          ", ".join(p.code_points) or p.bytes) for name, p in zip(names, found, strict=True)],
        draw,
    )  # fmt: skip


@inspect.command("pairs")
def pairs(
    text: TextArgument = None, run: RunOption = None, step: StepOption = None,
    out: OutOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None,
) -> None:  # fmt: skip
    """Show what follows each piece most often, by exact counts, and what the model expects."""
    asked = ask(text, run, step, out, as_json, workspace)
    import numpy as np

    from inkling.inspection.figures import draw_matrix
    from inkling.inspection.pair_table import pair_table
    from inkling.inspection.pairs import PairCounts
    from inkling.inspection.passages import TrainingText

    model = asked.model
    counts = PairCounts.of(TrainingText(model.run).ids, model.tokenizer.vocab_size)
    table = pair_table(model, asked.text, counts)
    learned = {row.id: dict(zip(table.columns, row.learned, strict=True)) for row in table.rows}
    rows = [
        (asked.print_of(row.id), asked.print_of(after.id), f"{after.count:,}",
         f"{100 * after.share:.2f} %",
         f"{100 * learned[row.id][after.id]:.2f} %" if after.id in learned[row.id] else "–")
        for row in table.rows for after in row.top
    ]  # fmt: skip
    shares = np.array([[count / max(1, row.total) for count in row.counts] for row in table.rows])
    asked.give(
        {"columns": [{"id": index, "text": asked.print_of(index)} for index in table.columns],
         "rows": [{"text": asked.print_of(row.id), **asdict(row)} for row in table.rows]},
        [Column("piece"), Column("then"), Column("count", True), Column("share", True),
         Column("the model", True)],
        rows,
        lambda path: draw_matrix(
            path, f"What follows what: {asked.title}", "columns follow rows; √ of the share",
            [asked.print_of(row.id) for row in table.rows],
            [asked.print_of(index) for index in table.columns], shares,
        ),
    )  # fmt: skip


@inspect.command("attention")
def attention(
    text: TextArgument = None, layer: LayerOption = 1, head: HeadOption = 1,
    run: RunOption = None, step: StepOption = None, out: OutOption = None,
    as_json: JsonOption = False, workspace: WorkspaceOption = None,
) -> None:  # fmt: skip
    """Show where each piece looks back: one head's weights, with and without ÷ √d_k."""
    asked = ask(text, run, step, out, as_json, workspace)
    import numpy as np

    from inkling.inspection.figures import draw_matrix
    from inkling.inspection.forward import attention_steps
    from inkling.inspection.heads import row_entropy

    layers = _attention_layers(asked)
    if layer > len(layers) or head > len(layers[layer - 1].q_HTD):
        raise UsageError(
            f"The run {asked.model.run.name} has {len(layers)} layers of "
            f"{len(layers[0].q_HTD)} heads; there is no head {head} of layer {layer}."
        )
    states = layers[layer - 1]
    steps = attention_steps(states.q_HTD[head - 1], states.k_HTD[head - 1])
    plain = attention_steps(states.q_HTD[head - 1], states.k_HTD[head - 1], scale=False)
    weights = steps.weights.float().cpu().numpy()
    entropy = row_entropy(weights)
    unscaled = row_entropy(plain.weights.float().cpu().numpy())
    names = [asked.print_of(index) for index in asked.text.window]
    best = np.argsort(-weights, axis=-1, kind="stable")[:, :3]
    asked.give(
        {"layer": layer, "head": head, "head_dim": states.head_dim, "pieces": names,
         "scores": steps.scores.tolist(), "weights": weights.tolist(),
         "entropy_bits": entropy.tolist(), "entropy_bits_unscaled": unscaled.tolist()},
        [Column("piece"), Column("looks at"), Column("entropy", True), Column("without", True)],
        [(names[t], "  ".join(f"{names[j]} {100 * weights[t, j]:.1f} %" for j in best[t][: t + 1]),
          f"{entropy[t]:.3f}", f"{unscaled[t]:.3f}") for t in range(len(names))],
        lambda path: draw_matrix(
            path, f"Attention of layer {layer}, head {head}: {asked.title}",
            "rows look back at columns; shade is √ of the weight", names, names,
            np.where(np.tri(len(names), dtype=bool), weights, np.nan),
        ),
    )  # fmt: skip


@inspect.command("heads")
def heads(
    text: TextArgument = None, run: RunOption = None, step: StepOption = None,
    out: OutOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None,
) -> None:  # fmt: skip
    """Show what every head looks at, in numbers; with a name where they give one."""
    asked = ask(text, run, step, out, as_json, workspace)
    from inkling.inspection.figures import draw_heads
    from inkling.inspection.heads import head_measures

    layers = _attention_layers(asked)
    weights = [states.weights_HTT.float().cpu().numpy() for states in layers]
    measured = [head_measures(one, asked.text.window) for one in weights]
    flat = [
        (at, head, one) for at, row in enumerate(measured, 1) for head, one in enumerate(row, 1)
    ]

    def share(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.1f} %"

    asked.give(
        {"n_head": len(measured[0]), "head_dim": layers[0].head_dim,
         "heads": [{"layer": at, "head": head, **asdict(one)} for at, head, one in flat]},
        [Column("head"), Column("entropy", True), Column("pieces back", True),
         Column("previous", True), Column("same", True), Column("copying", True),
         Column("beginning", True), Column("looks at")],
        [(f"{at}.{head}", f"{one.entropy:.3f}", f"{one.distance:.2f}",
          *(share(one.shares[key]) for key in ("previous", "same", "copying", "beginning")),
          one.name or "") for at, head, one in flat],
        lambda path: draw_heads(
            path, f"Heads: {asked.title}", weights,
            [f"{at}.{head} · {one.entropy:.2f} bits{f' · {one.name}' if one.name else ''}"
             for at, head, one in flat],
        ),
    )  # fmt: skip


@inspect.command("next")
def next_piece(
    text: TextArgument = None,
    temperature: Annotated[float, typer.Option(min=0, max=5)] = _OWN.temperature,
    top_k: Annotated[int, typer.Option(min=0)] = _OWN.top_k,
    top_p: Annotated[float, typer.Option(min=0.0001, max=1)] = _OWN.top_p,
    run: RunOption = None, step: StepOption = None, out: OutOption = None,
    as_json: JsonOption = False, workspace: WorkspaceOption = None,
) -> None:  # fmt: skip
    """Show what may come next, before and after temperature, top-k and top-p."""
    asked = ask(text, run, step, out, as_json, workspace)
    import numpy as np

    from inkling.inspection.figures import draw_distribution
    from inkling.inspection.next_piece import next_pieces

    how = SamplingSettings(
        temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=1.0, memory=0.0
    )
    found = next_pieces(asked.model.logits(asked.text)[-1], asked.model.live, how)
    best = np.argsort(-found.before, kind="stable")
    names = {at: asked.print_of(int(found.ids[at])) for at in best[:_TOP].tolist()}
    sentence = (
        f"{found.entropy_after:.2f} bits, as unsure as {2**found.entropy_after:.1f} choices; "
        f"{found.entropy_before:.2f} bits before; {100 * found.kept:.1f} % of the probability kept"
    )
    asked.give(
        {"temperature": temperature, "top_k": top_k, "top_p": top_p,
         "entropy_bits_before": found.entropy_before, "entropy_bits_after": found.entropy_after,
         "kept": found.kept,
         "pieces": [{"id": int(found.ids[at]), "text": asked.print_of(int(found.ids[at])),
                     "logit": float(found.logits[at]), "before": float(found.before[at]),
                     "after": float(found.after[at])} for at in best.tolist()]},
        [Column("piece"), Column("before", True), Column("after", True)],
        [(name, f"{100 * found.before[at]:.2f} %",
          f"{100 * found.after[at]:.2f} %" if found.after[at] else "cut")
         for at, name in names.items()],
        lambda path: draw_distribution(
            path, f"What may come next: {asked.title}", sentence, list(names.values()),
            found.before[list(names)].tolist(), found.after[list(names)].tolist(),
        ),
    )  # fmt: skip
    if out is None and not as_json:
        typer.echo(sentence)


def _attention_layers(asked: Asked) -> list[AttentionStates]:
    states = asked.model.states(asked.text)
    found = [layer.attention for layer in states.layers if layer.attention is not None]
    if not found:
        raise UsageError(
            f"The run {asked.model.run.name} is a bigram: a table of pairs, without attention. "
            "Name another: --run NAME."
        )
    return found
