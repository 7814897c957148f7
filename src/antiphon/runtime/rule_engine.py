"""What the page asks of rules: text, tree and sentence of one rule, who matches, and why."""

from __future__ import annotations

from typing import Any

import ibis
import msgspec

from antiphon.errors import InvalidInput, NotFound
from antiphon.evaluate.explain import explain
from antiphon.model.clock import Clock
from antiphon.model.subject import SubjectKey, SubjectKind
from antiphon.rules import history, tree
from antiphon.rules.render import render
from antiphon.rules.sentence import sentence
from antiphon.rules.text import parse, parse_selector
from antiphon.rules.validate import validate
from antiphon.runtime.events import Events
from antiphon.store import program as store
from antiphon.store.engine import Store
from antiphon.store.history import HistoryReader
from antiphon.store.program import RuleRow
from antiphon.store.rules import Rule
from antiphon.store.settings import read_workspace
from antiphon.web.context import Explained, ExplainedCondition, Preview, PreviewCondition, PreviewSubject, RuleFaces
