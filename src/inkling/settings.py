"""`inkling.toml`: a workspace's own defaults for training and for sampling.

Knows: which keys the tables `[train]` and `[sampling]` may hold, and that what was asked for wins
over the file, and the file over Inkling's own defaults. Does not know who asks: the command line,
the server and the library read the file through here.
Data: inkling.toml + what was typed -> `TrainRequest`, `SamplingSettings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError

from inkling.config import (
    REPLY,
    TEXT,
    Recipe,
    Rung,
    SamplingSettings,
    Selection,
    Settings,
    TrainRequest,
)
from inkling.config.faults import fault, wrong_value
from inkling.errors import UsageError, WorkspaceError
from inkling.machine import machine_region
from inkling.workspace import Workspace

_SELECTION_KEYS = {
    "only_source": "only_sources", "without_source": "without_sources", "person": "people",
    "from": "since", "to": "until", "in": "in", "kind": "kind", "min_length": "min_length",
    "groups": "groups", "weight": "weights",
}  # fmt: skip
"""As they are typed and written in the file -> the field of `Selection`."""
_SELECTED_BY = {field: key for key, field in _SELECTION_KEYS.items()}
_TRAIN_KEYS = (
    "minutes", "steps", "recipe", "seed", "eval_every", "save_every", "finetune", "set",
    *_SELECTION_KEYS,
)  # fmt: skip
_CORPUS_KEYS = ("region", "pseudonyms")
_TOP_LEVEL = ("version", "name", "train", "sampling", "corpus")
NO_REGION = "none"
_RECIPES: tuple[str, ...] = get_args(Recipe)


def train_request(
    workspace: Workspace, typed: Mapping[str, Any], overrides: Iterable[str] = ()
) -> TrainRequest:
    """What to train: what was typed, else what the workspace says, else the defaults.

    `typed` holds fields of `TrainRequest`, None where one was not given; `overrides` are
    `KEY=VALUE` texts. Raises UsageError for a typed value that is out of range, WorkspaceError
    for one in the file.
    """
    table = _table(workspace, "train", _TRAIN_KEYS)
    given = {key: value for key, value in typed.items() if value is not None}
    chosen = given.pop("selection", None) or _selection(
        workspace,
        {key: table.pop(key) for key in _SELECTION_KEYS if key in table},
        {key: given.pop(key) for key in _SELECTION_KEYS if key in given},
    )
    # Minutes and steps decide each other: what is typed of one leaves the file's other out.
    if "steps" in given or "minutes" in given:
        table = {key: value for key, value in table.items() if key not in ("minutes", "steps")}
    table_of_settings = table.pop("set", {})
    if not isinstance(table_of_settings, Mapping):
        raise WorkspaceError(
            f"{workspace.config_path}: train.set should be a table: [train.set], with lines such "
            "as model.n_layer = 3."
        )
    lines = [f"{key}={value}" for key, value in table_of_settings.items()]
    values = {"recipe": "modern", **table, **given}
    if values["recipe"] not in _RECIPES:
        raise UsageError(
            f"There is no recipe called {values['recipe']!r}. There are: {', '.join(_RECIPES)}."
        )
    if values.get("minutes") is not None and values.get("steps") is not None:
        raise UsageError("Give --minutes or --steps, not both: each decides the other.")
    for key in ("minutes", "steps", "eval_every", "save_every"):
        value = values.get(key)
        option = f"--{key.replace('_', '-')}"
        where = option if key in given else f"{workspace.config_path}: train.{key}"
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UsageError(wrong_value(where, "a number", value))
        if value is not None and not 0 < value < 1e9:
            raise UsageError(
                f"{where} must be a number above 0 and below 1,000,000,000; you gave {value}."
            )
    seed, where = values.get("seed", 0), "--seed"
    if "seed" not in given:
        where = f"{workspace.config_path}: train.seed"
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise UsageError(wrong_value(where, "a whole number", seed))
    if not 0 <= seed < 2**63:
        raise UsageError(f"{where} must be between 0 and 2^63 - 1; you gave {seed}.")
    if values["recipe"] in get_args(Rung):
        values["finetune"] = False
    values["overrides"] = parse_overrides([*lines, *overrides])
    values["selection"] = chosen
    try:
        return TrainRequest.model_validate(values)
    except ValidationError as error:
        raise WorkspaceError(_explain(workspace, "train", error)) from None


def _selection(
    workspace: Workspace, table: Mapping[str, Any], typed: Mapping[str, Any]
) -> Selection | None:
    """Which texts are learned: what was typed, else what the file says; None where neither says
    anything. Raises UsageError naming the option that is wrong, WorkspaceError for the file."""
    if not table and not typed:
        return None
    from_file, from_person = _dated(table), _dated(typed)
    if any(key in from_person for key in ("since", "until")):
        from_file = {key: value for key, value in from_file.items() if key not in _DATES}
    try:
        Selection.model_validate(from_file)
    except ValidationError as error:
        where = f"{workspace.config_path}: train.{_selected_by(error, table)}"
        raise WorkspaceError(fault(where, error)) from None
    try:
        return Selection.model_validate({**from_file, **from_person})
    except ValidationError as error:
        option = "--" + _selected_by(error, typed).replace("_", "-")
        raise UsageError(fault(option, error)) from None


def _selected_by(error: ValidationError, given: Mapping[str, Any]) -> str:
    """The key whose value is wrong, as it was typed or written: `in` gives both dates."""
    field = str(error.errors()[0]["loc"][0])
    return "in" if "in" in given and field in _DATES else _SELECTED_BY[field]


def chosen_texts(workspace: Workspace, typed: Mapping[str, Any]) -> Selection | None:
    """Which texts are learned: as the options say that were `typed` (`only_source`, `in`, …; None
    where one was not given), else as the workspace's `[train]`. Raises as `train_request` does."""
    table = _table(workspace, "train", _TRAIN_KEYS)
    return _selection(
        workspace,
        {key: table[key] for key in _SELECTION_KEYS if key in table},
        {key: value for key, value in typed.items() if value is not None},
    )


