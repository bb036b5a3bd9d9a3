"""Reference tables over a real channel: the starter set, and a territory's own rows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from multiflux.metering.v1 import reference_table_pb2 as tables
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.flux_pb2 import FLUX_ELECTRICITY, FLUX_GAS
from vocabulary.role import Role
from wire.instants import instant_to_proto


async def rows_of(town: Any, table: Any, **asked: Any) -> list[tables.ReferenceRow]:
    rows: list[tables.ReferenceRow] = []
    token = ""
    while True:
        request = pb.ListReferenceRowsRequest(table=table, page_token=token, page_size=100, **asked)
        page = await town.caller(Role.PUBLIC)("ListReferenceRows", request)
        rows += page.rows
        token = page.next_page_token
        if not token:
            return rows


async def import_rows(town: Any, table: Any, text: str, **fields: Any) -> list[pb.ImportRegistryResponse]:
    description = pb.ImportDescription(content=pb.REGISTRY_CONTENT_REFERENCE_ROWS, format=pb.REGISTRY_FORMAT_CSV, table=table, **fields)
    return await town.administrator.import_file(description, text.encode())


@pytest.mark.parametrize("table", [1, 2, 3, 4, 5])
async def test_every_table_has_starter_rows_that_say_where_they_come_from(town: Any, table: Any) -> None:
    rows = await rows_of(town, table)
    assert rows
    assert all(row.starter and row.source for row in rows)
    assert len({row.SerializeToString() for row in rows}) == len(rows)


async def test_tax_on_standing_charges_rose_on_the_first_of_august_2025(town: Any) -> None:
    async def standing_vat(day: datetime) -> set[float]:
        rows = await rows_of(town, tables.REFERENCE_TABLE_TARIFF_PRICES, hold_time=instant_to_proto(day))
        prices = [row.tariff_price for row in rows if row.tariff_price.flux == FLUX_ELECTRICITY]
        return {price.vat_percent for price in prices if price.component == tables.PRICE_COMPONENT_STANDING}

    # Midnight in France is 22:00 UTC in summer.
    assert await standing_vat(datetime(2025, 7, 31, 21, 59, tzinfo=UTC)) == {5.5}
    assert await standing_vat(datetime(2025, 7, 31, 22, tzinfo=UTC)) == {20.0}


async def test_gas_factors_and_coefficients_state_their_basis(town: Any) -> None:
    factors = [row.emission_factor for row in await rows_of(town, tables.REFERENCE_TABLE_EMISSION_FACTORS)]
    assert {factor.basis for factor in factors if factor.flux == FLUX_GAS} == {tables.CALORIFIC_BASIS_GROSS, tables.CALORIFIC_BASIS_NET}
    coefficients = {
        row.gas_coefficient.network: row.gas_coefficient for row in await rows_of(town, tables.REFERENCE_TABLE_GAS_COEFFICIENTS)
    }
    assert coefficients["gas-b"].calorific_value_wh_per_cubic_metre == 10_000
    assert coefficients["gas-h"].calorific_value_wh_per_cubic_metre == 11_200


async def test_alsace_moselle_and_overseas_have_holidays_of_their_own(town: Any) -> None:
    day = instant_to_proto(datetime(2026, 4, 3, 10, tzinfo=UTC))
    rows = await rows_of(town, tables.REFERENCE_TABLE_PUBLIC_HOLIDAYS, hold_time=day)
    assert {"FR-57", "FR-67", "FR-68", "FR-971"} <= {row.public_holiday.subdivision for row in rows}
    assert "" not in {row.public_holiday.subdivision for row in rows}
    everywhere = await rows_of(
        town, tables.REFERENCE_TABLE_PUBLIC_HOLIDAYS, hold_time=instant_to_proto(datetime(2035, 7, 14, 10, tzinfo=UTC))
    )
    assert [row.public_holiday.display_name for row in everywhere] == ["Fête nationale"]


@pytest.mark.parametrize(
    ("day", "zones"),
    [((2026, 2, 10), {"A"}), ((2026, 2, 18), {"A", "B", "Corse"}), ((2026, 2, 25), {"B", "C", "Corse"}), ((2026, 3, 20), set[str]())],
)
async def test_winter_holidays_of_2026_by_zone(town: Any, day: tuple[int, int, int], zones: set[str]) -> None:
    hold_time = instant_to_proto(datetime(*day, 12, tzinfo=UTC))
    rows = await rows_of(town, tables.REFERENCE_TABLE_SCHOOL_HOLIDAYS, hold_time=hold_time)
    assert {row.school_holiday.zone for row in rows} == zones


COEFFICIENTS = tables.REFERENCE_TABLE_GAS_COEFFICIENTS
GAS = "network,wh_per_cubic_metre,basis,valid_from,valid_until,source\n"


async def test_a_territorys_own_row_goes_before_the_starter_row_for_its_days(town: Any) -> None:
    done = (await import_rows(town, COEFFICIENTS, GAS + "gas-h,11350,gross,2025-03-01,2025-04-01,GRDF March 2025\n"))[-1]
    assert (done.created_count, done.refused_count, done.done) == (1, 0, True)
    rows = [row for row in await rows_of(town, COEFFICIENTS) if row.gas_coefficient.network == "gas-h"]
    assert [(row.gas_coefficient.calorific_value_wh_per_cubic_metre, row.starter) for row in rows] == [
        (11200, True),
        (11350, False),
        (11200, True),
    ]
    march, april = (datetime(2025, *day, tzinfo=UTC) for day in ((2, 28, 23), (3, 31, 22)))
    assert [row.validity for row in rows] == [town.during(None, march), town.during(march, april), town.during(april, None)]
    await town.found("allier")
    others = await town.caller(Role.PUBLIC, territory="allier")("ListReferenceRows", pb.ListReferenceRowsRequest(table=COEFFICIENTS))
    assert all(row.starter for row in others.rows)


async def test_rows_are_replaced_by_key_and_first_day_and_the_same_file_changes_nothing(town: Any) -> None:
    assert (await import_rows(town, COEFFICIENTS, GAS + "gas-h,11350,gross,2025-03-01,2025-04-01,GRDF\n"))[-1].created_count == 1
    assert (await import_rows(town, COEFFICIENTS, GAS + "gas-h,11350,gross,2025-03-01,2025-04-01,GRDF\n"))[-1].unchanged_count == 1
    assert (await import_rows(town, COEFFICIENTS, GAS + "gas-h,11400,gross,2025-03-01,2025-04-01,GRDF corrected\n"))[-1].updated_count == 1
    export = pb.ExportRegistryRequest(content=pb.REGISTRY_CONTENT_REFERENCE_ROWS, format=pb.REGISTRY_FORMAT_CSV, table=COEFFICIENTS)
    assert (await town.administrator.export_file(export)).decode() == GAS + "gas-h,11400.0,gross,2025-03-01,2025-04-01,GRDF corrected\n"


@pytest.mark.parametrize("validate_only", [False, True])
async def test_wrong_rows_are_refused_with_line_column_and_reason(town: Any, validate_only: bool) -> None:  # noqa: FBT001 - a parameter of the test
    file = GAS + (
        "gas-h,11350,gross,2025-03-01,2025-04-01,GRDF\n"
        "gas-h,11350,gross,2025-03-15,,GRDF\n"
        "gas-h,11350,gross,2025-03-01,2025-04-01,GRDF\n"
        "gas-h,7000,gross,,,GRDF\n"
        "gas-h,11350,pcs,,,GRDF\n"
        "gas-h,11350,gross,tomorrow,,GRDF\n"
        "gas-h,11350,gross,2030-01-01,2029-01-01,GRDF\n"
        "gas-h,11350,gross,2031-01-01,,\n"
    )
    responses = await import_rows(town, COEFFICIENTS, file, validate_only=validate_only)
    assert [(row.line, row.column, row.reason) for response in responses for row in response.refused_rows] == [
        (3, "valid_from", "OVERLAPPING_VALIDITIES"),
        (4, "valid_from", "REPEATED_ROW"),
        (5, "wh_per_cubic_metre", "OUT_OF_RANGE"),
        (6, "basis", "INVALID_VALUE"),
        (7, "valid_from", "INVALID_VALUE"),
        (8, "valid_from", "OUT_OF_RANGE"),
        (9, "source", "MISSING_VALUE"),
    ]
    assert (responses[-1].created_count, responses[-1].refused_count) == (1, 7)
    assert sum(not row.starter for row in await rows_of(town, COEFFICIENTS)) == (0 if validate_only else 1)
