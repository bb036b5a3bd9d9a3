"""InfluxDB 2 through influxdb-client: provisioning, lines in, rows out, erasure. Every failure is `ReadingsAway`."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# influxdb-client is typed in part.

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dialect import Dialect
from influxdb_client.domain.onboarding_request import OnboardingRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.setup_service import SetupService
from urllib3.exceptions import HTTPError

from metering.domain.series.failures import ReadingsAway
from vocabulary.names import TerritoryId

_DAY_S = 86_400
_REST_S = 2.0
_BEYOND_RETENTION = "retention policy"
_FIRST_USER = "multiflux"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class InfluxAddress:
    """Where InfluxDB is and what is ours there.

    Each territory has the bucket `<prefix><territory>`, whose readings are kept for `retention_days`, 0 for ever.
    A call may take `timeout_s`.
    """

    url: str
    token: str
    organisation: str = "multiflux"
    prefix: str = "multiflux-"
    retention_days: int = 0
    timeout_s: float = 30.0
    authority: Path | None = None
    """The authority that signed its certificate; None: one of the system's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table of an answer: names of columns, and rows of texts."""

    header: list[str]
    rows: list[list[str]]


class InfluxServer:
    """One server, used by several threads. After a failure it is left alone for a moment: everybody is told at once that it is away."""

    def __init__(self, address: InfluxAddress) -> None:
        """Connect with the first call."""
        self.address = address
        client = InfluxDBClient(
            url=address.url,
            token=address.token,
            org=address.organisation,
            timeout=int(address.timeout_s * 1000),
            connection_pool_maxsize=8,
            ssl_ca_cert=None if address.authority is None else str(address.authority),
        )
        self._client = client
        self._writes = client.write_api(write_options=SYNCHRONOUS)
        self._queries = client.query_api()
        self._deletes = client.delete_api()
        self._lock = threading.Lock()
        self._provisioned: set[TerritoryId] = set()
        self._organisation: str | None = None
        self._away_until = 0.0
        self._why = ""

    def bucket(self, territory: TerritoryId) -> str:
        """Return the name of a territory's bucket."""
        return f"{self.address.prefix}{territory}"

    def provision(self, territory: TerritoryId) -> None:
        """Make sure that the organisation and the territory's bucket exist, and that the bucket has the retention that was set."""
        with self._lock:
            if territory not in self._provisioned:
                self._asked(lambda: self._make_bucket(self.bucket(territory)))
                self._provisioned.add(territory)

    def write(self, territory: TerritoryId, lines: bytes) -> None:
        """Write lines with times in seconds; they are durable when this returns. What is older than the retention is not kept."""
        self.provision(territory)

        def work() -> None:
            try:
                self._writes.write(bucket=self.bucket(territory), record=lines, write_precision="s")  # pyright: ignore[reportArgumentType]
            except ApiException as error:
                if error.status != HTTPStatus.UNPROCESSABLE_ENTITY or _BEYOND_RETENTION not in str(error.body):
                    raise

        self._asked(work)

    def rows(self, flux: str) -> Iterator[Table]:
        """Run a query; return its tables."""
        # The client's reader makes an object of every row.
        body: bytes = self._asked(lambda: self._queries.query_raw(flux, dialect=_PLAIN).data)
        return _tables(body.decode())

    def erase(self, territory: TerritoryId, start: int, end: int, predicate: str) -> None:
        """Erase all readings with times in `[start, end)`, UTC seconds, and tags as the predicate says."""
        first, last = _stamp(start), _stamp(end - 1)
        self._asked(lambda: self._deletes.delete(first, last, predicate, bucket=self.bucket(territory)))

    def close(self) -> None:
        """Let go of connections."""
        self._writes.close()
        self._client.close()

    def _asked(self, work: Callable[[], T]) -> T:
        if time.monotonic() < self._away_until:
            raise self._away(self._why)
        try:
            return work()
        except (ApiException, HTTPError, OSError) as error:
            self._why = _reason(error)
            if not isinstance(error, ApiException):
                self._away_until = time.monotonic() + _REST_S
                self._provisioned.clear()
            raise self._away(self._why) from error

    def _away(self, why: str) -> ReadingsAway:
        return ReadingsAway(f"InfluxDB at {self.address.url} does not answer as it should: {why}", server=self.address.url, why=why)

    def _make_bucket(self, name: str) -> None:
        buckets = self._client.buckets_api()
        organisation = self._organisation or self._find_organisation()
        self._organisation = organisation
        rules = BucketRetentionRules(type="expire", every_seconds=self.address.retention_days * _DAY_S)
        found = _found(lambda: buckets.find_buckets(name=name, org_id=organisation).buckets)
        if not found:
            buckets.create_bucket(bucket_name=name, retention_rules=rules, org=organisation)
        elif (found[0].retention_rules[0].every_seconds if found[0].retention_rules else 0) != rules.every_seconds:
            found[0].retention_rules = [rules]
            buckets.update_bucket(found[0])

    def _find_organisation(self) -> str:
        name = self.address.organisation
        setup = SetupService(self._client.api_client)
        if setup.get_setup().allowed:
            # A server that nobody has set up yet: this token becomes its operator.
            asked = OnboardingRequest(username=_FIRST_USER, org=name, bucket=_FIRST_USER, token=self.address.token)
            # It insists on a first bucket, which nothing is written to.
            self._client.buckets_api().delete_bucket(setup.post_setup(asked).bucket)
        organisations = self._client.organizations_api()
        found = _found(lambda: organisations.find_organizations(org=name))
        return str((found[0] if found else organisations.create_organization(name=name)).id)


_PLAIN = Dialect(header=True, delimiter=",", annotations=[])


def _found(look: Callable[[], list[Any] | None]) -> list[Any]:
    """Return what a look by name finds: the server calls a name that it does not have an error."""
    try:
        return look() or []
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return []


def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reason(error: Exception) -> str:
    if not isinstance(error, ApiException):
        return type(error).__name__
    try:
        message = json.loads(str(error.body))["message"]
    except (ValueError, KeyError, TypeError):
        message = str(error.reason)
    return f"{error.status} {message}"


def _tables(body: str) -> Iterator[Table]:
    """Yield the tables of an answer: a blank line stands before each that has other columns."""
    for block in body.split("\r\n\r\n"):
        header, *rows = list(csv.reader(StringIO(block))) or [[]]
        if "error" in header:
            raise ReadingsAway(f"InfluxDB ended a query: {rows[0][header.index('error')] if rows else ''}")
        if rows:
            yield Table(header=header, rows=rows)
