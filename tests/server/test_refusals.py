"""One table of errors: the status of each under each address, and both shapes."""

from __future__ import annotations

import json
import logging

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from inkling.errors import (
    ChatNotFoundError,
    ChatsError,
    CorpusError,
    InklingError,
    RunError,
    UsageError,
)
from inkling.inference.model_provider import NoModelError, NoSuchModelError
from inkling.inference.scheduler import QueueFullError
from inkling.server.refusals import (
    UNEXPECTED,
    BodyTooLargeError,
    ImportNotFoundError,
    ReplyInProgressError,
    TooManyWatchersError,
    UnknownModelError,
    explain,
    refusal,
    response,
)
from inkling.server.runs_schemas import RunTitleRequest, TrainingRequest
from inkling.server.schemas import ChatRequest
from inkling.server.sent_files import ImportBusyError
from inkling.server.training_process import BusyError

NONE = NoModelError("There is no model yet. Train one: inkling train.")


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/api/chat", NONE, 503),
        ("/api/chat/stream", NONE, 503),
        ("/v1/completions", NONE, 503),
        ("/api/chats", NONE, 409),  # a chat cannot be begun now; nothing is broken
        ("/api/chats/7", ChatNotFoundError("no"), 404),
        ("/api/chats/7", ChatsError("no"), 409),
        ("/api/chats/7/messages", ReplyInProgressError("no"), 409),
        ("/api/chats/7/messages/1", CorpusError("no"), 409),
        ("/api/imports/x", ImportNotFoundError("no"), 404),
        ("/api/imports/x/confirm", UsageError("no"), 400),
        ("/api/imports", ImportBusyError("no"), 409),
        ("/api/imports", CorpusError("no"), 409),
        ("/api/corpus", CorpusError("no"), 409),
        ("/api/runs/x/resume", RunError("no"), 404),
        ("/api/runs", BusyError("no"), 409),
        ("/api/runs/x/events", TooManyWatchersError(64, 10), 429),
        ("/api/chat", QueueFullError(256, 3), 429),
        ("/v1/completions", UnknownModelError("no"), 404),
        ("/api/chat", RunError("damaged"), 503),
        ("/api/chat", NoSuchModelError("no"), 404),
        ("/api/chat", BodyTooLargeError(), 413),
        ("/api/chats/7", ValueError("no"), 500),
    ],
)
def test_each_error_has_its_status(path: str, error: Exception, status: int) -> None:
    """What was meant for the user is said; what was not, is not."""
    found = refusal(path, error)
    assert found.status == status
    assert found.sentence == (str(error) if isinstance(error, InklingError) else UNEXPECTED)


def test_both_shapes_of_a_full_queue() -> None:
    """The sentence, the header, and OpenAI's type and code."""
    error = QueueFullError(256, 3)
    ours = response("/api/chat", refusal("/api/chat", error))
    assert json.loads(ours.body) == {"error": str(error)}
    theirs = response("/v1/completions", refusal("/v1/completions", error))
    assert json.loads(theirs.body) == {
        "error": {
            "message": str(error), "type": "rate_limit_error", "param": None,
            "code": "rate_limit_exceeded",
        }
    }  # fmt: skip
    assert ours.headers["retry-after"] == theirs.headers["retry-after"] == "3"


def test_what_nobody_expected_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """In a stream, where no server logs it."""
    with caplog.at_level(logging.ERROR):
        assert explain(RuntimeError("a detail")) == UNEXPECTED
    assert "a detail" in caplog.text
    caplog.clear()
    assert explain(NONE) == str(NONE)
    assert not caplog.records


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"minutes": "abc"}, "minutes must be a number, not 'abc'."),
        ({"minutes": -1}, "minutes must be above 0, not -1."),
        ({"minuts": 1}, "There is no field minuts."),
        ({"steps": 1.5}, "steps must be a whole number, not 1.5."),
        (
            {"recipe": "x" * 99},
            "recipe must be 'modern', 'classic-fast', 'classic-full', 'bigram',",
        ),
        ({"selection": 3}, "selection must be an object, not 3."),
        ([], "Send a JSON object; the body is something else."),
    ],
)
def test_what_is_wrong_with_a_body_is_one_sentence(body: object, sentence: str) -> None:
    """In a person's words, with the field and what was sent, where that is short."""
    found = refusal("/api/runs", _invalid(TrainingRequest, body))
    assert found.status == 400
    assert found.sentence.startswith(sentence)
    assert found.sentence.endswith(".")
    assert "x" * 99 not in found.sentence
    assert "nput" not in found.sentence


def test_what_a_field_lacks_or_has_too_much_of() -> None:
    """Missing, too long, and inside a list."""
    assert refusal("/api/runs/x", _invalid(RunTitleRequest, {})).sentence == "title is missing."
    long = refusal("/api/runs/x", _invalid(RunTitleRequest, {"title": "x" * 61}))
    assert long.sentence == "title must be of at most 60 characters."
    turn = {"message": "hi", "history": [{"role": "me", "content": ""}]}
    inner = refusal("/api/chat", _invalid(ChatRequest, turn))
    assert inner.sentence == "history.0.role must be 'user' or 'assistant', not 'me'."
    assert inner.param == "history"


def _invalid(model: type[BaseModel], body: object) -> RequestValidationError:
    """What FastAPI raises for a body."""
    with pytest.raises(ValidationError) as raised:
        model.model_validate(body)
    return RequestValidationError(
        [{**error, "loc": ("body", *error["loc"])} for error in raised.value.errors()]
    )
