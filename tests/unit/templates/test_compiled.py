from __future__ import annotations

import pytest

from antiphon.templates.compiled import MAX_CACHED, EmailCache
from antiphon.templates.content import MAX_SOURCE, Rendered, RenderError, RenderRequest, TemplateContent

NOW = 1_700_000_000_000  # 2023-11-14T22:13:20Z
MJML = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


def render(body, context=None, *, language="html", **fields):
    content = TemplateContent(body=body, language=language, **({"subject": "S"} | fields))
    return EmailCache().render(RenderRequest(content=content, context=context or {}, now=NOW))


def html(body, context=None, **fields):
    result = render(body, context, **fields)
    assert isinstance(result, Rendered), result
    return result.html


def mjml(inner, context=None, **fields):
    return render(MJML.format(inner), context, language="mjml", **fields)


def test_liquid_inside_mjml_that_xml_would_reject():
    """`<` in a condition, quotes in attributes and loops between elements all survive the compiler."""
    result = mjml(
        "{% if n < 3 %}<mj-text>{{ n | plus: 1 }} &amp; {% if n >= 2 and n <= 2 %}two{% endif %}</mj-text>{% endif %}"
        '{% for x in xs %}<mj-button href="https://a.test/?q={{ x | append: "&" | url_encode }}&amp;z=1">{{ x }}'
        "</mj-button>{% endfor %}",
        {"n": 2, "xs": ["a", "b"]},
    )
    assert isinstance(result, Rendered)
    assert "3 &amp; two" in result.html
    assert 'href="https://a.test/?q=a%26&amp;z=1"' in result.html
    assert "lq" not in result.html
    assert result.text == "3 & two\n\na (https://a.test/?q=a%26&z=1)\n\nb (https://a.test/?q=b%26&z=1)\n"
    assert result.warnings == []


def test_sections_chosen_by_liquid_stay_whole():
    """A condition around a section takes its Outlook tables with it."""
    section = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
    body = "<mjml><mj-body><mj-wrapper>{% if a %}" + section.format("A") + "{% else %}" + section.format("B")
    body += "{% endif %}" + section.format("C") + "</mj-wrapper></mj-body></mjml>"
    result = render(body, {"a": False}, language="mjml")
    assert isinstance(result, Rendered)
    assert result.text == "B\n\nC\n"
    assert ">A<" not in result.html
    assert result.html.count("<!--[if") == result.html.count("<![endif]-->")
    assert result.html.count("<table") == result.html.count("</table>")


def test_nothing_external_is_linked():
    """No web font, no style sheet: nothing that would tell others who opened it."""
    for inner in ("<mj-text>x</mj-text>", '<mj-text font-family="Roboto">x</mj-text>'):
        result = mjml(inner)
        assert isinstance(result, Rendered)
        assert "fonts.g" not in result.html
        assert "<link" not in result.html
        assert "@import" not in result.html


def test_an_authors_font_overrides_ours():
    """The default font is only a default."""
    result = render(
        '<mjml><mj-head><mj-attributes><mj-all font-family="Georgia"/></mj-attributes></mj-head><mj-body><mj-section>'
        "<mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>",
        language="mjml",
    )
    assert isinstance(result, Rendered)
    assert "font-family:Georgia" in result.html
    assert "Segoe" not in result.html


def test_liquid_around_the_document_counts():
    """Assigns before `<mjml>` are no part of MJML, but of the email."""
    result = render("{% assign x = 5 %}\n" + MJML.format("<mj-text>{{ x }}</mj-text>"), language="mjml")
    assert isinstance(result, Rendered)
    assert result.text == "5\n"
    assert result.html.startswith("<!doctype html>")


def test_html_is_inlined_once_and_liquid_keeps_its_place():
    """Styles reach the elements; a loop inside a table is not moved out of it; media queries stay."""
    out = html(
        "<style>td{color:red} @media (max-width:9px){td{color:blue}}</style>"
        "<table>{% for x in xs %}<tr><td {% if x %}class='{{ x }}'{% endif %}>{{ x }}</td></tr>{% endfor %}</table>",
        {"xs": ["<a>", "b"]},
    )
    assert out.count("color: red") == 2
    assert "@media" in out
    assert out.index("<table>") < out.index("&lt;a&gt;") < out.index("</table>")


