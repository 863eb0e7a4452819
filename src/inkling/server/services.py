"""What the routes use, put together once by `create_app` and handed to each as a dependency."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from inkling.config import REPLY, TEXT, SamplingSettings
from inkling.errors import WorkspaceError
from inkling.inference.scheduler import Scheduler
from inkling.server.chat_replies import ChatReplies
from inkling.server.chat_service import ChatService
from inkling.server.counted_corpus import CountedCorpus
from inkling.server.imports import Imports
from inkling.server.inspected_models import InspectedModels
from inkling.server.model_cards import ModelCards
from inkling.server.training_process import TrainingProcess
from inkling.workflows.speaker import speaker_name


@dataclass(frozen=True)
class SamplingDefaults:
    """How texts are sampled where a request does not say: the workspace's [sampling] over
    Inkling's own."""

    page: SamplingSettings = REPLY
    """Where the sliders of the page begin."""
    api: SamplingSettings = TEXT
    """What a field stands for that a request leaves out."""


@dataclass(frozen=True)
class Services:
    """The parts of a running server. `name` is the workspace's."""

    name: str
    scheduler: Scheduler
    training: TrainingProcess
    chats: ChatService
    replies: ChatReplies
    imports: Imports
    cards: ModelCards
    corpus: CountedCorpus
    inspected: InspectedModels
    defaults: SamplingDefaults
    closing: threading.Event
    """Set when the server is about to end: streams that would never end by themselves do."""
    watchers: set[object] = field(default_factory=set)
    """One entry an open stream of a training's events."""

    def speaker(self) -> str:
        """As whom its models speak: who "me" is may be said while the server runs. Reads a file."""
        try:
            return speaker_name(self.training.workspace)
        except WorkspaceError:  # a mistake in inkling.toml, which whoever needs it reports
            return self.name


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Served = Annotated[Services, Depends(_services)]
