"""Where questions about figures are worked on: scenes gathered, readings read, and the computing kept off the event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from metering.day_desk import DayDesk
from metering.domain.consumption.disclosure import Asker
from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, answered, is_cut
from metering.domain.figures.cost import CostAnswer, CostQuestion, stated
from metering.domain.figures.files import ConsumptionFile, FileFormat
from metering.domain.figures.listing import listed_members, point_answer
from metering.domain.figures.point_use import ReadChannel
from metering.domain.figures.scene import Scene, Scenes
from metering.domain.series.columns import ReadingKind, SeriesName, Versions, joined_versions
from metering.domain.series.ports import SeriesNumbers, SeriesOutbox, SeriesReader
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

R = TypeVar("R")
Answering = Callable[[ConsumptionQuestion], ConsumptionAnswer]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Figures:
    """An answer, the zone that its civil slots follow, and the receive sequence up to which readings were taken into account."""

    answer: ConsumptionAnswer
    time_zone: str
    known_sequence: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PointFigures:
    """The figures of one point of a place; None where its readings are coarser than asked."""

    point: PointId
    figures: Figures | None


class DeskClosing(Failure):
    """The service is about to stop, and gives the question up."""

    reason, kind = "DESK_CLOSING", Kind.BUSY


class SeriesSource(SeriesNumbers, SeriesReader, SeriesOutbox, Protocol):
    """What the desk needs of the store."""


class Desk:
    """Answers questions about consumption and what it cost."""

    def __init__(self, scenes: Scenes, store: SeriesSource, files: Mapping[FileFormat, ConsumptionFile], threads: int) -> None:
        """Compute in so many threads."""
        self._scenes = scenes
        self._store = store
        self._files = files
        self._days = DayDesk(store)
        self._closing = False
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="figures")

    async def consumption(self, question: ConsumptionQuestion, asker: Asker) -> Figures:
        """Return the figures of a question, as far as the asker may be told them."""
        scene = await self._scenes.scene(question.territory, question.resource)
        return await self._run(partial(self._answer, question, scene, asker))

    async def cost(self, question: CostQuestion, asker: Asker) -> CostAnswer:
        """Return what a point's consumption cost, as far as the asker may be told."""
        scene = await self._scenes.scene(question.territory, question.resource)
        return await self._run(partial(stated, question, scene, asker, partial(self._reader, question.territory, None)))

    async def file(self, question: ConsumptionQuestion, asker: Asker, written_as: FileFormat) -> bytes:
        """Return the figures of a question as a file; ParquetUnavailable."""
        scene = await self._scenes.scene(question.territory, question.resource)
        return await self._run(lambda: self._files[written_as].written(self._answer(question, scene, asker).answer, scene.zone))

    async def worked(self, territory: TerritoryId, resource: str, asker: Asker, work: Callable[[Scene, Answering], R]) -> R:
        """Return what `work` makes, off the event loop, of several questions about one resource; UnknownResource."""
        scene = await self._scenes.scene(territory, resource)
        return await self._run(lambda: work(scene, lambda question: self._answer(question, scene, asker).answer))

    async def listing(self, question: ConsumptionQuestion) -> AsyncGenerator[PointFigures]:
        """Yield the figures of every point of a place, by name; for services, which may be told them all.

        Each point is computed by itself, so that other questions get their turn in between.
        """
        scene = await self._scenes.scene(question.territory, question.resource)
        sequence = self._store.sequence()
        for member in listed_members(question, scene):
            point = member.point.point_id
            read = self._reader(question.territory, None, point)
            answer = await self._run(partial(point_answer, question, scene, member, read))
            figures = Figures(answer=answer, time_zone=scene.zone.key, known_sequence=sequence) if answer else None
            yield PointFigures(point=point, figures=figures)

    def close(self) -> None:
        """Give up waiting questions, and running ones at their next reading."""
        self._closing = True
        self._executor.shutdown(cancel_futures=True)

    async def _run(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _answer(self, question: ConsumptionQuestion, scene: Scene, asker: Asker) -> Figures:
        sequence = question.known_sequence or self._store.sequence()
        read_of = partial(self._reader, question.territory, question.known_sequence or None)
        cut = is_cut(question, scene, asker)
        answer = self._days.answer(question, scene, read_of, cut=cut) or answered(question, scene, asker, read_of)
        return Figures(answer=answer, time_zone=scene.zone.key, known_sequence=sequence)

    def _reader(self, territory: TerritoryId, known_at: int | None, point: PointId) -> ReadChannel:
        def read(channel: str, kind: ReadingKind, during: Interval) -> Versions:
            if self._closing:
                raise DeskClosing("the service is stopping: ask again soon")
            name = SeriesName(territory=territory, meter=point, channel=channel, kind=kind)
            number = int(self._store.find([name])[0])
            return joined_versions(()) if number < 0 else self._store.read(number, during, known_at=known_at)

        return read
