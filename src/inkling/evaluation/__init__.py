"""Measuring a run on held-out text: likelihood, baselines, calibration, leaks, copying and voice,
and the report that puts them together."""
