"""Gateways that speak MQTT: orders are retained messages, so that a gateway finds its latest one whenever it has power."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiomqtt

from lighting.domain.failures import Unfit
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CabinetId
from lighting.domain.orders import Order
from lighting.domain.ports import Heard, LinkAway
from lighting.domain.reports import Answer, Report
from lighting.wire.field import Unreadable, answer_from_bytes, order_message, report_from_bytes
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_ROOT = "multiflux"
_QOS = 1
_SEND_S = 10.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_IN_FLIGHT = 200


_READERS: Mapping[str, Callable[[bytes, TerritoryId, CabinetId, Gateway, datetime], Answer | Report]] = {
    "acknowledgement": answer_from_bytes,
    "report": report_from_bytes,
}
"""By the last part of the topic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the broker listens, and how to be let in."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    authority: Path | None = None
    """The authority that signed the broker's certificate; None: no TLS."""


@dataclass(slots=True)
class MqttLink:
    """A link over one broker."""

    broker: Broker
    now: Callable[[], datetime]
    _client: aiomqtt.Client | None = field(default=None, init=False)

    async def run(self, heard: Heard) -> None:
        """Stay connected until cancelled; the session lasts, so that the broker keeps answers while this service is away."""
        wait = _FIRST_WAIT_S
        while True:
            try:
                async with self._connection() as client:
                    for kind in _READERS:
                        await client.subscribe(f"{_ROOT}/+/+/+/{kind}", qos=_QOS)
                    self._client, wait = client, _FIRST_WAIT_S
                    _log.info("connected to the broker", extra={"host": self.broker.host, "port": self.broker.port})
                    async for message in client.messages:
                        said = self._read(message)
                        if said is not None:
                            await heard(said)
            except aiomqtt.MqttError as error:
                _log.warning("the broker is away", extra={"host": self.broker.host, "reason": str(error), "again_in_s": wait})
            finally:
                self._client = None
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    async def send(self, territory: TerritoryId, gateway: Gateway, version: int, order: Order) -> None:
        """Publish an order; LinkAway."""
        client = self._client
        if client is None:
            raise LinkAway("the broker is away")
        topic = f"{_ROOT}/{territory}/{gateway.address}/{order.cabinet}/order"
        try:
            await client.publish(topic, order_message(order, version), qos=_QOS, retain=True, timeout=_SEND_S)
        except aiomqtt.MqttError as error:
            raise LinkAway(str(error)) from error

    def _connection(self) -> aiomqtt.Client:
        tls = aiomqtt.TLSParameters(ca_certs=str(self.broker.authority)) if self.broker.authority else None
        client = aiomqtt.Client(
            self.broker.host,
            self.broker.port,
            identifier="multiflux-lighting",
            username=self.broker.username or None,
            password=self.broker.password or None,
            clean_session=False,
            tls_params=tls,
            max_inflight_messages=_IN_FLIGHT,
            max_queued_outgoing_messages=0,
        )
        # Fewer on their way are as they should be, and no reason for its warnings.
        client.pending_calls_threshold = _IN_FLIGHT
        return client

    def _read(self, message: aiomqtt.Message) -> Answer | Report | None:
        _, territory, address, cabinet, kind = str(message.topic).split("/")
        try:
            gateway = Gateway(protocol=GatewayProtocol.MQTT, address=address)
            return _READERS[kind](message.payload, TerritoryId(territory), CabinetId(cabinet), gateway, self.now())
        except (Unreadable, Unfit) as error:
            _log.warning("a gateway's message cannot be read", extra={"topic": str(message.topic), "reason": str(error)})
            return None
