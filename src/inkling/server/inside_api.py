"""The Inside API: what a checkpoint computes on a text.

Knows: the routes under `/api/inside`. Does not know how anything is computed (inspection), kept
(inspected_models.py) or told (inside_answers.py, inside_tensors.py).
Data: run, step, text -> a look -> JSON, or tensors in the layout of safetensors.

Every route that reads a text is a POST, so that no text stands in an address, a log or a history.
What is computed here is imported when the first look is taken: torch with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Response

from inkling.server.inside_requests import (
    ContinueRequest,
    HeadRequest,
    InsideRequest,
    LayerRequest,
    NeuronRequest,
    NextRequest,
    PairRequest,
    PositionRequest,
)
from inkling.server.inside_runs import list_inside_runs, list_ladders
from inkling.server.inside_runs_schemas import Climbed, ClimbRequest, InsideRuns, Ladders
from inkling.server.inside_schemas import (
    ContinueAnswer,
    FiringAnswer,
    HeadsAnswer,
    NeuronsAnswer,
    NextAnswer,
    PairsAnswer,
    PassagesAnswer,
    PiecesAnswer,
    StepsAnswer,
    SurpriseAnswer,
)
from inkling.server.json_route import JsonRoute
from inkling.server.refusals import ErrorAnswer
from inkling.server.services import Served, Services

if TYPE_CHECKING:
    from inkling.server.inside_look import Look

inside_router = APIRouter(
    prefix="/api/inside", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)

_TENSORS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Tensors in the layout of safetensors.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class TensorResponse(Response):
    """Tensors in the layout of safetensors."""

    media_type = "application/octet-stream"

    # FastAPI reads the status of its OpenAPI document from this signature.
    def __init__(self, tensors: dict[str, np.ndarray], status_code: int = 200) -> None:
        from safetensors.numpy import save

        contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        super().__init__(save(contiguous), status_code)


@contextmanager
def _looking(services: Services, asked: InsideRequest) -> Iterator[Look]:
    from inkling.server.inside_look import Look

    models = services.inspected
    with models.looking():
        model = models.model(asked.run, asked.step)
        yield Look(models, model, model.encode(asked.text, asked.reply, asked.start))


@inside_router.get("/runs")
def read_inside_runs(services: Served) -> InsideRuns:
    """The runs that can be looked into, and their checkpoints."""
    return list_inside_runs(services.training.workspace)


@inside_router.post("/pieces")
def read_pieces(services: Served, body: InsideRequest) -> PiecesAnswer:
    """The text as the model reads it."""
    from inkling.server.inside_answers import pieces_answer

    with _looking(services, body) as look:
        return pieces_answer(look)


@inside_router.post("/pairs")
def read_pairs(services: Served, body: PositionRequest) -> PairsAnswer:
    """The bigram table of the text's pieces."""
    from inkling.server.inside_answers import pairs_answer

    with _looking(services, body) as look:
        return pairs_answer(look, body.position)


@inside_router.post("/passages")
def read_pair_passages(services: Served, body: PairRequest) -> PassagesAnswer:
    """Where two pieces stand side by side in the training text."""
    from inkling.server.inside_answers import passages_answer

    models = services.inspected
    with models.looking():
        model = models.model(body.run, body.step)
        return passages_answer(models, model, body.first, body.second)


@inside_router.post("/continue")
def continue_text(services: Served, body: ContinueRequest) -> ContinueAnswer:
    """The text continued by the model, and by counted pairs."""
    from inkling.server.inside_continued import continued

    with _looking(services, body) as look:
        return continued(look, body.settings(body.pieces))


@inside_router.post("/attention", response_class=TensorResponse, responses=_TENSORS)
def read_attention(services: Served, body: HeadRequest) -> TensorResponse:
    """`scores` (T, T) of a head, and its `head_dim`."""
    from inkling.server.inside_tensors import attention_tensors

    with _looking(services, body) as look:
        return TensorResponse(attention_tensors(look, body.layer, body.head))


@inside_router.post("/heads")
def read_heads(services: Served, body: InsideRequest) -> HeadsAnswer:
    """What each head looks at."""
    from inkling.server.inside_answers import heads_answer

    with _looking(services, body) as look:
        return heads_answer(look)


@inside_router.post("/tiles", response_class=TensorResponse, responses=_TENSORS)
def read_tiles(services: Served, body: InsideRequest) -> TensorResponse:
    """`tiles` (L, H, S, S) of all heads, a byte a cell."""
    from inkling.server.inside_tensors import tile_tensors

    with _looking(services, body) as look:
        return TensorResponse(tile_tensors(look))


@inside_router.post("/neurons")
def read_neurons(services: Served, body: InsideRequest) -> NeuronsAnswer:
    """How many neurons of each layer are silent."""
    from inkling.server.inside_answers import neurons_answer

    with _looking(services, body) as look:
        return neurons_answer(look)


@inside_router.post("/activations", response_class=TensorResponse, responses=_TENSORS)
def read_activations(services: Served, body: LayerRequest) -> TensorResponse:
    """`activations` (T, F) of a layer."""
    from inkling.server.inside_tensors import activation_tensors

    with _looking(services, body) as look:
        return TensorResponse(activation_tensors(look, body.layer))


@inside_router.post("/firing")
def read_firing(services: Served, body: NeuronRequest) -> FiringAnswer:
    """Where the training text fires a neuron most."""
    from inkling.server.inside_answers import firing_answer

    models = services.inspected
    with models.looking():
        model = models.model(body.run, body.step)
    return firing_answer(models, model, body.layer, body.neuron)


@inside_router.post("/next")
def read_next(services: Served, body: NextRequest) -> NextAnswer:
    """What may come after a piece, before and after the settings."""
    from inkling.server.inside_answers import next_answer

    with _looking(services, body) as look:
        return next_answer(look, body.position, body.settings())


@inside_router.post("/surprise")
def read_surprise(services: Served, body: InsideRequest) -> SurpriseAnswer:
    """How surprised the model is by each piece."""
    from inkling.server.inside_answers import surprise_answer

    with _looking(services, body) as look:
        return surprise_answer(look)


@inside_router.post("/steps")
def read_steps(services: Served, body: NextRequest) -> StepsAnswer:
    """Every tensor on the way to the next piece, and the piece that is drawn."""
    from inkling.server.inside_answers import steps_answer

    with _looking(services, body) as look:
        return steps_answer(look, body.settings())


@inside_router.get("/ladders")
def read_ladders(services: Served) -> Ladders:
    """The ladders that were climbed on this workspace."""
    return list_ladders(services.training.workspace)


@inside_router.post("/ladders", status_code=202)
def climb_ladder(
    services: Served,
    body: ClimbRequest = ClimbRequest(),  # noqa: B008
) -> Climbed:
    """Climb a ladder, as a process of its own."""
    return Climbed(group=services.training.climb(body.minutes))
