"""The PromQL of rules before a real Prometheus' parser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from shutil import which

from antiphon.rules import operators
from antiphon.rules.promql import promql
from antiphon.rules.text import parse
from antiphon.rules.tree import Aggregate, AllOf, AnyOf, Last, Measure, NoneOf, Predicate, Selector


def test_prometheus_takes_every_expression(tmp_path: Path):
    """promtool, of Debian's package, accepts what each operator with a PromQL and each kind of group turns into."""
    rules = []
    for row in operators.OPERATORS:
        if row.promql is None:
            continue
        value = {"list": ("GET", 'a"b\\c|d', 4.5), "none": None, "regex": r"^v\d+\.(a|b)$", "pattern": "/v1/{x}*"}.get(
            row.operand, 'quo"te \\ {[(.*+?^$|'
        )
        selector = Selector("api_call", "exact", (Predicate("route", row.key, value),))
        rules.append(Measure(Aggregate("count", selector), ">=", 5, Last(24, "hours")))
    rules.append(parse("ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%"))
    rules += [AllOf((rules[0], rules[1], NoneOf((rules[2],)))), AnyOf((rules[0], rules[1]))]
    expressions = [promql(rule, "user").expression for rule in rules]
    assert None not in expressions
    alerts = [{"alert": f"rule{number}", "expr": text} for number, text in enumerate(expressions)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "rules", "rules": alerts}]}))  # JSON is YAML
    promtool = which("promtool")
    assert promtool, "make servers installs it (Debian's package prometheus)"
    checked = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"SUCCESS: {len(alerts)} rules found" in checked.stdout
    file.write_text(file.read_text().replace("sum by", "sum bye", 1))
    assert subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, check=False).returncode != 0