def selection_as_typed(selection: Selection) -> list[str]:
    """Options of `inkling train` that choose the same texts, beside what the workspace says."""
    options = []
    for key, field in _SELECTION_KEYS.items():
        if field not in selection.model_fields_set:
            continue
        value, name = getattr(selection, field), f"--{key.replace('_', '-')}"
        if isinstance(value, bool):
            options += [name] * value
        elif isinstance(value, tuple):
            texts = (each if isinstance(each, str) else f"{each[0]}={each[1]}" for each in value)
            options += [f"{name}={text}" for text in texts]
        elif value is not None:
            options.append(f"{name}={value}")
    return options


_DATES = ("since", "until")


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a selection: lists from single texts, weights as pairs, a year as both ends."""
    fields: dict[str, Any] = {}
    for key, value in values.items():
        field = _SELECTION_KEYS[key]
        if key == "in":
            fields |= dict.fromkeys(_DATES, value)
        elif field == "weights":
            fields[field] = _weights(value)
        elif field in ("only_sources", "without_sources", "people"):
            fields[field] = tuple(value) if isinstance(value, list | tuple) else (value,)
        else:
            fields[field] = value
    return fields


def _weights(value: Any) -> tuple[tuple[str, float], ...]:
    """From a table of the file, or from texts such as blog=2.0. Raises UsageError for others."""
    if isinstance(value, Mapping):
        return tuple((name, weight) for name, weight in value.items())
    pairs = []
    for text in value if isinstance(value, list | tuple) else (value,):
        name, equals, weight = str(text).rpartition("=")
        try:
            pairs.append((name.strip(), float(weight)))
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise UsageError(
                f"--weight needs SOURCE=NUMBER, e.g. --weight blog=2.0; you gave {text!r}."
            )
    return tuple(pairs)


class CorpusSettings(Settings):
    """The table `[corpus]`: how texts are masked where they are learned."""

    region: Annotated[
        str | None, Field(description="The country whose phone numbers are known, e.g. DE.")
    ] = None
    pseudonyms: Annotated[
        bool, Field(description="Give the people in your chats other names in all that is learned.")
    ] = False


def corpus_settings(workspace: Workspace) -> CorpusSettings:
    """What the workspace says, else what the machine's language tells of its country. Raises
    WorkspaceError for a value that is wrong."""
    table = _table(workspace, "corpus", _CORPUS_KEYS)
    region = table.get("region", machine_region() or NO_REGION)
    if isinstance(region, str):
        table["region"] = None if region.casefold() == NO_REGION else region.upper()
    try:
        return CorpusSettings.model_validate(table)
    except ValidationError as error:
        raise WorkspaceError(_explain(workspace, "corpus", error)) from None


def parse_overrides(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`KEY=VALUE` texts as pairs. Raises UsageError for a text that is none."""
    pairs = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"--set needs KEY=VALUE, e.g. --set model.n_layer=3; you gave {text!r}."
            )
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs)


