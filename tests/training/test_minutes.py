"""Minutes: what they are planned for, and how a plan is kept on a machine that changes."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.config import DataFacts, Replan, TrainingSettings, TrainRequest
from inkling.training import cadence, planner
from inkling.training.assembly import fit_to_clock, most_steps, timed_plan
from inkling.training.budget import Pace, StepPlan, TimeBudget
from inkling.training.cadence import Costs
from inkling.training.reading import merges_in_time


class Machine:
    """Steps and evaluations with a clock of their own: what a training would do in that time."""

    def __init__(self, step: Callable[[float], float], evaluation: Callable[[float], float]):
        """Seconds of either, as a function of the time."""
        self.now = 1000.0
        self.step, self.evaluation = step, evaluation
        self.steps = 0
        self.trained = self.evaluated = 0.0
        self.replans: list[Replan] = []

    def train(self, planned: Pace, budget: TimeBudget, final: float = 0.0) -> None:
        """A phase, as training.loop runs it."""
        plan = StepPlan("train", planned, (), budget)
        while True:
            if (replan := plan.replan(self.steps)) is not None:
                self.replans.append(replan)
            steps, _, every = plan.at(self.steps)
            ended = self.steps >= steps
            due = ended or (
                self.steps and self.steps % every == 0 and steps - self.steps >= every // 2
            )
            if due:
                self._spend("evaluated", self.evaluation(self.now))
            if ended:
                break
            plan.before_step(bool(due))
            self._spend("trained", self.step(self.now))
            self.steps += 1
        self._spend("evaluated", final * self.evaluation(self.now))

    def _spend(self, what: str, seconds: float) -> None:
        setattr(self, what, getattr(self, what) + seconds)
        self.now += seconds


@pytest.mark.parametrize("step", [0.05, 0.1, 0.17, 1.0])
@pytest.mark.parametrize("every", [100, 450])
def test_the_budget_ends_on_its_deadline(step: float, every: int) -> None:
    """Steps that turn out faster or slower than planned still fill the time, to 3 %."""
    machine = Machine(lambda now: step, lambda now: 0.4)
    budget = TimeBudget(100.0, evaluation=0.4, clock=lambda: machine.now)
    machine.train(Pace(1000, every), budget)
    assert math.isclose(machine.now, 1100.0, abs_tol=max(3.0, step))
    assert machine.evaluated < 10


@pytest.mark.parametrize("factor", [3.0, 1 / 3])
def test_a_machine_that_changes_its_speed_in_the_middle(factor: float) -> None:
    """The plan follows: the time is kept, and it was filled with steps."""
    machine = Machine(
        lambda now: 0.1 * (factor if now > 1050 else 1), lambda now: factor if now > 1050 else 1.0
    )
    budget = TimeBudget(100.0, evaluation=1.0, clock=lambda: machine.now)
    machine.train(Pace(900, 225), budget)
    assert math.isclose(machine.now, 1100.0, abs_tol=3.0)
    assert machine.trained > 85
    assert machine.replans


@pytest.mark.parametrize("expected", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("actual", [0.05, 1.0, 7.0])
def test_no_evaluation_eats_the_time(expected: float, actual: float) -> None:
    """Whatever an evaluation was thought to take, in the end most of the time went into steps and
    the whole of it was used. (One evaluation of 7 s in 100 cannot be helped, nor the last.)"""
    machine = Machine(lambda now: 0.2, lambda now: actual)
    budget = TimeBudget(100.0, evaluation=expected, clock=lambda: machine.now)
    machine.train(Pace(450, 40), budget)
    assert 95 < machine.now - 1000 < 104
    assert machine.evaluated < max(10.0, 3 * actual) + 0.1


def test_what_is_measured_at_the_end_is_kept_free() -> None:
    """A last measurement worth five evaluations ends on the deadline too."""
    machine = Machine(lambda now: 0.1, lambda now: 1.0)
    budget = TimeBudget(100.0, evaluation=0.5, final=5.0, clock=lambda: machine.now)
    machine.train(Pace(1000, 500), budget, final=5.0)
    assert math.isclose(machine.now, 1100.0, abs_tol=2.0)


def test_a_machine_that_is_shared_ends_earlier() -> None:
    """What comes after the training takes longer there, so that much is left."""
    machine = Machine(lambda now: 0.1, lambda now: 0.5)
    budget = TimeBudget(100.0, evaluation=0.5, late=lambda: 6.0, clock=lambda: machine.now)
    machine.train(Pace(1000, 500), budget)
    assert math.isclose(machine.now, 1094.0, abs_tol=2.0)


def test_more_steps_than_pay_are_not_made() -> None:
    """However fast they are."""
    machine = Machine(lambda now: 0.001, lambda now: 0.01)
    budget = TimeBudget(100.0, evaluation=0.01, most=700, clock=lambda: machine.now)
    machine.train(Pace(500, 100), budget)
    assert machine.steps == 700


def test_a_phase_with_time_to_spare_keeps_its_evaluations() -> None:
    """They take more than a tenth of its steps, and nobody waits for them."""
    machine = Machine(lambda now: 0.01, lambda now: 1.0)
    budget = TimeBudget(1000.0, evaluation=1.0, most=120, clock=lambda: machine.now)
    machine.train(Pace(120, 10), budget)
    assert machine.evaluated == pytest.approx(12.0)


def test_a_recorded_plan_is_replayed() -> None:
    """Without a clock: the same steps, progress and cadence at every step."""
    machine = Machine(lambda now: 0.3, lambda now: 9.0)
    budget = TimeBudget(100.0, evaluation=0.1, clock=lambda: machine.now)
    live = StepPlan("train", Pace(1000, 100), (), budget)
    recorded: list[Replan] = []
    seen = []
    step = 0
    while step < live.at(step).steps:
        if (replan := live.replan(step)) is not None:
            recorded.append(replan)
        seen.append(live.at(step))
        if step and step % seen[-1].eval_every == 0:
            machine.now += 9.0
        live.before_step(bool(step and step % seen[-1].eval_every == 0))
        machine.now += 0.3
        step += 1
    assert any(replan.eval_every for replan in recorded)
    other = [Replan(phase="finetune", step=3, steps=7)]
    again = StepPlan("train", Pace(1000, 100), [*other, *recorded], None)
    assert [again.at(step) for step in range(len(seen))] == seen


FACTS = DataFacts(
    train_characters=1_600_000, writing_tokens=400_000, dialog_tokens=160_000,
    train_tokens=560_000, val_tokens=5_000, held_out_dialog_tokens=5_000, dialogs=900,
    held_out_dialogs=50,
)  # fmt: skip


@pytest.mark.parametrize("lucky", [0.1, 10.0])
def test_the_phases_share_the_time_however_the_timing_fell(lucky: float) -> None:
    """One timing counts for both: a second one, in a quieter or a busier moment, would give one
    phase the time of the other."""
    times = iter((0.05, 0.05 * lucky))
    plan = planner.make_plan(1000, 200.0, planner.REFERENCE_GFLOPS, dialogs=True)
    made = fit_to_clock(FACTS, plan, 200.0, lambda model, phase: Costs.of_step(next(times), 2048))
    assert made.finetune is not None
    for phase in (made.train, made.finetune):
        assert 80 < 0.05 * phase.schedule.steps < 100


@given(
    seconds=st.floats(1, 10_000),
    step=st.floats(1e-3, 5),
    token=st.floats(1e-7, 1e-3),
    held_out=st.integers(2, 20_000_000),
)
@settings(max_examples=300)
def test_measuring_takes_a_tenth(seconds: float, step: float, token: float, held_out: int) -> None:
    """On any machine and any held-out text all evaluations fit into a tenth of the phase, but for
    two of the smallest sample, and the plan fills the time."""
    costs = Costs(step, token, 2 * step)
    timed = cadence.with_steps(TrainingSettings(), seconds, costs, held_out)
    planned, steps = timed.evaluation, timed.schedule.steps
    count = -(-steps // planned.eval_every)
    measured = count * (costs.pause + (planned.eval_tokens or held_out) * token)
    if planned.final_tokens != planned.eval_tokens:
        measured += (planned.final_tokens or held_out) * token
    smallest = costs.pause + cadence.FEWEST_EVALUATED_TOKENS * token
    assert measured <= 0.1 * seconds + 2 * smallest
    if seconds > 20 * smallest and seconds > 20 * step:
        assert 0.9 * seconds < measured + steps * step <= 1.001 * seconds
    assert count <= cadence.MAX_EVALUATIONS
    assert planned.eval_tokens < held_out
    assert planned.final_tokens < held_out


def facts_of(characters: int, dialogs: bool) -> DataFacts:
    """Facts of a text of that size, of nothing but dialogs or of nothing but writing."""
    tokens = characters // 3
    return DataFacts(
        train_characters=characters, train_tokens=tokens, val_tokens=tokens // 9,
        writing_tokens=0 if dialogs else tokens, dialog_tokens=tokens * dialogs,
        held_out_dialog_tokens=tokens // 9 * dialogs, dialogs=characters // 500 * dialogs,
        held_out_dialogs=characters // 5_000 * dialogs,
    )  # fmt: skip


@pytest.mark.parametrize("dialogs", [False, True])
@pytest.mark.parametrize("characters", [2_000, 200_000, 5_000_000, 100_000_000])
@pytest.mark.parametrize("minutes", [0.05, 0.15, 2, 60])
def test_any_text_in_any_time_gets_a_plan(characters: int, minutes: float, dialogs: bool) -> None:
    """The time is filled, or as much of it as teaches something; both phases learn."""
    facts, seconds = facts_of(characters, dialogs), 60 * minutes

    def costs(model: object, phase: TrainingSettings) -> Costs:
        step = planner.estimated_step_seconds(model, phase, 60.0)  # type: ignore[arg-type]
        return Costs.of_step(step, phase.batch.total_batch_size)

    plan = timed_plan(TrainRequest(minutes=minutes), facts, 1500, seconds, 60.0, costs)
    step = costs(plan.model, plan.train).step
    spent = step * plan.train.schedule.steps
    capped = plan.train.schedule.steps > 0.98 * most_steps("train", plan.train, facts)
    if plan.finetune is not None:
        spent += step * plan.finetune.schedule.steps
        most = most_steps("finetune", plan.finetune, facts)
        capped &= plan.finetune.schedule.steps > 0.98 * most
        if seconds > 40 * step:
            assert plan.train.schedule.steps > 0.1 * plan.finetune.schedule.steps
    assert capped or spent > 0.8 * seconds or seconds < 80 * step


def test_little_text_gets_a_small_model() -> None:
    """An hour on two pages: not six blocks."""
    big, small = (
        planner.make_plan(1000, 3600.0, planner.REFERENCE_GFLOPS, False, characters).model
        for characters in (10_000_000, 2_000)
    )
    assert (big.n_layer, small.n_layer) == (6, 1)


def test_the_vocabulary_follows_the_time() -> None:
    """A million characters: all merges that pay where there is time, fewer where there is none."""
    assert merges_in_time(1_000_000, 60.0, 110.0) == planner.merges_for(1_000_000)
    assert merges_in_time(1_000_000, 3.0, 10.0) < 500
    assert merges_in_time(1_000_000, 0.01, 10.0) == planner.FEWEST_MERGES
