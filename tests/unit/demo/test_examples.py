"""The example API and the habits of its customers."""

import random
from itertools import islice

import httpx
import pytest

from antiphon_sdk import Client

FORM = {
    "first_name": "Ada",
    "last_name": "Berg",
    "email": "ada@cedar.example.com",
    "company": "Cedar Books",
    "role": "Engineering",
    "team_size": 3,
    "industry": "retail",
}
SHIPMENT = {
    "to": {"street": "1 Quay Road", "city": "Bristol", "postal_code": "BS1 4ST", "country": "GB"},
    "weight_kg": 1.2,
}


pytestmark = pytest.mark.usefixtures("examples")


@pytest.fixture
async def api(examples):
    """The example API, called in this process."""
    from demo_api.app import create_app  # noqa: PLC0415 - the fixture makes it importable

    client = Client("awk_test", "http://127.0.0.1:9", disabled=True)
    transport = httpx.ASGITransport(create_app(client))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http
    client.shutdown()


async def sign_up(api, **more):
    account = (await api.post("/v1/accounts", json={**FORM, **more})).json()
    return {"x-api-key": account["api_key"]}, account


async def test_an_order_from_address_to_label(api):
    """Sign-up, geocode, rates, shipment, label."""
    headers, _ = await sign_up(api)
    assert (await api.get("/v1/geocode", params={"address": "1 Quay Road"}, headers=headers)).status_code == 200
    offers = (await api.get("/v1/rates", params={"weight_kg": 2, "country": "GB"}, headers=headers)).json()
    assert offers == sorted(offers, key=lambda offer: offer["price_eur"])
    shipment = await api.post("/v1/shipments", json=SHIPMENT, headers=headers)
    assert shipment.status_code == 201
    path = f"/v1/shipments/{shipment.json()['id']}"
    assert (await api.post(path + "/label", headers=headers)).status_code == 201
    assert (await api.get(path, headers=headers)).json()["status"] == "labelled"


async def test_refusals(api):
    """400 names the missing field; 401, 404 and 429 are what they should be."""
    headers, _ = await sign_up(api, daily_quota=2)
    broken = {**SHIPMENT, "to": {**SHIPMENT["to"], "postal_code": ""}}
    answer = await api.post("/v1/shipments", json=broken, headers=headers)
    assert (answer.status_code, answer.json()["fields"]) == (400, ["to.postal_code"])
    assert (await api.get("/v1/shipments/shp_unknown", headers=headers)).status_code == 404
    assert (await api.get("/v1/shipments/shp_unknown", headers=headers)).status_code == 429
    assert (await api.get("/v1/shipments/shp_unknown")).status_code == 401


async def test_the_same_person_has_the_same_account(api):
    """Regular customers stay themselves over restarts."""
    assert (await sign_up(api))[1]["id"] == (await sign_up(api))[1]["id"]


def test_the_stuck_customer_fails_five_times_in_time():
    """Whatever the dice say, the fifth 400 comes within 20 seconds."""
    from demo_customers import habits  # noqa: PLC0415

    for seed in range(200):
        waited, failed = 0.0, 0
        for wait, call in islice(habits.stuck(random.Random(seed)), 9):
            waited += wait
            failed += call.json is not None and "postal_code" not in call.json["to"]
            if failed == 5:
                break
        assert failed == 5
        assert waited <= 20


def test_the_other_habits_tell_their_story_within_a_minute():
    """The quota is nearly reached, the key account is silent for good, and nobody waits for nothing."""
    from demo_customers import habits  # noqa: PLC0415

    for seed in range(200):
        chance = random.Random(seed)
        assert sum(wait for wait, _ in islice(habits.nears_quota(chance, 60), 48)) <= 45
        assert sum(wait for wait, _ in habits.falls_silent(chance)) <= 25
        assert all(wait >= 0 for wait, _ in islice(habits.steady(chance), 50))


def test_people_are_of_nobodys_domain():
    """Every address lies under example.com, in plain letters."""
    from demo_customers.people import person  # noqa: PLC0415

    chance = random.Random(1)
    people = [person(chance) for _ in range(500)]
    assert all(one.email.isascii() and one.email.endswith(".example.com") for one in people)
    assert len({one.email for one in people}) > 490