@pytest.mark.parametrize(
    "template",
    [
        "{{ x }}",
        "{{ x | upcase }}",
        "{{ x | append: '!' }}",
        "{{ 'a' | append: x }}",
        "{{ '<b>{x}</b>' | replace: '{x}', x }}",
        "{{ x | split: ' ' | join: '<br>' }}",
        "{{ x | newline_to_br }}",
        "{{ x | escape_once }}",
        "{{ x | truncate: 200 }}",
        "{{ x | slice: 0, 99 }}",
        "{{ x | strip_newlines }}",
        "{{ x | prepend: '<i>' }}",
        "{% capture y %}{{ x }}{% endcapture %}{{ y }}",
        "{% assign y = x | squish %}{{ y }}",
        "{% echo x %}",
        "{{ list }}",
        "{{ list | first }}",
        "{{ list | map: 'k' | join }}",
        "<a href='{{ x }}'>a</a>",
        "{{ nothing | default: x }}",
        "{{ 'now' | date: x }}",
        "{{ x | date: '%Y' }}",
        "{{ x | base64_encode | base64_decode }}",
        "{{ x | url_encode | url_decode }}",
    ],
)
def test_customers_data_is_always_escaped(template):
    """No filter carries a customer's markup into the HTML."""
    hostile = "<script>alert('1')</script> \"'><img src=x>"
    out = html(f"<p>{template}</p>", {"x": hostile, "list": [hostile, {"k": hostile}]})
    assert "<script" not in out.lower()
    assert "<img" not in out.lower()
    assert "'><" not in out


def test_subject_and_preview_are_single_plain_lines():
    """No escaping, no line breaks, no control characters; the preview text is hidden at the top of the body."""
    result = render(
        "<body><p>x</p></body>", {"n": "A & B\r\nBcc: x@y.z\x00"}, subject="Hi {{ n }}", preview_text="{{ n }}!"
    )
    assert isinstance(result, Rendered)
    assert result.subject == "Hi A & B Bcc: x@y.z"
    assert result.preview_text == "A & B Bcc: x@y.z !"
    assert '<body><div style="display:none' in result.html
    assert "A &amp; B Bcc: x@y.z !</div><p>x</p>" in result.html
    assert result.text == "x\n"


def test_own_text_wins_over_the_derived_one():
    """An author's plain text is Liquid, too, and is not escaped."""
    result = render("<p>html</p>", {"a": "1 < 2"}, text="Own {{ a }}\n\n\n\nend  ")
    assert isinstance(result, Rendered)
    assert result.text == "Own 1 < 2\n\nend\n"


def test_text_of_liquid_that_crosses_attributes():
    """Where the text cannot be derived from the template, it is read off each rendered HTML."""
    source = '<p><a href="{% if a %}https://a.test{% endif %}">A</a><span class="{% if a %}">x</span><b title="{% endif %}">y</b></p>'
    result = render(source, {"a": True})
    assert isinstance(result, Rendered)
    assert result.text.startswith("A (https://a.test)")


def test_braces_written_as_character_references_stay_text():
    """`&#123;` in the HTML is a brace for the reader, in both parts."""
    result = render("<p>&#123;{ a }} {{ a }}</p>", {"a": "v"})
    assert isinstance(result, Rendered)
    assert result.text == "{{ a }} v\n"


def test_empty_merge_tags_are_named():
    """Missing, null and empty values are warned of once each; a default is no gap."""
    result = render(
        "{{ user.name }}{{ user.name }}{{ none }}{{ user.nick | upcase }}{{ x | default: '' }}{{ ok }}{{ zero }}",
        {"user": {"name": None, "nick": ""}, "ok": "v", "zero": 0},
    )
    assert isinstance(result, Rendered)
    assert result.warnings == [
        "{{ user.name }} came out empty.",
        "{{ none }} came out empty.",
        "{{ user.nick | upcase }} came out empty.",
    ]


def test_clipping_and_empty_subject_are_warned_of():
    """Gmail's 102 kB limit and a mail without a subject."""
    result = render("<p>" + "x" * 110_000, subject="{{ a }}")
    assert isinstance(result, Rendered)
    assert result.clipped
    assert result.size_bytes == len(result.html.encode())
    assert any("102 kB" in warning for warning in result.warnings)
    assert any("subject" in warning for warning in result.warnings)


def test_unknown_mjml_elements_are_warned_of():
    """A misspelt element is passed on by mrml without a word."""
    result = mjml("<mj-txt>x</mj-txt>")
    assert isinstance(result, Rendered)
    assert "Line 1: <mj-txt>" in result.warnings[0]


