"""Methods about reference tables."""

from metering.domain.registry.reference_rows import ReferenceRow, effective
from metering.registry_servicer.desk import Context, Desk, Methods
from metering.wire.reference_rows import reference_row_to_proto, reference_table_from_proto
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.pages import page
from vocabulary.civil import time_zone
from wire.instants import optional_instant

_DEFAULT_PAGE = 50


class TableMethods(Methods):
    """The dated tables."""

    async def ListReferenceRows(self, request: pb.ListReferenceRowsRequest, context: Context) -> pb.ListReferenceRowsResponse:  # noqa: N802
        """List the rows that hold in the caller's territory, its own before those of the starter set."""
        del context
        table = reference_table_from_proto(request.table, "table")
        asked = page(request, default_size=_DEFAULT_PAGE)
        hold_time = optional_instant(request, "hold_time")

        def find(desk: Desk) -> pb.ListReferenceRowsResponse:
            zone = time_zone(desk.facts().value.time_zone)
            rows = effective(desk.records.rows.rows(table, desk.territory))
            if hold_time is not None:
                rows = [row for row in rows if row.holds(hold_time.astimezone(zone).date())]
            following = [row for row in rows if _sort_key(row) > asked.after][: asked.size + 1]
            shown, next_page = asked.cut(following, _sort_key)
            return pb.ListReferenceRowsResponse(rows=[reference_row_to_proto(row, zone) for row in shown], next_page_token=next_page)

        return await self._read(find)


def _sort_key(row: ReferenceRow) -> tuple[str, ...]:
    return (*row.key, row.first.isoformat() if row.first else "")
