"""How an exported folder is opened, for its card and for the terminal."""

from __future__ import annotations

from inkling.exports.kinds import ExportKind

_HUGGINGFACE = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".")
ids = tokenizer.apply_chat_template(
    [{"role": "user", "content": "How are you?"}],
    add_generation_prompt=True, return_tensors="pt", return_dict=True,
)
print(tokenizer.decode(model.generate(**ids)[0], skip_special_tokens=True))
```

In vLLM: `vllm serve .`"""

_GGUF = """\
In llama.cpp: `llama-server -m {name}`, then open http://127.0.0.1:8080.
In Ollama: `ollama create my-model -f Modelfile`, then `ollama run my-model`."""

_MLX = '`mlx_lm.chat --model .`, or one answer: `mlx_lm.generate --model . --prompt "How are you?"`'


_PAGE = "Open `{name}` in a browser. It needs nothing else: no network, no server, no other file."


def usage(kind: ExportKind, name: str) -> str:
    """Markdown that says how to open a folder from inside it; `name` is that of its one file."""
    texts: dict[ExportKind, str] = {"hf": _HUGGINGFACE, "gguf": _GGUF, "mlx": _MLX, "page": _PAGE}
    return texts[kind].replace("{name}", name)