def reply_settings(
    workspace: Workspace, typed: Mapping[str, Any] | None = None
) -> SamplingSettings:
    """How to sample a reply to a person: like any text, but in several drafts."""
    return sampling_settings(workspace, typed, REPLY)


def sampling_settings(
    workspace: Workspace,
    typed: Mapping[str, Any] | None = None,
    otherwise: SamplingSettings = TEXT,
) -> SamplingSettings:
    """How to sample: what was typed, else what the workspace says, else as `otherwise`.

    `typed` holds fields of `SamplingSettings`, None where one was not given. Raises UsageError
    naming the option that is out of range, WorkspaceError for a value in the file.
    """
    table = _table(workspace, "sampling", tuple(SamplingSettings.model_fields))
    given = {key: value for key, value in (typed or {}).items() if value is not None}
    try:
        defaults = SamplingSettings.model_validate({**otherwise.model_dump(), **table})
    except ValidationError as error:
        raise WorkspaceError(_explain(workspace, "sampling", error)) from None
    try:
        return SamplingSettings.model_validate({**defaults.model_dump(), **given})
    except ValidationError as error:
        option = "--" + str(error.errors()[0]["loc"][0]).replace("_", "-")
        raise UsageError(fault(option, error)) from None


def _table(workspace: Workspace, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    config = workspace.read_config()
    if config.get("version", 1) != 1:
        raise WorkspaceError(
            f"{workspace.config_path} is of version {config['version']}; this Inkling knows 1. "
            "Upgrade: pip install --upgrade inkling-gpt."
        )
    for key, value in config.items():
        # What resembles nothing may be of a later Inkling, or a person's own: at difflib's 0.6
        # "colours" would be "corpus"; 0.7 still has "sample" and "nmae".
        near = difflib.get_close_matches(key, _TOP_LEVEL, 1, 0.7)
        if near and key not in _TOP_LEVEL:
            found, meant = (
                (f"[{key}]", f"[{near[0]}]") if isinstance(value, dict) else (key, near[0])
            )
            raise WorkspaceError(
                f"{workspace.config_path}: there is no {found}; did you mean {meant}?"
            )
    table = config.get(name, {})
    if not isinstance(table, dict):
        raise WorkspaceError(f"{workspace.config_path}: {name} should be a table: [{name}].")
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}."
            raise WorkspaceError(f"{workspace.config_path}: [{name}] has no {key!r}; {hint}")
    return dict(table)


def _explain(workspace: Workspace, name: str, error: ValidationError) -> str:
    field = str(error.errors()[0]["loc"][0])
    return fault(f"{workspace.config_path}: {name}.{field}", error)
