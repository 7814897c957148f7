"""What the workspace says about itself, as the stages need it."""

from __future__ import annotations

import msgspec


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """Name and time zone (IANA), the From line of mail, the address under which the page is reached, the signing key."""

    name: str
    time_zone: str
    sender: str
    public_url: str
    secret: str
