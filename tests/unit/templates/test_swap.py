from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.templates.swap import blank, swap

PIECES = ["{{ a }}", "{% if a < 3 %}", "{% endif %}", "<p>", "</p>", '<a href="', '">', "<!-- ", " -->", "text", "\n"]


@settings(deadline=None)  # other work shares this machine
@given(st.lists(st.sampled_from([*PIECES, "{% raw %}{{ x }}<b>{% endraw %}", "<style>", "</style>"])).map("".join))
def test_swapping_and_restoring_changes_nothing(source):
    """Whatever the mix of Liquid and markup, what comes back is what went in."""
    swapped = swap(source)
    assert swapped.expand(swapped.markup) == source
    assert swapped.restore(swapped.markup).source == source
    assert "{{ a }}" not in swapped.markup


@pytest.mark.parametrize(
    ("source", "markup"),
    [
        ("<p>{{ a }}</p>", "<p><!--lq0c--></p>"),
        ('<a href="{{ a }}">{{ b }}</a>', '<a href="lq0z"><!--lq1c--></a>'),
        ("<title>{{ a }}</title>{{ b }}", "<title>lq0z</title><!--lq1c-->"),
        ("<!--[if mso]>{{ a }}<![endif]-->{{ b }}", "<!--[if mso]>lq0z<![endif]--><!--lq1c-->"),
        (
            "<mj-style>{{ a }}</mj-style><mj-raw>{{ b }}</mj-raw>",
            "<mj-style>lq0z</mj-style><mj-raw><!--lq1c--></mj-raw>",
        ),
        ("<i title='>'>{{ a }}", "<i title='>'><!--lq0c-->"),
        ("lq7z {{ a }}", "lq7z <!--lqq0c-->"),
        ("1 < 2 {{ a }}", "1 < 2 <!--lq0c-->"),
    ],
)
def test_tokens_fit_their_place(source, markup):
    """A comment where markup is expected, a word in tags, comments, titles and styles; never a word of the author's."""
    assert swap(source).markup == markup


def test_an_authors_comment_around_liquid_survives():
    """`<!--{{ a }}-->` is a comment of the author's, not one of our tokens."""
    swapped = swap("<!--{{ a }}-->")
    assert swapped.restore(swapped.markup).source == "<!--{{ a }}-->"


def test_places_are_the_authors_lines():
    """Liquid keeps its line wherever a compiler moves it."""
    swapped = swap("\n{{ a }}\n{% if b\n%}\n{{ c }}")
    assert swapped.lines == [2, 3, 5]
    restored = swapped.restore("<x>\n\n" + swapped.markup)
    assert restored.line(restored.source.index("{{ c }}") + 3) == 5
    assert restored.line(0) is None


def test_dropped_liquid_is_noticed():
    """What a compiler leaves out is reported with its line."""
    assert swap("{{ a }}\n{{ b }}").missing("<!--lq0c-->") == [2]


def test_blank_keeps_lines():
    """Markup is checked without its Liquid, in the author's lines."""
    assert blank("a{% if\nx %}\n<b>") == "a\n\n<b>"
