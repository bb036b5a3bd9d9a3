"""MeteringService whole: readings and weather in, figures out."""

from concurrent.futures import Executor

from metering.desk import Desk
from metering.domain.series.ports import KnownSeries, SeriesStore
from metering.figures_methods import FiguresMethods
from metering.series_servicer import SeriesMethods
from metering.series_watch import SeriesWatch, WatchMethods
from metering.weather_methods import WeatherMethods, WeatherTools
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceServicer
from runtime.clock import Clock


class MeteringServicer(SeriesMethods, WatchMethods, FiguresMethods, WeatherMethods, MeteringServiceServicer):
    """Takes over the methods of all parts."""

    def __init__(
        self,
        store: SeriesStore,
        known: KnownSeries,
        clock: Clock,
        executor: Executor,
        *,
        watch: SeriesWatch,
        desk: Desk,
        weather: WeatherTools,
    ) -> None:
        """Keep readings in `store`, checked against `known` in `executor`; tell of them by `watch`.

        Answer from `desk`; keep and give weather with `weather`.
        """
        WatchMethods.__init__(self, watch)
        SeriesMethods.__init__(self, store, known, clock, executor)
        FiguresMethods.__init__(self, desk)
        WeatherMethods.__init__(self, weather)
