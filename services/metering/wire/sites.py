"""What is told of public sites, to the contract."""

from metering.domain.sites.portfolio import Attention, Concern, FluxYear, Site, Total
from metering.domain.sites.signature import Progress, Signature
from metering.domain.sites.statements import Analysis, FluxAnalysis, Portfolio
from multiflux.metering.v1 import place_pb2
from multiflux.metering.v1 import site_pb2 as pb
from wire.intervals import interval_to_proto
from wire.words import flux_to_proto, quantity_to_proto


def portfolio_to_proto(portfolio: Portfolio) -> pb.SitePortfolio:
    """Return the portfolio as a message."""
    return pb.SitePortfolio(
        year=interval_to_proto(portfolio.year),
        sites=[_site(site) for site in portfolio.sites],
        totals=[_total(total) for total in portfolio.totals],
        attentions=[_attention(one) for one in portfolio.attentions],
        simulated=portfolio.simulated,
    )


def analysis_to_proto(analysis: Analysis) -> pb.SiteAnalysis:
    """Return the analysis as a message."""
    return pb.SiteAnalysis(
        site=_site(analysis.site),
        fluxes=[_flux(flux) for flux in analysis.fluxes],
        progress=None if analysis.progress is None else _progress(analysis.progress),
        simulated=analysis.simulated,
    )


def _site(site: Site) -> pb.SiteYear:
    return pb.SiteYear(
        site=f"places/{site.place}",
        display_name=site.name,
        use=place_pb2.SiteUse.ValueType(0 if site.use is None else site.use.value),
        area_square_metres=site.area,
        fluxes=[_year(site, year) for year in site.fluxes],
    )


def _year(site: Site, year: FluxYear) -> pb.FluxYear:
    return pb.FluxYear(
        flux=flux_to_proto(year.kind.flux),
        quantity=quantity_to_proto(year.kind.quantity),
        amount=year.amount,
        amount_per_square_metre=site.per_square_metre(year),
        missing_day_count=year.missing_days,
        change=year.change,
        compared_day_count=year.compared_days,
        weather_adjusted=year.weather_adjusted,
        night_share=year.night_share,
    )


def _total(total: Total) -> pb.FluxTotal:
    flux, quantity = flux_to_proto(total.kind.flux), quantity_to_proto(total.kind.quantity)
    return pb.FluxTotal(flux=flux, quantity=quantity, amount=total.amount, site_count=total.sites)


def _attention(one: Attention) -> pb.SiteAttention:
    return pb.SiteAttention(
        site=f"places/{one.site.place}",
        display_name=one.site.name,
        flux=flux_to_proto(one.year.kind.flux),
        concern=pb.SiteConcern.ValueType(one.concern.value),
        quantity=quantity_to_proto(one.year.kind.quantity),
        amount=one.amount,
        silent_day_count=one.year.silent_days if one.concern is Concern.SILENT else 0,
    )


def _flux(flux: FluxAnalysis) -> pb.FluxAnalysis:
    load = flux.base_load
    return pb.FluxAnalysis(
        flux=flux_to_proto(flux.kind.flux),
        quantity=quantity_to_proto(flux.kind.quantity),
        base_load=None
        if load is None
        else pb.BaseLoad(
            night_amount_per_hour=load.night,
            weekend_amount_per_hour=load.weekend,
            working_amount_per_hour=load.working,
            closed_share=load.closed_share,
        ),
        signature=None if flux.signature is None else _signature(flux.signature),
    )


def _signature(line: Signature) -> pb.WeatherSignature:
    return pb.WeatherSignature(
        base_celsius=line.base_celsius,
        amount_per_day=line.per_day,
        amount_per_degree_day=line.per_degree_day,
        r_squared=line.r_squared,
        reliable=line.reliable,
        baseline_week_count=line.baseline_weeks,
        weeks=[
            pb.SignatureWeek(
                start_date=week.monday.isoformat(), heating_degree_days=week.heating, amount=week.amount, saved_amount=week.saved
            )
            for week in line.weeks
        ],
    )


def _progress(progress: Progress) -> pb.EnergyProgress:
    return pb.EnergyProgress(
        reference_start_date=progress.reference_start.isoformat(),
        reference_joules=progress.reference,
        latest_joules=progress.latest,
        adjusted_joules=progress.adjusted,
        target_joules=progress.target,
        shared_day_count=progress.shared_days,
    )
