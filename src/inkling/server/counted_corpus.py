"""The numbers of a served workspace's corpus, counted again only when it has changed.

Knows: when that is. Does not know: how anything is counted (workflows.corpus_stats), HTTP.
"""

from __future__ import annotations

import threading

from inkling.memory.corpus_index import corpus_stamp
from inkling.server.corpus_schemas import CorpusStatistics
from inkling.workflows.corpus_stats import corpus_stats
from inkling.workspace import Workspace


class CountedCorpus:
    """The numbers of one workspace, counted again only when its corpus has changed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._counted: CorpusStatistics | None = None
        self._lock = threading.Lock()

    def statistics(self) -> CorpusStatistics:
        """Raises CorpusError where the corpus cannot be read."""
        with self._lock:
            stamp = corpus_stamp(self._workspace)
            if self._counted is None or stamp != self._stamp:
                found = corpus_stats(self._workspace).to_dict()
                self._counted = CorpusStatistics.model_validate(found)
                self._stamp = stamp
            return self._counted
