"""The methods of the metering service about public sites."""

from typing import Any

import grpc

from metering.figures_methods import asker_of
from metering.registry_servicer.desk import reach_of
from metering.site_desk import SiteDesk
from metering.wire.sites import analysis_to_proto, portfolio_to_proto
from multiflux.metering.v1 import metering_service_pb2 as pb
from runtime.call import current_call
from vocabulary.names import place_id

_Context = grpc.aio.ServicerContext[Any, Any]


class SiteMethods:
    """The year and the analysis of public sites; a servicer takes these methods over."""

    def __init__(self, sites: SiteDesk) -> None:
        """Answer from `sites`."""
        self._sites = sites

    async def GetSitePortfolio(self, request: pb.GetSitePortfolioRequest, context: _Context) -> pb.GetSitePortfolioResponse:  # noqa: N802
        """Return what the caller's sites used in the last year."""
        del request, context
        call = current_call()
        portfolio = await self._sites.portfolio(call.territory, reach_of(call), asker_of(call.caller), call.at)
        return pb.GetSitePortfolioResponse(portfolio=portfolio_to_proto(portfolio))

    async def AnalyseSite(self, request: pb.AnalyseSiteRequest, context: _Context) -> pb.AnalyseSiteResponse:  # noqa: N802
        """Return how a site uses energy and water."""
        del context
        call = current_call()
        analysis = await self._sites.analysis(call.territory, place_id(request.site), asker_of(call.caller), call.at)
        return pb.AnalyseSiteResponse(analysis=analysis_to_proto(analysis))
