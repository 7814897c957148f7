"""The frame of a server-rendered page: one inline style sheet, light and dark, no request to anyone."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from litestar import MediaType, Response

from antiphon.web.headers import form_policy

STYLE = """
:root{color-scheme:light dark;--page:#f6f8f8;--card:#fff;--text:#131c21;--soft:#55636b;--line:#819098;
--accent:#065f69;--on-accent:#fff;--bad:#a61b1b;--bad-page:#fdecec}
@media (prefers-color-scheme:dark){:root{--page:#11171b;--card:#182026;--text:#dfe5e8;--soft:#a5b1b8;--line:#76848c;
--accent:#7ac2c9;--on-accent:#11171b;--bad:#ffb4b4;--bad-page:#3a1d1f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--page);color:var(--text);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:25rem;background:var(--card);border-radius:12px;padding:2rem;
box-shadow:0 1px 2px rgb(0 0 0/.08),0 8px 32px rgb(0 0 0/.08)}
.brand{margin:0 0 1.5rem;font-weight:700;letter-spacing:.02em;color:var(--accent)}
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.3}
p{margin:0 0 1rem;color:var(--soft);overflow-wrap:anywhere}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{width:100%;padding:.625rem .75rem;border:1px solid var(--line);border-radius:8px;font:inherit;
color:inherit;background:transparent}
button{width:100%;margin-top:1.5rem;padding:.6875rem 1rem;border:0;border-radius:8px;font:inherit;font-weight:600;
color:var(--on-accent);background:var(--accent);cursor:pointer}
input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{margin:1rem 0;padding:.75rem 1rem;border-radius:8px;color:var(--bad);background:var(--bad-page)}
code{font-size:.9em}
""".strip()

POLICY = form_policy("sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode())


def page(title: str, body: str, *, status: int = 200, brand: str = "Antiphon") -> Response[str]:
    """A whole document; `body` is HTML whose values were escaped by its maker, `title` and `brand` are text."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} · {escape(brand)}</title><style>{STYLE}</style></head>"
        f'<body><main><p class="brand">{escape(brand)}</p>{body}</main></body></html>'
    )
    headers = {"content-security-policy": POLICY, "cache-control": "no-store"}
    return Response(html, status_code=status, media_type=MediaType.HTML, headers=headers)
