"""Puts the scaled-out series store together: imported only where InfluxDB is set, for only there its client is installed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from metering.adapters.influx_store import moving
from metering.adapters.influx_store.server import InfluxAddress
from metering.adapters.influx_store.store import InfluxSeriesStore
from metering.domain.series.failures import ReadingsAway
from metering.settings import MeteringSettings
from runtime.settings import SettingsInvalid
from runtime.upkeep import Checked


def influx_store(settings: MeteringSettings) -> InfluxSeriesStore:
    """Open the local journal, and InfluxDB behind it."""
    return InfluxSeriesStore(settings.series_file, influx_address(settings))


def compared(settings: MeteringSettings) -> Checked:
    """Compare what InfluxDB holds with what was filed: readings, sums and digest of each series and month."""
    try:
        return _checked(moving.compare(settings.series_file, influx_address(settings)))
    except ReadingsAway as failure:
        return Checked(counts={}, faults=(failure.message,))


def moved(settings: MeteringSettings) -> Iterator[dict[str, object]]:
    """Move the readings to InfluxDB; yield how far it is, and in the end what was compared."""
    answers: SimpleQueue[moving.Progress | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as executor:
        done = executor.submit(moving.move, settings.series_file, influx_address(settings), answers.put)
        done.add_done_callback(lambda _: answers.put(None))
        while progress := answers.get():
            yield {"chunks": progress.chunks, "of_chunks": progress.of_chunks, "readings": progress.readings}
        checked = _checked(done.result())
    yield {"file": settings.series_file.name, **checked.counts, "faults": list(checked.faults)}


def _checked(found: moving.Comparison) -> Checked:
    counts = {
        "filed_readings": found.ledger_readings,
        "influx_readings": found.influx_readings,
        "series_months": found.months,
        "waiting_readings": found.waiting_readings,
        "due_erasures": found.due_erasures,
    }
    return Checked(counts=counts, faults=found.faults)


def influx_address(settings: MeteringSettings) -> InfluxAddress:
    """Return where InfluxDB is; SettingsInvalid without a token."""
    if not settings.influx_url or settings.influx_token_file is None:
        raise SettingsInvalid("MULTIFLUX_METERING_INFLUX_URL and MULTIFLUX_METERING_INFLUX_TOKEN_FILE name InfluxDB together: set both")
    return InfluxAddress(
        url=settings.influx_url,
        token=settings.influx_token_file.read_text(encoding="utf-8").strip(),
        organisation=settings.influx_organisation,
        prefix=settings.influx_bucket_prefix,
        retention_days=settings.influx_retention_days,
        timeout_s=settings.influx_timeout_s,
        authority=settings.tls_authority,
    )
