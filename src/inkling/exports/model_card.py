"""README.md of an export: what the model is, what it was made from, what it cannot do.

Knows: which facts belong there, and that nothing of the person's text does. Does not know: files.
Data: `ExportableRun` + report -> Markdown behind a YAML header, as model hubs read it.
"""

from __future__ import annotations

import json
from importlib.resources import files

from inkling import __version__
from inkling.config import Phase
from inkling.evaluation.schema import EvaluationReport
from inkling.evaluation.units import bits
from inkling.exports.exportable_run import ExportableRun
from inkling.exports.safety import copying_sentence
from inkling.training.loss_words import measured_on
from inkling.wording import plural


def model_card(
    model: ExportableRun, report: EvaluationReport | None, usage: str, memory: str | None = None
) -> str:
    """The card. `usage` says how to open this folder, in Markdown; `memory` what is in it that was
    said before, where that is anything."""
    from jinja2 import Environment, StrictUndefined

    name = " ".join(model.name.split())
    config = model.config
    source = files("inkling.exports").joinpath("model_card.md.jinja").read_text(encoding="utf-8")
    # Markdown, not HTML: nothing is escaped.
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        source
    )
    return template.render(
        header=_header(name),
        name=name,
        parameters=model.settings.parameter_count(),
        settings=model.settings,
        made=config.created[:10] or "on an unknown day",
        version=__version__,
        recipe=config.recipe,
        seed=config.seed,
        minutes=config.minutes,
        data=_data(model),
        losses=[(_label(phase, model), nats, bits(nats)) for phase, nats in model.losses.items()],
        leak=f"{config.data.leak:.1%} of the held-out writing also stands in the training text.",
        verdict="" if report is None else report.verdict.with_reasons(),
        copying=copying_sentence(report),
        usage=usage,
        tuned=model.tuned,
        memory=memory,
    )


def _label(phase: Phase, model: ExportableRun) -> str:
    words = measured_on(phase, model.config.data)
    if phase == "finetune":
        return f"{words}, after fine-tuning"
    return f"{words}, before fine-tuning" if model.tuned and words == "writing" else words


def _header(name: str) -> list[str]:
    fields = {
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "license": "other",
        "license_name": "private",
        "tags": ["inkling", "qwen3", "from-scratch", "personal"],
        "model_name": f"A small model of {name}",
    }
    # A JSON value is a YAML value.
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]


def _data(model: ExportableRun) -> str:
    """What it was trained on, in kind: how much of what, never what it says."""
    data = model.config.data
    parts = [f"{data.train_characters:,} characters of one person's writing and messages"]
    if data.dialogs:
        parts.append(
            f"{plural(data.dialogs, 'dialog')} among them, with {data.reply_characters:,} "
            "characters of that person's replies"
        )
    sentence = (
        f"{', '.join(parts)}; {data.val_characters:,} characters were held out to measure it."
    )
    if masked := sum(data.masked.values()):
        kinds = ", ".join(sorted(kind.replace("_", " ") for kind in data.masked))
        sentence += f" {plural(masked, 'place')} of it were masked ({kinds})."
    else:
        sentence += " Nothing of it was masked."
    return sentence
