"""Learning: the loop, the optimizers, the schedules, the plan."""
