"""From a look at a model to what the page is told of it.

Knows: which numbers belong to which panel. Does not know HTTP or where models come from.
Data: `Look` (a checkpoint, a text, its forward pass) -> a model of inside_schemas.py.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import UsageError
from inkling.inspection.heads import head_measures
from inkling.inspection.inspected_model import InspectedModel
from inkling.inspection.neurons import measure_neurons
from inkling.inspection.next_piece import next_pieces
from inkling.inspection.pair_table import pair_table
from inkling.inspection.pieces import character_ids, merge_ranks, piece_text
from inkling.inspection.surprise import surprises
from inkling.inspection.writing_steps import writing_steps
from inkling.server.inside_look import Look
from inkling.server.inside_schemas import (
    FiringAnswer,
    FiringRow,
    HeadRow,
    HeadsAnswer,
    LargestEntry,
    MergedText,
    NeuronsAnswer,
    NeuronsLayer,
    NextAnswer,
    PairRowAnswer,
    PairsAnswer,
    PassageRow,
    PassagesAnswer,
    PiecesAnswer,
    StepsAnswer,
    SurpriseAnswer,
    SurpriseRow,
    TensorSummary,
    TopPiece,
)
from inkling.server.inspected_models import InspectedModels

if TYPE_CHECKING:
    from inkling.config import SamplingSettings

MAX_MERGED_CHARACTERS = 2_000
"""Of the merge-by-merge slider."""
PASSAGES = 3


def pieces_answer(look: Look) -> PiecesAnswer:
    """The text as pieces, and the merges that made them."""
    model, ids = look.model, list(look.text.ids)
    stretches, cut = _stretches(look)
    return PiecesAnswer(
        **look.about(ids),
        ids=ids,
        vocabulary_size=model.tokenizer.vocab_size,
        live=int(model.live.sum()),
        corpus_characters=len(model.tokenizer.characters),
        merges=model.tokenizer.merges,
        stretches=stretches,
        cut=cut,
    )


def _stretches(look: Look) -> tuple[list[MergedText], bool]:
    """The text between special pieces, up to a limit, and whether that cut anything."""
    tokenizer, room, cut = look.model.tokenizer, MAX_MERGED_CHARACTERS, False
    special = set(tokenizer.special_ids)
    stretches: list[list[int]] = [[]]
    for index in look.text.ids:
        if index in special:
            stretches.append([])
        else:
            stretches[-1].append(index)
    found = []
    for ids in filter(None, stretches):
        text = tokenizer.decode(ids)
        cut = cut or len(text) > room
        text, room = text[:room], max(0, room - len(text))
        if text:
            found.append(
                MergedText(
                    text=text,
                    merges=merge_ranks(tokenizer, text),
                    characters=character_ids(tokenizer, text),
                )
            )
    return found, cut


def pairs_answer(look: Look, position: int | None) -> PairsAnswer:
    """The bigram table around a position, and how well each predicts this text."""
    model, text = look.model, look.text
    counts = look.models.pairs(model)
    if counts is None:
        raise UsageError(
            f"The text that run {model.run.name} was trained on is no longer in "
            f"{model.run.data_path}, so its pairs cannot be counted."
        )
    rung = look.models.bigram_rung(model)
    table = pair_table(model, text, counts, look.position(position), rung)
    rows = [PairRowAnswer.model_validate(asdict(row)) for row in table.rows]
    characters = look.characters
    counted = float(-np.log2(counts.probability(text.window)[1:]).sum())
    taught = None
    if rung is not None and len(text.window) <= rung.context_length:
        taught = look.bits(rung)
    mentioned = [*(row.id for row in rows), *table.columns]
    mentioned += [follower.id for row in rows for follower in row.top]
    return PairsAnswer(
        **look.about(mentioned),
        columns=list(table.columns),
        rows=rows,
        rung=None if rung is None else rung.run.name,
        counted_bits=counted / characters if characters else None,
        model_bits=look.bits() / characters if characters else None,
        rung_bits=taught / characters if characters and taught is not None else None,
    )


def passages_answer(
    models: InspectedModels, model: InspectedModel, first: int, second: int
) -> PassagesAnswer:
    """How often two pieces stand side by side, and three places."""
    trained = models.training_text(model.run)
    if trained is None or max(first, second) >= model.tokenizer.vocab_size:
        return PassagesAnswer(count=0, passages=[])
    counts = models.pairs(model)
    assert counts is not None
    places = [(at, 2) for at in trained.pair_places(first, second, PASSAGES)]
    passages = trained.passages(models.workspace, places)
    return PassagesAnswer(
        count=int(counts.counts_of(np.array(first), np.array(second))),
        passages=[PassageRow(**asdict(passage)) for passage in passages],
    )


def heads_answer(look: Look) -> HeadsAnswer:
    """Every head measured on this text."""
    look.layer(0)
    layers = []
    for number in range(len(look.states.layers)):
        weights = look.attention(number).weights_HTT.float().cpu().numpy()
        layers.append(
            [
                HeadRow(entropy=m.entropy, distance=m.distance, name=m.name, **m.shares)
                for m in head_measures(weights, look.text.window)
            ]
        )
    attention, settings = look.attention(0), look.model.config.model
    return HeadsAnswer(
        **look.about([]),
        n_layer=len(layers),
        n_head=len(attention.q_HTD),
        head_dim=attention.head_dim,
        n_embd=settings.n_embd,
        layers=layers,
    )


def neurons_answer(look: Look) -> NeuronsAnswer:
    """How many neurons of each layer are silent on this text."""
    look.layer(0)
    found = [layer.neurons for layer in look.states.layers]
    return NeuronsAnswer(
        **look.about([]),
        layers=[
            None if one is None else NeuronsLayer(**asdict(measure_neurons(one))) for one in found
        ],
    )


def firing_answer(
    models: InspectedModels, model: InspectedModel, layer: int, neuron: int
) -> FiringAnswer:
    """Where the training text fires a neuron most."""
    trained = models.training_text(model.run)
    if trained is None:
        return FiringAnswer(tokens=0, places=[])
    firing = models.firing(model, trained)
    if layer >= len(firing.values_LFN) or neuron >= len(firing.values_LFN[layer]):
        raise UsageError(f"There is no neuron {neuron} in layer {layer} of run {model.run.name}.")
    places = firing.positions_LFN[layer][neuron].tolist()
    passages = trained.passages(models.workspace, [(at, 1) for at in places])
    values = firing.values_LFN[layer][neuron].tolist()
    return FiringAnswer(
        tokens=firing.tokens,
        places=[
            FiringRow(value=value, passage=PassageRow(**asdict(passage)))
            for value, passage in zip(values, passages, strict=True)
        ],
    )


def next_answer(look: Look, position: int | None, settings: SamplingSettings) -> NextAnswer:
    """The distribution after a position."""
    at, tokenizer = look.position(position), look.model.tokenizer
    logits_V = look.states.logits_TV[at].float().cpu().numpy()
    found = next_pieces(logits_V, look.model.live, settings)
    ids = found.ids.tolist()
    return NextAnswer(
        **look.about([]),
        position=at,
        ids=ids,
        texts=[piece_text(tokenizer, index) for index in ids],
        logits=found.logits.tolist(),
        before=found.before.tolist(),
        after=found.after.tolist(),
        entropy_before=found.entropy_before,
        entropy_after=found.entropy_after,
        kept=found.kept,
        end_id=tokenizer.end_id,
    )


def surprise_answer(look: Look) -> SurpriseAnswer:
    """Each piece's surprise, and their sum."""
    logits_TV = look.states.logits_TV.float().cpu().numpy()
    found = surprises(logits_TV, look.text.window)
    bits, characters = sum(one.bits for one in found), look.characters
    mentioned = [*look.text.window, *(index for one in found for index, _ in one.top)]
    return SurpriseAnswer(
        **look.about(mentioned),
        pieces=[
            SurpriseRow(
                position=one.position,
                id=one.id,
                p=one.p,
                bits=one.bits,
                rank=one.rank,
                top=[TopPiece(id=index, p=p) for index, p in one.top],
            )
            for one in found
        ],
        bits=bits,
        nats_per_piece=bits * float(np.log(2)) / len(found) if found else None,
        bits_per_character=bits / characters if characters else None,
    )


def steps_answer(look: Look, settings: SamplingSettings) -> StepsAnswer:
    """How the next piece comes about."""
    steps, drawn = writing_steps(look.states, look.model.live, settings)
    named = [index for s in steps if s.kind == "piece" for (index,), _ in s.largest]
    return StepsAnswer(
        **look.about([*named, drawn, look.text.window[-1]]),
        steps=[
            TensorSummary(
                name=step.name,
                kind=step.kind,
                shape=list(step.shape),
                norm=step.norm,
                largest=[LargestEntry(index=list(i), value=v) for i, v in step.largest],
            )
            for step in steps
        ],
        drawn=drawn,
        ends=drawn == look.model.tokenizer.end_id,
    )
