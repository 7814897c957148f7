"""What Waybill sells: places, rates and shipments, all made up, and the same for the same question."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, Field

CARRIERS = ("Swift Parcel", "Harbour Post", "Blue Van")


class Address(BaseModel):
    """Where something goes; a postal code is a must."""

    street: str = Field(min_length=1, max_length=200)
    city: str = Field(min_length=1, max_length=100)
    postal_code: str = Field(min_length=2, max_length=12)
    country: str = Field(pattern="^[A-Z]{2}$")


class NewShipment(BaseModel):
    """What to send."""

    to: Address
    weight_kg: float = Field(gt=0, le=70)


class Shipment(BaseModel):
    """A shipment under way."""

    id: str
    to: Address
    weight_kg: float
    carrier: str
    status: str = "created"


class Place(BaseModel):
    """A found address."""

    query: str
    latitude: float
    longitude: float
    confidence: float


class Rate(BaseModel):
    """What a carrier asks."""

    carrier: str
    price_eur: float
    days: int


def _draw(*of: object) -> list[int]:
    """Bytes that depend on the question only."""
    return list(hashlib.blake2s(repr(of).encode()).digest())


def locate(query: str) -> Place:
    """Where an address is, more or less."""
    draw = _draw("place", query.lower())
    return Place(
        query=query,
        latitude=round(35 + draw[0] / 255 * 25 + draw[1] / 25_500, 5),
        longitude=round(-9 + draw[2] / 255 * 34 + draw[3] / 25_500, 5),
        confidence=round(0.6 + draw[4] / 640, 2),
    )


def rates(weight_kg: float, country: str) -> list[Rate]:
    """All carriers' offers, the cheapest first."""
    offers = []
    for carrier in CARRIERS:
        draw = _draw("rate", carrier, country)
        price = round(3.2 + draw[0] / 80 + weight_kg * (0.6 + draw[1] / 400), 2)
        offers.append(Rate(carrier=carrier, price_eur=price, days=1 + draw[2] % 5))
    return sorted(offers, key=lambda rate: rate.price_eur)


class Shipments:
    """The latest shipments; old ones are forgotten, so that a long demo stays small."""

    def __init__(self, most: int = 5_000) -> None:
        """Remember at most `most`."""
        self._most = most
        self._kept: dict[str, Shipment] = {}
        self._count = 0

    def create(self, new: NewShipment) -> Shipment:
        """A shipment with the cheapest carrier."""
        self._count += 1
        shipment = Shipment(
            id=f"shp_{self._count:06d}",
            to=new.to,
            weight_kg=new.weight_kg,
            carrier=rates(new.weight_kg, new.to.country)[0].carrier,
        )
        self._kept[shipment.id] = shipment
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return shipment

    def get(self, shipment_id: str) -> Shipment | None:
        """The shipment, if it is known."""
        return self._kept.get(shipment_id)
