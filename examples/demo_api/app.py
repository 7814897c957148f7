"""The API itself. What Antiphon needs is `AntiphonMiddleware`, and `identify` and `group` at sign-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from antiphon_sdk import Client, header
from antiphon_sdk.asgi import AntiphonMiddleware
from demo_api.accounts import Account, Accounts, SignUp
from demo_api.shipping import NewShipment, Place, Rate, Shipment, Shipments, locate, rates


def create_app(client: Client | None = None) -> FastAPI:  # noqa: C901 - an application is its routes
    """The application, telling Antiphon through `client` (by default as the environment says)."""
    antiphon = client or Client()
    accounts = Accounts()
    shipments = Shipments()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        antiphon.shutdown()

    app = FastAPI(title="Waybill", version="1.0.0", lifespan=lifespan)

    def caller(scope: dict[str, Any]) -> tuple[str, str] | None:
        account = accounts.of(header(scope, "x-api-key"))
        return (account.id, account.company_id) if account else None

    app.add_middleware(AntiphonMiddleware, client=antiphon, user=caller, exclude=["/v1/accounts", "/health"])

    def authenticate(request: Request) -> Account:
        """The account behind the key, with a call left today."""
        account = accounts.of(request.headers.get("x-api-key"))
        if account is None:
            raise HTTPException(401, "no such API key")
        if not accounts.spend(account):
            raise HTTPException(429, "the daily quota is used up", {"Retry-After": "3600"})
        return account

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        fields = [".".join(str(part) for part in one["loc"][1:]) for one in error.errors()]
        return JSONResponse({"code": "invalid_request", "fields": fields}, 400)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/accounts", status_code=201)
    async def sign_up(who: SignUp) -> Account:
        account = accounts.open(who)
        traits = who.model_dump() | {
            "name": f"{who.first_name} {who.last_name}",
            "signed_up": datetime.now(UTC),
        }
        antiphon.identify(account.id, traits)
        company = {"name": who.company, "industry": who.industry, "plan": who.plan, "plan_limit": who.daily_quota}
        antiphon.group(account.company_id, company, user_id=account.id)
        return account

    api = APIRouter(prefix="/v1", dependencies=[Depends(authenticate)])

    @api.get("/geocode")
    async def geocode(address: Annotated[str, Query(min_length=3, max_length=300)]) -> Place:
        return locate(address)

    @api.get("/rates")
    async def offers(
        weight_kg: Annotated[float, Query(gt=0, le=70)], country: Annotated[str, Query(pattern="^[A-Z]{2}$")]
    ) -> list[Rate]:
        return rates(weight_kg, country)

    @api.post("/shipments", status_code=201)
    async def ship(new: NewShipment) -> Shipment:
        return shipments.create(new)

    @api.get("/shipments/{shipment_id}")
    async def shipment(shipment_id: str) -> Shipment:
        found = shipments.get(shipment_id)
        if found is None:
            raise HTTPException(404, "no such shipment")
        return found

    @api.post("/shipments/{shipment_id}/label", status_code=201)
    async def label(shipment_id: str) -> dict[str, str]:
        found = await shipment(shipment_id)
        found.status = "labelled"
        return {"shipment_id": found.id, "format": "pdf", "carrier": found.carrier}

    app.include_router(api)
    return app
