"""Renders and assembled emails a second: one sandboxed process, one template with Liquid and MJML, 200 recipients.

Run: uv run python bench/render.py [runs]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from antiphon.channels.email.mime import build_email
from antiphon.templates.content import Rendered, RenderRequest, TemplateContent
from antiphon.templates.renderer import Renderer

MAILS = 2000
BODY = """<mjml>
  <mj-head><mj-title>{{ event.route }} keeps failing</mj-title>
    <mj-attributes><mj-text font-size="15px" line-height="1.6" /></mj-attributes></mj-head>
  <mj-body background-color="#f4f4f7">
    <mj-section background-color="#ffffff"><mj-column>
      <mj-image src="https://cdn.example.test/logo.png" alt="Acme" width="120px" />
      <mj-text>Hi {{ user.first_name | default: "there" }},</mj-text>
      <mj-text>In the last 24 hours <b>{{ errors.size }}</b> of your calls to
        <code>{{ event.route }}</code> came back with {{ event.status }}.
        {% if errors.size < 10 %}That is easily mended.{% else %}That is a lot.{% endif %}</mj-text>
      <mj-table>
        <tr><th>When</th><th>Route</th><th>Status</th></tr>
        {% for error in errors %}
        <tr><td>{{ error.at | date: "%H:%M" }}</td><td>{{ error.route }}</td><td>{{ error.status }}</td></tr>
        {% endfor %}
      </mj-table>
      <mj-button href="https://app.example.test/{{ company.id }}/errors?route={{ event.route | url_encode }}">
        See what happened</mj-button>
      {% if company.plan == "free" %}<mj-text>Need more? <a href="https://example.test/plans">Plans</a></mj-text>{% endif %}
      <mj-text>Best,<br/>{{ workspace.name }}</mj-text>
    </mj-column></mj-section>
    <mj-section><mj-column>
      <mj-text font-size="12px" align="center"><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>"""
CONTENT = TemplateContent(
    subject="{{ errors.size }} errors on {{ event.route }}",
    preview_text="{{ event.status }} since yesterday",
    body=BODY,
)


def request(number: int) -> RenderRequest:
    errors = [{"at": 1_700_000_000_000 + n, "route": f"/v1/items/{n}", "status": 400} for n in range(5)]
    context = {
        "user": {"id": f"u{number}", "first_name": f"Ada {number}"},
        "company": {"id": f"c{number % 20}", "plan": "free"},
        "event": {"route": "/v1/items/{id}", "status": 400},
        "errors": errors,
        "workspace": {"name": "Acme"},
        "unsubscribe_url": f"https://example.test/unsubscribe/{number}",
    }
    return RenderRequest(content=CONTENT, context=context, now=1_700_000_000_000)


def assemble(number: int, rendered: Rendered) -> int:
    email = build_email(
        idempotency_key=f"k{number}",
        sender="Acme <hello@example.test>",
        recipient=f"user{number}@example.test",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        sent_at=1_700_000_000_000,
        unsubscribe_url=f"https://example.test/unsubscribe/{number}",
    )
    return len(email.raw)


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def main(runs: int) -> None:
    renderer = Renderer()
    await renderer.start()
    requests = [request(number % 200) for number in range(MAILS)]
    first = await renderer.render(requests[0])
    if not isinstance(first, Rendered):
        raise SystemExit(first)
    rates, child, client, mime = [], [], [], []
    for _ in range(runs):
        child_before, client_before, started = cpu_of(renderer.pid or 0), time.process_time(), time.perf_counter()
        results = await renderer.render_many(requests)
        rates.append(MAILS / (time.perf_counter() - started))
        client.append((time.process_time() - client_before) / MAILS * 1e6)
        child.append((cpu_of(renderer.pid or 0) - child_before) / MAILS * 1e6)
        before = time.process_time()
        for number, result in enumerate(results):
            assemble(number, result)  # type: ignore[arg-type]
        mime.append((time.process_time() - before) / MAILS * 1e6)
    started = time.perf_counter()
    for one in requests[:200]:
        await renderer.render(one)
    alone = (time.perf_counter() - started) / 200 * 1e3
    await renderer.close()
    middle = statistics.median
    print(f"email: {first.size_bytes / 1024:.1f} kB HTML, {len(first.text)} characters of text")
    print(f"first use, with compiling: {first.took_ms:.1f} ms; then one at a time: {alone:.2f} ms each")
    print(f"renders/s, one process: {middle(rates):,.0f} (median of {runs}; {min(rates):,.0f} to {max(rates):,.0f})")
    print(f"CPU a mail in us: sandbox {middle(child):.0f}, client {middle(client):.0f}, MIME {middle(mime):.0f}; "
          f"together {middle(child) + middle(client) + middle(mime):.0f}")  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
