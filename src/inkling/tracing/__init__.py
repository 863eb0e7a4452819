"""Tracing a text to what a run was trained on: which words of it were copied, and from where.

`training_text` reads a run's packed ids back as texts, `span_index` and `suffix_array` find what
of a text stands in them word for word, and `trace` adds titles, dates and context.
"""
