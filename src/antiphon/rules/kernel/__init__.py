"""The compiled part of evaluation: folding and judging over flat arrays, for what most rules are made of."""