@pytest.mark.parametrize(
    ("fields", "where", "line", "says"),
    [
        ({"body": "a\n{{ 'x' | nope }}"}, "body", 2, "nope"),
        ({"body": "a\n\n{% if x %}"}, "body", None, "endif"),
        ({"body": "a\n{% include 'x' %}"}, "body", 2, "include"),
        ({"body": "a\n{% render 'x' %}"}, "body", 2, "render"),
        ({"body": "a\n{{ x | safe }}"}, "body", 2, "safe"),
        ({"body": "<p>\n<b>\n{{ 1 | divided_by: 0 }}"}, "body", 3, "divide"),
        ({"body": "x", "subject": "a\n{{ 1 | divided_by: 0 }}"}, "subject", 2, "divide"),
        ({"body": "x", "text": "{{ a"}, "text", 1, "}}"),
        ({"body": "x", "preview_text": "{% frob %}"}, "preview_text", 1, "frob"),
        ({"body": "  "}, "body", 1, "empty"),
        ({"body": "<p>hello", "language": "mjml"}, "body", 1, "mjml"),
        ({"body": "<mjml>\n<mj-body>\n</mjml>", "language": "mjml"}, "body", 3, "</mj-body>"),
        ({"body": "<mjml>\n<mj-body>\n", "language": "mjml"}, "body", 2, "never closed"),
        (
            {"body": "<mjml>{% if\na %}{% endif %}<mj-body>\n</mj-text></mj-body></mjml>", "language": "mjml"},
            "body",
            3,
            "mj-text",
        ),
        ({"body": MJML.format("\n<mj-image width='{{ w }}px'/>"), "language": "mjml"}, "body", 2, "drops"),
        ({"body": MJML.format("<mj-text>x<b</mj-text>"), "language": "mjml"}, "body", None, "MJML"),
        ({"body": "x" * (MAX_SOURCE + 1)}, "limits", None, "longer"),
        ({"body": "{{ (1..100000000) | join }}"}, "body", 1, "range"),
        ({"body": "{{ 'a' | replace: 'a', (1..100000000) }}"}, "body", 1, "range"),
        ({"body": "{% for a in (1..9999) %}{% for b in (1..9999) %}x{% endfor %}{% endfor %}"}, "limits", 1, "loop"),
        ({"body": "{% if a %}" * 99 + "{% endif %}" * 99}, "limits", 1, "nesting"),
        ({"body": "{% for i in (1..9999) %}" + "x" * 999 + "{% endfor %}"}, "limits", 1, "output"),
        (
            {
                "body": "<mjml><mj-body>" + "<mj-wrapper>" * 2000 + "</mj-wrapper>" * 2000 + "</mj-body></mjml>",
                "language": "mjml",
            },
            "body",
            1,
            "deep",
        ),
    ],
)
def test_errors_say_what_and_where(fields, where, line, says):
    """Each mistake gets a short message, the field, and the author's own line."""
    error = render(**({"subject": "S", "body": ""} | fields))
    assert isinstance(error, RenderError), error
    assert (error.where, error.line) == (where, line), error
    assert says in error.message
    assert len(error.message) < 400


def test_no_python_is_reachable():
    """The context is plain data: attributes, environment and modules are not."""
    for path in (
        "x.__class__",
        "x.__init__.__globals__",
        "os.environ",
        "env",
        "self",
        "x['__class__']",
        "now.__class__",
    ):
        assert html(f"<p>[{{{{ {path} }}}}]</p>", {"x": "v", "d": {}}).count("[]") == 1, path


def test_dates_come_from_the_request():
    """`now` is the request's; seconds, milliseconds and ISO texts are understood; what is no date stays."""
    cases = {
        "'now' | date: '%Y-%m-%d %H:%M'": "2023-11-14 22:13",
        "now | date: '%d.%m.%y'": "14.11.23",
        "'today' | date": "2023-11-14",
        "today": "2023-11-14",
        "1700000000 | date: '%H'": "22",
        "1700000000000 | date: '%H'": "22",
        "'1700000000' | date: '%H'": "22",
        "'2024-02-29T10:00:00Z' | date: '%b %d'": "Feb 29",
        "'2024-02-29' | date: '%A'": "Thursday",
        "'soon' | date: '%Y'": "soon",
        "99999999999999999999 | date: '%Y'": "99999999999999999999",
        "true | date: '%Y'": "True",
    }
    for expression, expected in cases.items():
        assert f"<p>{expected}</p>" in html(f"<p>{{{{ {expression} }}}}</p>"), expression


def test_equal_contents_are_compiled_once_and_the_cache_is_bounded():
    """Compiling costs a hundred times a render; old templates make room for new ones."""
    cache = EmailCache()
    for number in range(MAX_CACHED + 10):
        content = TemplateContent(subject="S", body=f"<p>{number}</p>", language="html")
        cache.render(RenderRequest(content=content, context={}, now=NOW))
    assert len(cache._kept) == MAX_CACHED
    before = list(cache._kept.values())
    again = TemplateContent(subject="S", body=f"<p>{MAX_CACHED + 9}</p>", language="html")
    cache.render(RenderRequest(content=again, context={}, now=NOW))
    assert list(cache._kept.values()) == before


def test_renders_do_not_leak_into_each_other():
    """Assigned variables and counters of one recipient are gone for the next."""
    cache = EmailCache()
    content = TemplateContent(subject="S", body="{{ y }}{% assign y = x %}{% increment c %}", language="html")
    first = cache.render(RenderRequest(content=content, context={"x": "secret"}, now=NOW))
    second = cache.render(RenderRequest(content=content, context={}, now=NOW))
    assert isinstance(first, Rendered)
    assert isinstance(second, Rendered)
    assert "secret" not in second.html
    assert "0" in second.html
