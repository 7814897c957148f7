"""Python client and middlewares for Antiphon.

    from antiphon_sdk import Client

    client = Client("awk_...", "https://antiphon.example.com")
    client.identify("user_123", {"name": "Ada", "email": "ada@example.com"})
    client.track("report_generated", {"pages": 3}, user_id="user_123")

The middlewares live in `antiphon_sdk.asgi`, `antiphon_sdk.wsgi` and `antiphon_sdk.django`.
"""

from antiphon_sdk._version import __version__
from antiphon_sdk.caller import Caller, header
from antiphon_sdk.client import Client
from antiphon_sdk.failure import Failure, Reason
from antiphon_sdk.messages import Messages, SendResult

__all__ = ["Caller", "Client", "Failure", "Messages", "Reason", "SendResult", "__version__", "header"]
