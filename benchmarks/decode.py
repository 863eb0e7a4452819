"""Tokens a second, beside llama.cpp, a cache-less generate(), and the torch model.

    scripts/demo --no-serve --workspace FOLDER
    scripts/bench decode --workspace FOLDER [--json PATH]

Needs `pip install inkling-gpt[bench]`. The systems take turns on the same weights: Inkling's in
float32, llama.cpp's as `inkling export gguf` writes them, in f32 and in q8_0. Sampling with
temperature 0.8 and top-k 25 is included, prompts are one token long. llama.cpp runs with one and
with two threads, its better median counts. The ratios are of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import ROOT, machine, spread
from _llama import Llama

from inkling.config import ModelSettings, SamplingSettings
from inkling.exports.exportable_run import ExportableRun, load_exportable
from inkling.exports.gguf_file import write_gguf
from inkling.exports.kinds import GgufType
from inkling.inference.array_decoder import ArrayDecoder
from inkling.inference.array_weights import prepare
from inkling.inference.blas_threads import set_blas_threads
from inkling.inference.kernel_decoder import decoder_for
from inkling.inference.sampling import Sampler, sample
from inkling.model.cache import SlotCache
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.settings import reply_settings
from inkling.workspace import Workspace

SAMPLING = {"temperature": 0.8, "top_k": 25}
LARGE = ModelSettings(n_layer=6, n_head=6, n_embd=384, head_dim=64, n_hidden=1024)
"""Ten million parameters; context and vocabulary are those of the run."""
GGUF_TYPES: tuple[GgufType, ...] = ("f32", "q8_0")

Rates = dict[str, list[float]]


def arrays_rate(decoder: ArrayDecoder, start: int, streams: int, tokens: int) -> float:
    """Tokens a second of Inkling's decoder, all streams together."""
    settings = SamplingSettings(**SAMPLING, repetition_penalty=1.0)
    samplers = [Sampler(settings, decoder.weights.settings.vocab_size) for _ in range(streams)]
    ids = [start] * streams
    begun = time.perf_counter()
    for position in range(tokens):
        logits_SV = decoder.decode(ids, [position] * streams)
        ids = [drawn.token for drawn in sample(logits_SV, samplers, draw=decoder.draw)]
        for sampler, token in zip(samplers, ids, strict=True):
            sampler.append_token(token)
    return streams * tokens / (time.perf_counter() - begun)


def draw(logits_SV: torch.Tensor) -> torch.Tensor:
    """Temperature and top-k as a generate() has them, (S, 1)."""
    logits_SV = logits_SV / SAMPLING["temperature"]
    floor_S1 = logits_SV.topk(int(SAMPLING["top_k"])).values[:, -1:]
    logits_SV = logits_SV.masked_fill(logits_SV < floor_S1, float("-inf"))
    return torch.multinomial(logits_SV.softmax(-1), 1)


@torch.inference_mode()
def cacheless_rate(model: GPT, start: int, tokens: int) -> float:
    """Tokens a second of a generate() that reads everything again for each token."""
    ids_BT = torch.tensor([[start]])
    begun = time.perf_counter()
    for _ in range(tokens):
        ids_BT = torch.cat((ids_BT, draw(model(ids_BT)[:, -1])), dim=1)
    return tokens / (time.perf_counter() - begun)


@torch.inference_mode()
def torch_rate(model: GPT, start: int, streams: int, tokens: int) -> float:
    """Tokens a second of the torch model with its cache, all streams together."""
    cache = SlotCache(model.settings, streams)
    ids_S1 = torch.full((streams, 1), start)
    begun = time.perf_counter()
    for position in range(tokens):
        logits_SV = model(ids_S1, cache.first([position] * streams))[:, -1]
        ids_S1 = draw(logits_SV)
    return streams * tokens / (time.perf_counter() - begun)


def turns(rounds: int, systems: Mapping[str, Callable[[], float]]) -> Rates:
    """Each system once a round, after one round that does not count."""
    rates: Rates = {name: [] for name in systems}
    for turn in range(rounds + 1):
        for name, measure in systems.items():
            rate = measure()
            if turn:
                rates[name].append(rate)
    return rates


def ratio(rates: Rates, ours: str, others: Sequence[str]) -> float:
    return statistics.median(rates[ours]) / max(statistics.median(rates[name]) for name in others)


