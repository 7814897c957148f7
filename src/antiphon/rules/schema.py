"""The JSON Schema of a rule, with the keys that the tables of operators, aggregates and dates allow."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.rules import aggregates, dates, operators, tree


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a tree."""
    schema = msgspec.json.schema(tree.Condition)
    defined = schema["$defs"]
    properties = [row.key for row in operators.OPERATORS]
    comparisons = [row.key for row in operators.OPERATORS if row.compare is not None]
    moving = [row.key for row in dates.DATE_OPERATORS]
    defined["Predicate"]["properties"]["op"]["enum"] = properties
    defined["TraitCondition"]["properties"]["op"]["enum"] = [*properties, *moving]
    defined["Measure"]["properties"]["op"]["enum"] = comparisons
    defined["Aggregate"]["properties"]["kind"]["enum"] = [row.key for row in aggregates.AGGREGATES]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Antiphon rule", **schema}
