"""Devices: where a visitor is signed in, and the end of one that is lost."""

from datetime import date, datetime, timedelta
from typing import Self

from pydantic import Field

from handlers.people.visitor import VISITOR, VisitorHandler
from handlers.web.endpoint import endpoint
from handlers.web.models import Out
from handlers.web.routing import Route
from passes.base.calendar import business_day
from passes.holding.shown_code import DAY_KEYS_GIVEN
from passes.people.visitors import Session


class DeviceOut(Out):
    """A device that is signed in."""

    id: str = Field(examples=["9b2f6c1d8e5a4f70a1c3d5e7f9b1d3c5"])
    device: str | None = Field(examples=["HUAWEI Mate 60"])
    """What it called itself when it signed in."""
    here: bool
    """Whether it is the device that asks."""
    begun_at: datetime
    renewed_at: datetime
    """When it was last heard of, to about half an hour."""
    ends_at: datetime

    @classmethod
    def of(cls, session: Session, asking: str) -> Self:
        """The view of a session, for the device whose session is `asking`."""
        return cls(
            id=session.id,
            device=session.device,
            here=session.id == asking,
            begun_at=session.begun_at,
            renewed_at=session.renewed_at,
            ends_at=session.ends_at,
        )


class DevicesOut(Out):
    """All devices of the visitor who calls, oldest first."""

    total: int
    items: list[DeviceOut]


class EndedDeviceOut(Out):
    """A device that is signed out, and what it may still show."""

    ended: str = Field(examples=["9b2f6c1d8e5a4f70a1c3d5e7f9b1d3c5"])
    keys_until: date = Field(examples=["2026-07-07"])
    """The last day on which it can make codes without a network, of passes that are not
    reissued."""
    passes: list[str] = Field(examples=[["70a69d540b54f65e"]])
    """The passes that it may have shown: `POST /passes/{id}/reissue` makes its codes worthless."""


class MyDevicesEndpoint(VisitorHandler):
    """`/api/v1/me/devices`"""

    @endpoint(scope=VISITOR, reply=DevicesOut)
    async def get(self) -> DevicesOut:
        """Where the visitor is signed in."""
        visitor = await self.visitor()
        sessions = await self.rooms.people.sessions.of_visitor(visitor.id)
        items = [DeviceOut.of(each, self.caller.session) for each in sessions]
        return DevicesOut(total=len(items), items=items)


class MyDeviceEndpoint(VisitorHandler):
    """`/api/v1/me/devices/{id}`"""

    @endpoint(scope=VISITOR, reply=EndedDeviceOut)
    async def delete(self, device_id: str) -> EndedDeviceOut:
        """Sign out on one device, at once. Its codes end when the passes are reissued, or when its
        keys do."""
        visitor, now = await self.visitor(), self.now()
        await self.rooms.people.signing_in.end_device(visitor, device_id, now)
        shown = await self.rooms.holding.showing.of_visitor(visitor, now)
        usable = await self.rooms.holding.wallet.usable(
            [each.held for each in shown], business_day(now)
        )
        return EndedDeviceOut(
            ended=device_id,
            keys_until=business_day(now) + timedelta(days=DAY_KEYS_GIVEN - 1),
            passes=[held.id for held in usable],
        )


routes = [
    Route("/api/v1/me/devices", MyDevicesEndpoint, "my-devices"),
    Route("/api/v1/me/devices/{device_id}", MyDeviceEndpoint, "my-device"),
]
