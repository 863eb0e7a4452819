"""Settings of a phase: nested in the code, flat on disk, either way when typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inkling.config import (
    BatchSettings,
    ModelSettings,
    OptimizerSettings,
    Recipe,
    RunConfig,
    Selection,
    TrainingPlan,
    TrainingSettings,
    TrainRequest,
)
from inkling.config.training import FLAT_NAMES
from inkling.errors import UsageError
from inkling.settings import parse_overrides
from inkling.training.assembly import check_overrides
from inkling.training.overrides import apply_overrides

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


@pytest.mark.parametrize("name", ["config-modern.json", "config-classic.json"])
def test_a_config_of_version_0_1_0_reads_and_writes_the_same(name: str) -> None:
    """Written before settings were nested; what is written today is equal, name by name, but for
    names that are new since, which stand at their defaults."""
    old = json.loads((GOLDEN / name).read_text())
    config = RunConfig.model_validate_json(json.dumps(old))
    new = json.loads(config.model_dump_json())
    assert new["data"].pop("character_limit") == 0
    assert new["data"].pop("masked") == {}
    assert new["data"].pop("prose") is True
    assert new["data"].pop("masked_hash") == ""
    assert new.pop("imported") is False
    assert Selection.model_validate(new.pop("selection")) == Selection()
    for phase in filter(None, (new["train"], new["finetune"])):
        assert phase.pop("bigram_iterations") == 0
        assert phase.pop("divide_weights") is False
    assert all(replan.pop("eval_every") is None for replan in new["replans"])
    assert new == old
    flat = old["train"]
    assert config.train.optimizer.algorithm == flat["optimizer"]
    assert config.train.optimizer.learning_rate == flat["learning_rate"]
    assert config.train.schedule.steps == flat["steps"]
    assert config.train.batch.sequence_length == flat["sequence_length"]
    assert config.train.data.dialog_ratio == flat["dialog_ratio"]
    assert config.train.evaluation.eval_every == flat["eval_every"]


def test_a_config_may_also_be_nested() -> None:
    """Both forms give one value, also mixed."""
    nested = TrainingSettings.model_validate(
        {"optimizer": {"algorithm": "adamw", "beta1": 0.8}, "batch": {"sequence_length": 64}}
    )
    flat = TrainingSettings.model_validate(
        {"optimizer": "adamw", "beta1": 0.8, "sequence_length": 64}
    )
    mixed = TrainingSettings.model_validate(
        {"optimizer": {"algorithm": "adamw"}, "beta1": 0.8, "batch": {"sequence_length": 64}}
    )
    built = TrainingSettings(
        optimizer=OptimizerSettings(algorithm="adamw", beta1=0.8),
        batch=BatchSettings(sequence_length=64),
    )
    assert nested == flat == mixed == built


def test_names_are_unique_over_the_groups() -> None:
    """A flat name can only mean one setting."""
    fields = TrainingSettings.model_fields.values()
    assert len(FLAT_NAMES) == sum(len(type(field.default).model_fields) for field in fields)
    assert set(TrainingSettings().model_dump()) == set(FLAT_NAMES)


@given(
    steps=st.integers(0, 10**9),
    rate=st.floats(1e-6, 10),
    ratio=st.floats(0, 0.99),
)
def test_settings_survive_the_disk(steps: int, rate: float, ratio: float) -> None:
    """Flat JSON and back: equal."""
    settings = TrainingSettings().replace(steps=steps, learning_rate=rate, dialog_ratio=ratio)
    assert TrainingSettings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.data.dialog_ratio == ratio


@pytest.mark.parametrize("values", [{"zzz": 1}, {"optimizer": {"zzz": 1}}, {"beta1": 2}])
def test_wrong_settings_are_refused(values: dict[str, Any]) -> None:
    """Unknown names and values out of range, in either form."""
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate(values)
    with pytest.raises(AssertionError):
        TrainingSettings().model_copy(update={"steps": 3})


PLAN = TrainingPlan(model=ModelSettings(), train=TrainingSettings(), finetune=TrainingSettings())


@pytest.mark.parametrize(
    ("short", "long", "value"),
    [
        ("train.learning_rate", "train.optimizer.learning_rate", "0.5"),
        ("train.optimizer", "train.optimizer.algorithm", "adamw"),
        ("finetune.replay_ratio", "finetune.data.replay_ratio", "0.25"),
        ("finetune.keep", "finetune.evaluation.keep", "last"),
    ],
)
def test_either_name_sets_the_same(short: str, long: str, value: str) -> None:
    """The documented name, and the one with its group."""
    changed = apply_overrides(PLAN, [(short, value)])
    assert changed == apply_overrides(PLAN, [(long, value)])
    assert changed != PLAN


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train.optimizer.learning_rat", "Did you mean train.learning_rate?"),
        ("train.batch.learning_rate", "Did you mean train.learning_rate?"),
        ("train.schedule.steps", "train.schedule.steps cannot be set: use --steps instead"),
    ],
)
def test_a_wrong_long_name_is_answered(name: str, words: str) -> None:
    """With the nearest, or with why not."""
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        apply_overrides(PLAN, [(name, "1")])


@pytest.mark.parametrize(
    ("recipe", "text", "words"),
    [
        ("modern", "model.n_layers=3", "Did you mean model.n_layer?"),
        ("modern", "model.n_layer=none", "must be a whole number, not 'none'."),
        ("modern", "finetune.replay_ratio=x", "must be a number"),
        ("bigram", "model.rung=head", "choose a --recipe instead"),
        ("modern", "model.context_length=64", ""),
        ("modern", "model.n_embd=72", ""),
        ("modern", "train.sequence_length=4096", ""),
    ],
)
def test_a_wrong_setting_is_refused_before_any_text_is_read(
    recipe: Recipe, text: str, words: str
) -> None:
    """Names, and values that are never possible; what only does not fit this plan may fit that of
    the text."""
    request = TrainRequest(recipe=recipe, overrides=parse_overrides([text]))
    if not words:
        check_overrides(request)
        return
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        check_overrides(request)


def test_settings_that_depend_on_each_other_come_in_any_order() -> None:
    """They are held against each other when all are known; what does not fit is said."""
    shorter = [(f"{phase}.sequence_length", "64") for phase in ("train", "finetune")]
    overrides = [("model.context_length", "64"), *shorter]
    changed = apply_overrides(PLAN, overrides)
    assert changed == apply_overrides(PLAN, overrides[::-1])
    assert changed.model.context_length == changed.train.batch.sequence_length == 64
    with pytest.raises(UsageError, match="do not go together: sequence_length 128 is longer"):
        apply_overrides(PLAN, [("model.context_length", "64")])
