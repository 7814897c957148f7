"""Who the customers are. All of them live under example.com, where no mail can reach anybody."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

FIRST = (
    "Ada Amara Anton Bea Carlos Chloe Dario Elif Emil Farah Felix Grace Hana Hugo Ines Ivan Jana Jonas Kavya "
    "Kenji Lea Liam Mara Mateo Mia Nadia Nils Noor Olga Omar Paula Priya Ravi Rosa Sami Sofia Tariq Tess Uma "
    "Viktor Wen Yara Zoe"
)
LAST = (
    "Alvarez Bauer Berg Bianchi Brandt Costa Dahl Diaz Dubois Ekström Fischer Fontaine Garcia Haddad Hansen "
    "Ito Jansen Kaya Keller Khan Kim Kowalski Larsen Lopez Marin Meyer Moreau Nakamura Novak Okafor Patel "
    "Petrov Quinn Rossi Sato Schmidt Silva Tanaka Urban Vega Weber Yilmaz Zhang"
)
COMPANY = (
    "Alder Amber Anchor Birch Bright Cedar Clear Cobalt Copper Coral Delta Ember Fern Field Granite Harbour "
    "Hazel Indigo Juniper Kestrel Lantern Maple Meadow Mistral North Orchard Pebble Pine Quartz River Saffron "
    "Slate Summit Tidal Umber Vale Willow"
)
TRADE = "Books Coffee Crafts Cycles Foods Goods Home Kitchen Labs Lights Market Outdoor Paper Parts Retail Sports"
ROLES = (
    "Engineering",
    "Engineering",
    "Engineering",
    "Product",
    "Executive",
    "Support",
    "Customer Success",
    "Marketing",
)
INDUSTRIES = ("retail", "food", "marketplace", "manufacturing", "logistics")


@dataclass(frozen=True)
class Person:
    """A customer, as the sign-up form sees them."""

    first_name: str
    last_name: str
    company: str
    role: str
    team_size: int
    industry: str

    @property
    def email(self) -> str:
        """An address at the company's own domain."""
        name = f"{self.first_name}.{self.last_name}".lower().replace("ö", "o")
        return f"{name}@{self.company.lower().replace(' ', '-')}.example.com"

    def form(self, **more: Any) -> dict[str, Any]:
        """What is sent at sign-up."""
        return {**self.__dict__, "email": self.email, **more}


def person(chance: random.Random) -> Person:
    """Somebody."""
    return Person(
        first_name=chance.choice(FIRST.split()),
        last_name=chance.choice(LAST.split()),
        company=f"{chance.choice(COMPANY.split())} {chance.choice(TRADE.split())}",
        role=chance.choice(ROLES),
        team_size=round(chance.lognormvariate(2.2, 1.1)) + 1,
        industry=chance.choice(INDUSTRIES),
    )
