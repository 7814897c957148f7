"""Waybill's accounts: who may call, and how much."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Literal

from pydantic import BaseModel, Field

Plan = Literal["trial", "starter", "growth", "scale"]


class SignUp(BaseModel):
    """What a person says when signing up."""

    first_name: str = Field(min_length=1, max_length=100)
    last_name: str = Field(min_length=1, max_length=100)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    company: str = Field(min_length=1, max_length=100)
    role: str
    team_size: int = Field(ge=1)
    industry: str
    plan: Plan = "trial"
    tier: Literal["standard", "key account"] = "standard"
    daily_quota: int = Field(default=100_000, ge=1)


class Account(BaseModel):
    """An account and the key that it calls with."""

    id: str
    company_id: str
    api_key: str
    who: SignUp


class Accounts:
    """In memory: the same person gets the same account again after a restart."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._by_key: dict[str, Account] = {}
        self._used: Counter[str] = Counter()

    def open(self, who: SignUp) -> Account:
        """An account for this person."""
        account_id = "cus_" + _digest(who.email.lower())
        account = Account(
            id=account_id,
            company_id="org_" + _digest(who.company.lower()),
            api_key="wb_" + _digest("key of " + account_id, 24),
            who=who,
        )
        self._by_key[account.api_key] = account
        return account

    def of(self, api_key: str | None) -> Account | None:
        """Whose key this is."""
        return self._by_key.get(api_key or "")

    def spend(self, account: Account) -> bool:
        """Count a call; False when the quota is used up."""
        self._used[account.id] += 1
        return self._used[account.id] <= account.who.daily_quota


def _digest(text: str, length: int = 10) -> str:
    return hashlib.blake2s(text.encode()).hexdigest()[:length]
