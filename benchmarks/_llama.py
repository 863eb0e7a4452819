"""llama.cpp's server with slots, on a file that `inkling export gguf` wrote."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class Llama:
    """llama.cpp's server, in this process."""

    def __init__(
        self, path: Path, threads: int, slots: int, context_length: int, exact: bool = False
    ) -> None:
        """`exact`: keys and values in float32, where llama.cpp's default is half of that."""
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel = context_length * slots, slots
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.n_gpu_layers, parameters.verbosity = 0, -1
        if exact:
            parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        self._slots = slots
        self._server = xllamacpp.Server(parameters)

    def write(self, prompt: list[int], tokens: int, **sampling: Any) -> dict[str, Any]:
        """One completion of so many tokens, whatever they are."""
        request = {
            "prompt": prompt,
            "n_predict": tokens,
            "ignore_eos": True,
            "cache_prompt": False,
            "samplers": ["top_k", "temperature"],
            **sampling,
        }
        answer = self._server.handle_completions(request)
        return json.loads(answer) if isinstance(answer, str) else answer

    def tokens_per_second(self, prompt: list[int], tokens: int, **sampling: Any) -> float:
        """All slots at once, prompts included, which are one token long."""
        threads = [
            threading.Thread(target=self.write, args=(prompt, tokens), kwargs=sampling)
            for _ in range(self._slots)
        ]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._slots * tokens / (time.perf_counter() - begun)
