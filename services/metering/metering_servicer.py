"""MeteringService whole: readings and weather in, figures out."""

from metering.desk import Desk
from metering.figures_methods import FiguresMethods
from metering.reading_tools import ReadingTools
from metering.series_servicer import SeriesMethods
from metering.series_watch import SeriesWatch, WatchMethods
from metering.site_desk import SiteDesk
from metering.site_methods import SiteMethods
from metering.weather_methods import WeatherMethods, WeatherTools
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceServicer


class MeteringServicer(SeriesMethods, WatchMethods, FiguresMethods, SiteMethods, WeatherMethods, MeteringServiceServicer):
    """Takes over the methods of all parts."""

    def __init__(
        self,
        *,
        readings: ReadingTools,
        watch: SeriesWatch,
        desk: Desk,
        sites: SiteDesk,
        weather: WeatherTools,
    ) -> None:
        """Take and give readings with `readings`; tell of them by `watch`.

        Answer from `desk`, about public sites from `sites`; keep and give weather with `weather`.
        """
        WatchMethods.__init__(self, watch)
        SeriesMethods.__init__(self, readings)
        FiguresMethods.__init__(self, desk)
        SiteMethods.__init__(self, sites)
        WeatherMethods.__init__(self, weather)
