"""Code that sends a first event, ready to be pasted."""

from __future__ import annotations

import msgspec

KEY = "YOUR_WRITE_KEY"

_CURL = """curl {url}/v1/track \\
  -u {key}: \\
  -H 'Content-Type: application/json' \\
  -d '{{"userId": "user_123", "event": "hello_world", "properties": {{"from": "curl"}}}}'"""

_PYTHON = """# pip install antiphon-sdk
from antiphon_sdk import Client

client = Client("{key}", "{url}")
client.identify("user_123", {{"email": "you@example.com", "name": "You"}})
client.track("hello_world", {{"from": "python"}}, user_id="user_123")
client.flush()"""

_NODE = """// npm install @segment/analytics-node
import {{ Analytics }} from '@segment/analytics-node'

const analytics = new Analytics({{ writeKey: '{key}', host: '{url}' }})
analytics.identify({{ userId: 'user_123', traits: {{ email: 'you@example.com', name: 'You' }} }})
analytics.track({{ userId: 'user_123', event: 'hello_world', properties: {{ from: 'node' }} }})
await analytics.closeAndFlush()"""


class Snippets(msgspec.Struct, kw_only=True):
    """Code that sends a first event; `YOUR_WRITE_KEY` stands for the key."""

    curl: str
    python: str
    node: str


def snippets(public_url: str) -> Snippets:
    """The snippets for this server."""
    values = {"url": public_url.rstrip("/"), "key": KEY}
    return Snippets(curl=_CURL.format(**values), python=_PYTHON.format(**values), node=_NODE.format(**values))