def table(rates: Rates) -> None:
    for name, values in rates.items():
        print(f"| {name} | {spread(values, 0)} |", flush=True)


def same_greedy_tokens(decoder: ArrayDecoder, llama: Llama, start: int, tokens: int) -> int:
    """With how many greedy tokens the two begin alike. `start` is <|end|>, which llama.cpp is told
    never to write."""
    answer = llama.write([start], tokens, temperature=0.0, n_probs=1)
    entries = answer["choices"][0]["logprobs"]["content"]
    ids = [start]
    for position in range(tokens):
        logits_V = decoder.decode(ids[-1:], [position])[0]
        logits_V[start] = -np.inf
        ids.append(int(logits_V.argmax()))
    theirs = [entry["id"] for entry in entries]
    agree = [a == b for a, b in zip(ids[1:], theirs, strict=False)]
    return agree.index(False) if False in agree else len(agree)


FIRST_TOKEN = {
    "arrays": """
from safetensors.numpy import load_file
from inkling.inference.sampling import Sampler, sample
from inkling.inference.array_weights import prepare
from inkling.inference.kernel_decoder import decoder_for
decoder = decoder_for(prepare(load_file(path), settings), 16)
logits = decoder.read(0, list(range(100)), 0)
sample(logits[None], [Sampler(SamplingSettings(), settings.vocab_size)])
""",
    "torch": """
import torch
from safetensors.torch import load_file
from inkling.model.cache import SlotCache
from inkling.model.gpt import GPT
model = GPT(settings)
model.load_state_dict(load_file(path))
with torch.inference_mode():
    logits = model(torch.arange(100)[None], SlotCache(settings, 16).slot(0, 0))[0, -1]
torch.multinomial(logits.softmax(-1), 1)
""",
}


