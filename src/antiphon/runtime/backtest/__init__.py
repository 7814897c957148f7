"""Backtests: a rule, with its workflow, replayed over the past."""
