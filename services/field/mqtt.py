"""Simulated gateways that speak MQTT: each has a connection of its own, and none while its cabinet has no power."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiomqtt
from google.protobuf.timestamp_pb2 import Timestamp

from multiflux.lighting.v1 import field_pb2
from simulation.controllers import CabinetFault, Controller, Course, Hold, StoredOrder
from simulation.measuring import Measured, measured

_QOS = 1
_POLL_S = 0.5
_WAIT_S = 1.0


@dataclass(slots=True)
class MqttGateway:
    """One gateway: `prefix` is `multiflux/{territory}/{gateway}/{cabinet}`; `now` tells UTC seconds."""

    controller: Controller
    prefix: str
    host: str
    port: int
    now: Callable[[], float] = time.time
    report_every_s: float = 900.0
    answers: int = field(default=0, init=False)
    """How often it answered, repeated orders included."""

    async def run(self) -> None:
        """Speak until cancelled, whenever there is power, and connect again when the broker was away."""
        while True:
            if not self._speaks():
                await asyncio.sleep(_POLL_S)
                continue
            with suppress(aiomqtt.MqttError):
                await self._connected()
            await asyncio.sleep(_WAIT_S)

    def _speaks(self) -> bool:
        return self.controller.is_powered(self.now()) and CabinetFault.MUTE not in self.controller.cabinet_faults

    async def _connected(self) -> None:
        client = aiomqtt.Client(self.host, self.port, identifier=self.prefix.replace("/", "-"), max_queued_outgoing_messages=0)
        async with client:
            await client.subscribe(f"{self.prefix}/order", qos=_QOS)
            tasks = [asyncio.create_task(self._listen(client)), asyncio.create_task(self._report(client))]
            try:
                while self._speaks():
                    done, _ = await asyncio.wait(tasks, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            order = stored(field_pb2.Order.FromString(message.payload))
            unknown = [lamp for course in order.courses for lamp in course.lamps if lamp not in self.controller.lamps]
            if not unknown:
                # An order that is not newer was followed before: the answer was lost, and is given again.
                self.controller.take(order)
            answer = field_pb2.Acknowledgement(
                version=order.version,
                outcome=field_pb2.ORDER_OUTCOME_REFUSED if unknown else field_pb2.ORDER_OUTCOME_FOLLOWED,
                reason=f"no lamp {unknown[0]} hangs here" if unknown else "",
                time=_stamp(self.now()),
            )
            await client.publish(f"{self.prefix}/acknowledgement", answer.SerializeToString(), qos=_QOS)
            self.answers += 1

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            seen = measured(self.controller, self.now())
            if seen is not None:
                await client.publish(f"{self.prefix}/report", _report_of(seen).SerializeToString(), qos=_QOS)
            await asyncio.sleep(self.report_every_s)


def _report_of(seen: Measured) -> field_pb2.FieldReport:
    return field_pb2.FieldReport(
        time=_stamp(seen.at),
        supplied=seen.supplied,
        door_open=seen.door_open,
        tripped_circuits=seen.tripped_circuits,
        version=seen.version,
        lamps=[
            field_pb2.LampState(
                luminaire=f"luminaires/{lamp.lamp}",
                level_percent=lamp.level,
                power_w=lamp.power_w,
                burning_seconds=lamp.burning_s,
                switch_count=lamp.switch_count,
            )
            for lamp in seen.lamps
        ],
    )


def stored(message: field_pb2.Order) -> StoredOrder:
    """Return an order as controllers store it."""
    start = message.start_time.ToNanoseconds() / 1e9

    def names(luminaires: "list[str]") -> tuple[str, ...]:
        return tuple(one.removeprefix("luminaires/") for one in luminaires)

    return StoredOrder(
        version=message.version,
        start=start,
        end=message.end_time.ToNanoseconds() / 1e9,
        courses=tuple(
            Course(
                lamps=names(list(course.luminaires)),
                start=[start + after for after in course.start_seconds],
                start_level=list(course.start_level_percent),
                level=list(course.level_percent),
            )
            for course in message.courses
        ),
        holds=tuple(
            Hold(
                lamps=names(list(hold.luminaires)),
                start=hold.start_time.ToNanoseconds() / 1e9,
                end=hold.end_time.ToNanoseconds() / 1e9 if hold.HasField("end_time") else None,
                level=hold.level_percent,
            )
            for hold in message.holds
        ),
    )


def _stamp(at: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(round(at * 1e9))
    return stamp
