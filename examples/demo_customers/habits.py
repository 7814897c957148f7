"""How customers behave: each habit is a generator of (seconds to wait, call to make)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

CITIES = (("Bristol", "BS1 4ST", "GB"), ("Lyon", "69002", "FR"), ("Porto", "4050-253", "PT"), ("Graz", "8010", "AT"))
STREETS = ("Quay Road", "Mill Lane", "Station Street", "Market Square", "Garden Way")

LATEST = "{latest}"
"""In a path: the caller's latest shipment."""
TYPING_ERRORS = 0.04


class Call(NamedTuple):
    """A request to Waybill."""

    method: str
    path: str
    params: dict[str, Any] | None = None
    json: dict[str, Any] | None = None


Habit = Iterator[tuple[float, Call]]


def shipment(chance: random.Random, *, broken: bool = False) -> Call:
    """A new shipment; a broken integration forgets the postal code."""
    city, code, country = chance.choice(CITIES)
    to = {"street": f"{chance.randint(1, 90)} {chance.choice(STREETS)}", "city": city, "country": country}
    if not broken:
        to["postal_code"] = code
    return Call("POST", "/v1/shipments", json={"to": to, "weight_kg": round(chance.uniform(0.2, 20), 1)})


def geocode(chance: random.Random) -> Call:
    """Where an address is."""
    city, code, _ = chance.choice(CITIES)
    street = f"{chance.randint(1, 90)} {chance.choice(STREETS)}"
    return Call("GET", "/v1/geocode", params={"address": f"{street}, {code} {city}"})


def rates(chance: random.Random) -> Call:
    """What a parcel costs."""
    country = chance.choice(CITIES)[2]
    return Call("GET", "/v1/rates", params={"weight_kg": round(chance.uniform(0.2, 20), 1), "country": country})


def look(chance: random.Random) -> Call:
    """The state of the caller's latest shipment; now and then of one that never was."""
    return Call("GET", "/v1/shipments/shp_unknown" if chance.random() < TYPING_ERRORS else f"/v1/shipments/{LATEST}")


def label(_chance: random.Random) -> Call:
    """Print the label of the caller's latest shipment."""
    return Call("POST", f"/v1/shipments/{LATEST}/label")


USES: tuple[tuple[Callable[[random.Random], Call], ...], ...] = (
    (shipment, label, look),
    (geocode,),
    (geocode, rates, rates),
    (rates, shipment, label, look, look),
)
"""What kinds of customers use Waybill for."""


def steady(chance: random.Random, every: float = 10.0) -> Habit:
    """Calls of one kind of use, every so many seconds on average."""
    uses = chance.choice(USES)
    while True:
        yield chance.expovariate(1 / every), chance.choice(uses)(chance)


def newcomer(chance: random.Random, first_after: float | None = None) -> Habit:
    """Reads the docs for a while, tries one thing, then more, slowly."""
    yield chance.uniform(4, 25) if first_after is None else first_after, geocode(chance)
    while True:
        yield chance.uniform(5, 40), chance.choice((geocode, rates, shipment))(chance)


def stuck(chance: random.Random) -> Habit:
    """Geocoding works, shipments never do: eight tries, then a long pause, and another."""
    yield chance.uniform(0.5, 1.5), geocode(chance)
    for _ in range(8):
        yield chance.uniform(1.0, 2.5), shipment(chance, broken=True)
    while True:
        yield chance.uniform(40, 90), shipment(chance, broken=True)


def falls_silent(chance: random.Random, after: int = 15) -> Habit:
    """Busy, and then not a call more."""
    for _ in range(after):
        yield chance.uniform(0.5, 1.5), chance.choice((shipment, rates))(chance)


def nears_quota(chance: random.Random, quota: int) -> Habit:
    """Fast growth up to nine tenths of the quota, then careful."""
    for _ in range(int(quota * 0.9)):
        yield chance.uniform(0.4, 1.0), chance.choice((geocode, rates))(chance)
    while True:
        yield chance.uniform(30, 60), geocode(chance)
