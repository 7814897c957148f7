"""Our Liquid: allow-listed tags and filters, limits, and a record of merge tags that came out empty.

The limits stop honest mistakes with a clear message; an attacker is stopped by the process around it (`process.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from liquid import Environment, RenderContext
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.filters import array, extra, math, misc, string
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    decrement_tag,
    doc_tag,
    echo_tag,
    for_tag,
    if_tag,
    ifchanged_tag,
    increment_tag,
    inline_comment_tag,
    liquid_tag,
    tablerow_tag,
    unless_tag,
)
from liquid.exceptions import FilterValueError
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate

from antiphon.templates.dates import date

MAX_LOOPS = 10_000
MAX_OUTPUT_BYTES = 1024 * 1024
MAX_LOCALS_BYTES = 1024 * 1024
MAX_ITEMS = 10_000
"""Longest range or list that a filter takes or gives."""

TAGS = (
    content.Literal,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    tablerow_tag.TablerowTag,
    capture_tag.CaptureTag,
    assign_tag.AssignTag,
    cycle_tag.CycleTag,
    increment_tag.IncrementTag,
    decrement_tag.DecrementTag,
    echo_tag.EchoTag,
    liquid_tag.LiquidTag,
    ifchanged_tag.IfChangedTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
    doc_tag.DocTag,
)
"""`include` and `render` are left out: a template has no way to reach another."""

FILTERS: dict[str, Callable[..., Any]] = {
    "abs": math.abs_,
    "at_least": math.at_least,
    "at_most": math.at_most,
    "ceil": math.ceil,
    "divided_by": math.divided_by,
    "floor": math.floor,
    "minus": math.minus,
    "modulo": math.modulo,
    "plus": math.plus,
    "round": math.round_,
    "times": math.times,
    "append": string.append,
    "base64_decode": string.base64_decode,
    "base64_encode": string.base64_encode,
    "capitalize": string.capitalize,
    "downcase": string.downcase,
    "escape": string.escape,
    "escape_once": string.escape_once,
    "lstrip": string.lstrip,
    "newline_to_br": string.newline_to_br,
    "prepend": string.prepend,
    "remove": string.remove,
    "remove_first": string.remove_first,
    "remove_last": string.remove_last,
    "replace": string.replace,
    "replace_first": string.replace_first,
    "replace_last": string.replace_last,
    "rstrip": string.rstrip,
    "slice": string.slice_,
    "split": string.split,
    "squish": string.squish,
    "strip": string.strip,
    "strip_html": string.strip_html,
    "strip_newlines": string.strip_newlines,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
    "url_decode": string.url_decode,
    "url_encode": string.url_encode,
    "escapejs": extra.escapejs,
    "compact": array.compact,
    "concat": array.concat,
    "find": array.find,
    "find_index": array.find_index,
    "first": array.first,
    "has": array.has,
    "join": array.join,
    "last": array.last,
    "map": array.map_,
    "reject": array.reject,
    "reverse": array.reverse,
    "sort": array.sort,
    "sort_natural": array.sort_natural,
    "sum": array.sum_,
    "uniq": array.uniq,
    "where": array.where,
    "date": date,
    "default": misc.default,
    "size": misc.size,
}
"""`safe` is left out: no value of a customer reaches the HTML unescaped."""


class OutputNode(output.OutputNode):
    """`{{ ... }}` that records itself when it comes out empty, unless it has a `default`."""

    __slots__ = ("_defaulted",)

    def __init__(self, token: Any, expression: Any) -> None:
        """See the class."""
        super().__init__(token, expression)
        filters = expression.filters if isinstance(expression, FilteredExpression) else None
        self._defaulted = any(used.name == "default" for used in filters or ())

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value, escaped when the template is HTML."""
        value = to_liquid_string(self.expression.evaluate(context), autoescape=context.autoescape)
        if not value and not self._defaulted:
            context.tag_namespace.setdefault("empty", {})[str(self.expression)] = None
        return buffer.write(value)


class _Output(output.Output):
    node_class = OutputNode


class _Echo(echo_tag.EchoTag):
    node_class = OutputNode  # pyright: ignore[reportAssignmentType] - prints differently, which nobody reads


class Liquid(Environment):
    """The allow-listed language; `autoescape` for HTML, off for subjects and plain text."""

    context_depth_limit = 30
    block_nesting_limit = 30
    loop_iteration_limit = MAX_LOOPS
    output_stream_limit = MAX_OUTPUT_BYTES
    local_namespace_limit = MAX_LOCALS_BYTES

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002 - the library's signature
        """Register what is allowed, and nothing else."""
        for tag in (*TAGS, _Output, _Echo):
            self.add_tag(tag)
        for name, function in FILTERS.items():
            self.add_filter(name, _bounded(name, function))


def render(template: BoundTemplate, values: dict[str, Any], empty: dict[str, None]) -> str:
    """Render with plain values; the expressions that came out empty are added to `empty`."""
    context = RenderContext(template, globals=values)
    buffer = template._get_buffer()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - limited by the environment
    template.render_with_context(context, buffer)
    empty.update(context.tag_namespace.get("empty", {}))
    return buffer.getvalue()


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse what would not fit: `(1..100000000) | join` takes 24 s and 3 GB without this."""

    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, range) or any(isinstance(arg, range) for arg in args):
            for one in (value, *args):
                if isinstance(one, range) and one.stop - one.start > MAX_ITEMS:
                    raise FilterValueError(f"{name}: a range of more than {MAX_ITEMS} items", token=None)
        result = function(value, *args, **kwargs)
        limit = MAX_OUTPUT_BYTES if isinstance(result, str) else MAX_ITEMS * 10
        if isinstance(result, str | list) and len(result) > limit:  # pyright: ignore[reportUnknownArgumentType]
            raise FilterValueError(f"{name}: the result is too large", token=None)
        return result

    for mark in ("with_environment", "with_context"):
        if getattr(function, mark, False):
            setattr(bounded, mark, True)
    return bounded
