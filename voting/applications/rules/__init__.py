"""The language of the categories' rules: moments ("E-4T17:00") and conditions ("covers(cert, vote_day)")."""

from __future__ import annotations

from voting.applications.rules.conditions import Condition, Facts, Span, compile_condition
from voting.applications.rules.moments import Days, Moment, in_time, parse_moment

__all__ = ["Condition", "Days", "Facts", "Moment", "Span", "compile_condition", "in_time", "parse_moment"]
