"""What is told of public sites: the portfolio of a caller, and the analysis of one site."""

from dataclasses import dataclass

from metering.domain.consumption.places import UseKind
from metering.domain.sites.base_load import BaseLoad
from metering.domain.sites.portfolio import Attention, Site, Total
from metering.domain.sites.signature import Progress, Signature
from vocabulary.interval import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio:
    """The sites of a caller, what they used together, and what needs attention."""

    year: Interval
    sites: tuple[Site, ...]
    totals: tuple[Total, ...]
    attentions: tuple[Attention, ...]
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxAnalysis:
    """How a site uses one flux; None for what cannot be told."""

    kind: UseKind
    base_load: BaseLoad | None
    signature: Signature | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """How a site uses all its fluxes."""

    site: Site
    fluxes: tuple[FluxAnalysis, ...]
    progress: Progress | None
    simulated: bool
