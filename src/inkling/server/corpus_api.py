"""The corpus API: what text the workspace holds.

Knows: the routes under `/api/corpus`. Does not know how anything is counted, or added (import_api).
Data: request -> the workspace's corpus -> JSON.
"""

from __future__ import annotations

from fastapi import APIRouter

from inkling.corpus.store import CorpusStore
from inkling.server.corpus_schemas import CorpusSource, CorpusSources, CorpusStatistics
from inkling.server.json_route import JsonRoute
from inkling.server.refusals import ErrorAnswer
from inkling.server.services import Served

corpus_router = APIRouter(
    prefix="/api/corpus", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)


@corpus_router.get("")
def read_corpus(services: Served) -> CorpusSources:
    """What the workspace holds, source by source."""
    path = services.training.workspace.corpus_path
    if not path.exists():  # opening it would make an empty one
        return CorpusSources(sources=[])
    with CorpusStore(path, read_only=True) as store:
        return CorpusSources(sources=[CorpusSource.of(row) for row in store.sources()])


@corpus_router.get("/stats")
def read_corpus_stats(services: Served) -> CorpusStatistics:
    """What the corpus holds, and what a training of it buys."""
    return services.corpus.statistics()
