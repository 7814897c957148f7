from __future__ import annotations

import pytest

from antiphon.templates.plain_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ('Read <a href="https://a.test/x?a=1&amp;b=2">the docs</a>.', "Read the docs (https://a.test/x?a=1&b=2).\n"),
        ('<a href="https://a.test">https://a.test</a>', "https://a.test\n"),
        ('<a href="mailto:a@b.test">a@b.test</a>', "a@b.test\n"),
        ('<a href="#top">Top</a>', "Top\n"),
        ('<a href="https://a.test"><img src="x" alt="Logo"></a>', "Logo (https://a.test)\n"),
        ('<a href="https://a.test"><img src="x"></a>', "https://a.test\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ("a<br>b<br/>c", "a\nb\nc\n"),
        ("<h1>T</h1>x<hr>y", "T\n\nx\n\n---\n\ny\n"),
        ("<table><tr><td>/v1</td><td>12</td></tr><tr><td>/v2</td><td>3</td></tr></table>", "/v1 12\n/v2 3\n"),
        ("<head><title>no</title><style>no</style></head><script>no</script>yes", "yes\n"),
        ('<div style="display:none">no <b>no</b><br></div>yes', "yes\n"),
        ("<!--[if mso | IE]><table><tr><td><![endif]-->yes<!--[if mso | IE]></td></tr></table><![endif]-->", "yes\n"),
        ("<!--[if !mso]><!-->yes<!--<![endif]-->", "yes\n"),
        ("  lots \n of\t space  &amp; &lt;signs&gt; &eacute; ", "lots of space & <signs> é\n"),
        ("<div><div><p>deep</p></div></div><div>er</div>", "deep\n\ner\n"),
        ("<p>unclosed <b>tags", "unclosed tags\n"),
        ("</p></div>stray", "stray\n"),
        ("", "\n"),
    ],
)
def test_html_reads_as_text(html, text):
    """What a person would type to say the same in plain text."""
    assert html_to_text(html) == text


def test_a_link_that_shows_its_own_address_is_written_once():
    """Tokens that stand for the same Liquid count as the same address."""
    assert html_to_text('<a href="t1">t2</a>', lambda _: "{{ url }}") == "t2\n"
