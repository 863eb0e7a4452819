"""Sentences that a check leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class CheckFindings:
    """Sentences: `problems` need attention, `notes` are worth knowing."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