def first_token_seconds(kind: str, path: Path, settings: ModelSettings) -> float:
    """From Inkling's settings imported to one token after 100, in a new process."""
    program = (
        "import time\nfrom inkling.config import ModelSettings, SamplingSettings\n"
        f"settings = ModelSettings.model_validate_json({settings.model_dump_json()!r})\n"
        f"path = {str(path)!r}\nbegun = time.perf_counter()\n{FIRST_TOKEN[kind]}\n"
        "print(time.perf_counter() - begun)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def gguf_files(folder: Path, model: ExportableRun) -> dict[GgufType, Path]:
    """The model as llama.cpp reads it, in each type."""
    files = {kind: folder / f"{model.settings.n_embd}-{kind}.gguf" for kind in GGUF_TYPES}
    for kind, path in files.items():
        write_gguf(path, model, kind)
    return files


def beside_llama(
    files: Mapping[GgufType, Path],
    context: int,
    streams: int,
    threads: Sequence[int],
    start: int,
    tokens: int,
) -> dict[str, Callable[[], float]]:
    """llama.cpp with each file and number of threads."""
    return {
        f"llama.cpp {kind}, {count} threads, {streams}": partial(
            Llama(path, count, streams, context).tokens_per_second, [start], tokens, **SAMPLING
        )
        for kind, path in files.items()
        for count in threads
    }


def ratios_to_llama(rates: Rates, ours: str) -> dict[str, float]:
    return {
        kind: ratio(rates, ours, [name for name in rates if name.startswith(f"llama.cpp {kind}")])
        for kind in GGUF_TYPES
    }


def large_model(
    run: ExportableRun, folder: Path, rounds: int, tokens: int, start: int
) -> dict[str, dict[str, float]]:
    """The same for ten million random weights, on every thread there is; ratios for each count of
    streams."""
    torch.manual_seed(0)
    settings = LARGE.model_copy(
        update={
            "context_length": run.settings.context_length,
            "vocab_size": run.settings.vocab_size,
        }
    )
    model = GPT(settings).eval()
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    files = gguf_files(folder, replace(run, settings=settings, weights=arrays))
    weights = prepare(arrays, settings)
    decoder, by_numpy = decoder_for(weights, 32), ArrayDecoder(weights, 32)
    threads = os.cpu_count() or 1
    set_blas_threads(threads)
    torch.set_num_threads(threads)
    print(f"\n{model.parameter_count():,} weights; NumPy and torch on {threads} threads\n")
    print("| system | tokens a second: median (range) |\n| --- | --- |")
    ratios = {}
    for streams in (1, 8, 32):
        ours = f"arrays, {streams}"
        rates = turns(
            rounds,
            {
                ours: partial(arrays_rate, decoder, start, streams, tokens),
                f"NumPy, {streams}": partial(arrays_rate, by_numpy, start, streams, tokens),
                f"torch, {streams}": partial(torch_rate, model, start, streams, tokens),
            }
            | beside_llama(files, settings.context_length, streams, [1, threads], start, tokens),
        )
        table(rates)
        ratios[str(streams)] = {
            "torch": ratio(rates, ours, [f"torch, {streams}"]),
            **ratios_to_llama(rates, ours),
        }
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=ROOT / "demo-workspace")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="llama.cpp's")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    workspace = Workspace.find(options.workspace)
    run = Run.choose(workspace, None)
    step = run.checkpoints.best_step()
    trained = run.config().model
    if step is None or not isinstance(trained, ModelSettings):
        sys.exit(f"{run.name} has no checkpoint of a modern model. Run scripts/demo first.")
    exportable = load_exportable(run, workspace.name, reply_settings(workspace))
    settings, parameters = exportable.settings, exportable.weights
    context, tokens = settings.context_length, min(options.tokens, settings.context_length - 2)
    path = run.checkpoints.path(step) / "model.safetensors"
    weights = prepare(parameters, settings)
    decoder = decoder_for(weights, max(options.streams))
    by_numpy = ArrayDecoder(weights, max(options.streams))
    model = GPT(settings).eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in parameters.items()})
    start = exportable.tokenizer.end_id
    limited = set_blas_threads(1)
    torch.set_num_threads(1)
    found: dict[str, Any] = {"machine": machine(), "ratios": {}, "rates": {}}
    print(
        f"{machine()}, NumPy {np.__version__}; {run.name}: {settings.n_layer} layers of "
        f"{settings.n_embd}, {settings.vocab_size} tokens; arrays ({type(decoder).__name__}), "
        "NumPy and torch on one thread"
        + ("" if limited else " where NumPy can be told so, which here it cannot")
    )
    with tempfile.TemporaryDirectory() as folder:
        files = gguf_files(Path(folder), exportable)
        for kind, file in files.items():
            exact = Llama(file, 1, 1, context, exact=True)
            alike = same_greedy_tokens(decoder, exact, start, 40)
            found[f"greedy_{kind}"] = alike
            print(f"Greedy tokens: the first {alike} of 40 are llama.cpp's in {kind}.")
        print("\n| system, streams | tokens a second: median (range) |\n| --- | --- |")
        for streams in options.streams:
            ours = f"arrays, {streams}"
            rates = turns(
                options.rounds,
                {
                    ours: partial(arrays_rate, decoder, start, streams, tokens),
                    f"NumPy, {streams}": partial(arrays_rate, by_numpy, start, streams, tokens),
                    f"torch, {streams}": partial(torch_rate, model, start, streams, tokens),
                }
                | beside_llama(files, context, streams, options.threads, start, tokens),
            )
            table(rates)
            found["rates"] |= rates
            found["ratios"][str(streams)] = ratios_to_llama(rates, ours)
            found.setdefault("ratios_to_torch", {})[str(streams)] = ratio(
                rates, ours, [f"torch, {streams}"]
            )
        found["ratios_large"] = large_model(exportable, Path(folder), options.rounds, tokens, start)
    set_blas_threads(1)
    torch.set_num_threads(1)
    rates = turns(
        options.rounds,
        {
            "arrays": partial(arrays_rate, decoder, start, 1, tokens),
            "cache-less": partial(cacheless_rate, model, start, tokens),
        },
    )
    table(rates)
    found["rates"] |= rates
    found["ratio_to_cacheless"] = ratio(rates, "arrays", ["cache-less"])
    seconds = turns(
        options.rounds,
        {kind: partial(first_token_seconds, kind, path, trained) for kind in FIRST_TOKEN},
    )
    found["first_token_seconds"] = seconds
    print("\nFrom imported settings to the first token after 100, new process, seconds:")
    table({kind: [1000 * value for value in values] for kind, values in seconds.items()})
    for name in ("ratios", "ratios_to_torch", "ratio_to_cacheless", "ratios_large"):
        print(f"{name}: {found[name]}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
