"""One training step of the classic model: fused products against heads written out.

    scripts/bench classic-step [--recipe classic-fast] [--rounds 5]

The same weights, batch and dropout rate; gradients and AdamW included. The written-out model is
the lecture's: a module a head, an explicit mask, torch's dropout on the attention weights, the
attention's output and the feed-forward's. The two take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from _common import machine, spread
from torch.nn import functional as F

from inkling.model.ladder import LadderModel
from inkling.training.optim import Optimizers
from inkling.training.recipes import fixed_plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--recipe", default="classic-fast", choices=["classic-fast", "classic-full"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    plan = fixed_plan(options.recipe, 272, dialogs=False)
    length = plan.train.batch.sequence_length
    rows = plan.train.batch.total_batch_size // length
    print(f"{machine()}; {options.recipe}: {rows} rows of {length}")

    times: dict[str, list[float]] = {}
    for dropout in (0.1, 0.0):
        steppers = {}
        for name, rung in (("written out", "blocks"), ("fused", "classic")):
            settings = plan.model.model_copy(update={"rung": rung, "dropout": dropout})
            model = LadderModel(settings)
            optimizers = Optimizers(model, plan.train.optimizer)
            steppers[f"{name}, dropout {dropout:g}"] = (model, optimizers)
        for turn in range(options.rounds + 1):
            ids = torch.randint(272, (rows, length + 1))
            for name, (model, optimizers) in steppers.items():
                begun = time.perf_counter()
                loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
                loss.backward()
                optimizers.step(1.0)
                optimizers.zero_grad()
                if turn:  # the first turn warms up
                    times.setdefault(name, []).append(time.perf_counter() - begun)
    print("\n| step | seconds: median (range) |\n| --- | --- |")
    for name, values in times.items():
        print(f"| {name} | {spread(values, 3)} |")
    for dropout in ("0.1", "0"):
        ratio = statistics.median(times[f"written out, dropout {dropout}"]) / statistics.median(
            times[f"fused, dropout {dropout}"]
        )
        print(f"\ndropout {dropout}: {ratio:.2f} times faster")


if __name__ == "__main__":
    main()
