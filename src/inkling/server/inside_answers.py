"""From a look at a model to what the page is told of it.

Knows: which numbers belong to which panel. Does not know HTTP or where models come from.
Data: `Look` (a checkpoint, a text, its forward pass) -> a model of inside_schemas.py, or tensors in
the layout of safetensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import UsageError
from inkling.inspection.attention_tiles import tiles
from inkling.inspection.forward import AttentionStates, ForwardStates, LayerStates
from inkling.inspection.heads import head_measures
from inkling.inspection.inspected_model import InspectedModel, ReadText
from inkling.inspection.neurons import measure_neurons
from inkling.inspection.next_piece import next_pieces
from inkling.inspection.pair_table import pair_table
from inkling.inspection.pieces import character_ids, describe, merge_ranks, piece_text
from inkling.inspection.surprise import surprises
from inkling.inspection.writing_steps import writing_steps
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
    PieceRow,
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


@dataclass
class Look:
    """A checkpoint and a text that it reads."""

    models: InspectedModels
    model: InspectedModel
    text: ReadText

    @cached_property
    def states(self) -> ForwardStates:
        return self.models.states(self.model, self.text)

    def about(self, ids: Iterable[int]) -> dict[str, Any]:
        """The fields that every answer has; `ids` are those that it names."""
        trained = self.models.training_text(self.model.run)
        counts = None if trained is None else trained.counts
        pieces = describe(self.model.tokenizer, dict.fromkeys(ids), self.model.live, counts)
        return {
            "run": self.model.run.name,
            "step": self.model.step,
            "start": self.text.start,
            "stop": self.text.stop,
            "total": len(self.text.ids),
            "context": self.model.context_length,
            "vocabulary": [PieceRow(**asdict(piece)) for piece in pieces],
        }

    def layer(self, number: int) -> LayerStates:
        layers = self.states.layers
        if not layers:
            raise UsageError(
                f"The run {self.model.run.name} is a bigram: a table of pairs, without attention "
                "or neurons. Choose another run."
            )
        if number >= len(layers):
            raise UsageError(
                f"The run {self.model.run.name} has {len(layers)} layers, 0 to {len(layers) - 1}; "
                f"there is no layer {number}."
            )
        return layers[number]

    def attention(self, layer: int) -> AttentionStates:
        found = self.layer(layer).attention
        assert found is not None, "every layer attends"
        return found

    def position(self, wanted: int | None) -> int:
        last = len(self.text.window) - 1
        if wanted is not None and wanted > last:
            raise UsageError(f"The text has {last + 1} pieces here; there is no piece {wanted}.")
        return last if wanted is None else wanted


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
    characters = _characters(look)
    counted = float(-np.log2(counts.probability(text.window)[1:]).sum())
    taught = None
    if rung is not None and len(text.window) <= rung.context_length:
        taught = _bits(look.models.states(rung, text), text)
    mentioned = [*(row.id for row in rows), *table.columns]
    mentioned += [follower.id for row in rows for follower in row.top]
    return PairsAnswer(
        **look.about(mentioned),
        columns=list(table.columns),
        rows=rows,
        rung=None if rung is None else rung.run.name,
        counted_bits=counted / characters if characters else None,
        model_bits=_bits(look.states, text) / characters if characters else None,
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


def attention_tensors(look: Look, layer: int, head: int) -> dict[str, np.ndarray]:
    """`scores` (T, T), QKᵀ of a head, fp32: from them and √head_dim follows all else."""
    attention = look.attention(layer)
    heads = len(attention.q_HTD)
    if head >= heads:
        raise UsageError(
            f"A layer of the run {look.model.run.name} has {heads} heads, 0 to {heads - 1}; there "
            f"is no head {head}."
        )
    scores = (attention.q_HTD[head] @ attention.k_HTD[head].mT).float().cpu().numpy()
    return {"scores": scores, "head_dim": np.array([attention.head_dim], np.float32)}


def tile_tensors(look: Look) -> dict[str, np.ndarray]:
    """`tiles` (L, H, S, S) u8: √p of every head, 255 is 1."""
    look.layer(0)
    weights = [look.attention(number).weights_HTT for number in range(len(look.states.layers))]
    return {"tiles": np.stack([tiles(w.float().cpu().numpy()) for w in weights])}


def activation_tensors(look: Look, layer: int) -> dict[str, np.ndarray]:
    """`activations` (T, F) of a layer, fp32; no columns where it has no neurons."""
    neurons = look.layer(layer).neurons
    if neurons is None:
        return {"activations": np.zeros((len(look.text.window), 0), np.float32)}
    return {"activations": neurons.activations_TF.float().cpu().numpy()}


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
    bits, characters = sum(one.bits for one in found), _characters(look)
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


def _bits(states: ForwardStates, text: ReadText) -> float:
    logits_TV = states.logits_TV.float().cpu().numpy()
    return sum(one.bits for one in surprises(logits_TV, text.window, top=0))


def _characters(look: Look) -> int:
    """Characters that the scored pieces of the window begin."""
    started = look.model.tokenizer.characters_started
    return int(started[list(look.text.window[1:])].sum())
