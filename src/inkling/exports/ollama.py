"""The Modelfile that makes a GGUF file a model of Ollama.

Knows: the Modelfile's instructions. Does not know: GGUF. Data: `ExportableRun` -> text.
"""

from __future__ import annotations

from inkling.exports.chat_template import ollama_template
from inkling.exports.exportable_run import ExportableRun
from inkling.inference.sampling import REPETITION_WINDOW
from inkling.tokens.vocabulary import END, THEM


def modelfile(model: ExportableRun, gguf_name: str) -> str:
    """A Modelfile beside the GGUF file of that name."""
    sampling, context = model.sampling, model.settings.context_length
    parameters: list[tuple[str, object]] = [
        ("temperature", sampling.temperature),
        ("top_k", sampling.top_k),
        ("top_p", sampling.top_p),
        ("min_p", sampling.min_p),
        ("repeat_penalty", sampling.repetition_penalty),
        ("repeat_last_n", REPETITION_WINDOW),
        ("num_ctx", context),
        ("num_predict", min(sampling.max_tokens, context // 3)),
        ("stop", f'"{END}"'),
        ("stop", f'"{THEM}"'),
    ]
    lines = [
        f"# {' '.join(model.name.split())}: ollama create NAME -f Modelfile, then: ollama run NAME",
        f"FROM ./{gguf_name}",
        f'TEMPLATE """{ollama_template(model.tuned)}"""',
        *(f"PARAMETER {name} {value}" for name, value in parameters),
    ]
    return "\n".join(lines) + "\n"
