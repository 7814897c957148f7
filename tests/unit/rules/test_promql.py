"""PromQL of rules that have one, and why others have none."""

from __future__ import annotations

import pytest

from antiphon.rules.promql import EXTRAPOLATES, NO_SERIES, promql
from antiphon.rules.text import parse

INCREASE = 'sum by (user) (increase(http_requests_total{status="400"}[24h]))'


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("count of api_call where status = 400 in the last 24 hours >= 5", f"{INCREASE} >= 5"),
        ("count of api_call in the last 2 months = 3", "sum by (user) (increase(http_requests_total[60d])) == 3"),
        (
            "ratio of api_call where status matches 5* to api_call in the last 5 minutes > 10%",
            'sum by (user) (increase(http_requests_total{status=~"5.*"}[5m])) / sum by (user) (increase(http_requests_total[5m])) > 0.1',
        ),
        (
            'count of api_call where route starts with "/v1/a.b" and method in ("GET", "PUT") in the last 1 hour > 0',
            'sum by (user) (increase(http_requests_total{route=~"/v1/a\\\\.b.*",method=~"GET|PUT"}[1h])) > 0',
        ),
        (
            "all of (count of api_call where status = 400 in the last 24 hours >= 5; none of (count of api_call where status exists in the last 1 week > 9))",
            f'({INCREASE} >= 5) unless on (user) (sum by (user) (increase(http_requests_total{{status!=""}}[1w])) > 9)',
        ),
    ],
)
def test_rules_that_have_a_promql(text, expression):
    """Counts and shares of API calls over sliding windows, with the labels that Prometheus has."""
    found = promql(parse(text), "user")
    assert (found.expression, found.reason) == (expression, None)
    assert EXTRAPOLATES in found.notes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('plan = "free"', "trait"),
        ("count of paid in the last 7 days > 1", "'paid'"),
        ("count of api_call this month > 1", "this month"),
        ("count of api_call > 1", "ever"),
        ("count of api_call where status >= 500 in the last 7 days > 1", "matches"),
        ('count of api_call where error_code = "x" in the last 7 days > 1', "'error_code'"),
        ("count of api_call in the last 7 days > 80% of company.plan_limit", "80% of company.plan_limit"),
        ("time since last api_call > 7 days", "time since last"),
        ("none of (count of api_call in the last 7 days > 1)", "series"),
        ("in segment new", "in segment new"),
        ("count of api_call in the last 7 days > 1, known for at least 2 days", "known"),
    ],
)
def test_rules_that_have_none_say_why(text, why):
    """The reason names the part that Prometheus cannot know."""
    found = promql(parse(text), "user")
    assert found.expression is None
    assert why in found.reason


def test_an_absence_is_noted():
    """A rule that holds for those who did nothing has a PromQL that cannot find them, and says so."""
    assert NO_SERIES in promql(parse("count of api_call in the last 7 days < 1"), "user").notes
    assert promql(parse("count of api_call in the last 7 days > 1"), "company").expression.startswith(
        "sum by (company)"
    )
