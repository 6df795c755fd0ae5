"""How many streams fit, and what the one too many is told."""

from __future__ import annotations

import pytest

from asr.engines.scripted_engine import Line, ScriptedRecognizer
from asr.pool import LimitedRecognizer, real_time_factor, streams_that_fit
from asr.recognizer import EngineUnavailable
from tests.fakes.virtual_time import in_virtual_time

SCRIPT = {"*": [Line(start_s=0, end_s=6, text="一"), Line(start_s=0, end_s=6, text="二")]}


@pytest.mark.parametrize(
    ("factor", "cores", "streams"), [(0.13, 2, 21), (0.07, 2, 39), (0.5, 2, 5), (3.0, 2, 2), (0.13, 1, 10)]
)
def test_streams_that_fit(factor: float, cores: int, streams: int) -> None:
    assert streams_that_fit(factor, cores=cores) == streams


def test_the_real_time_factor_is_processor_time_for_each_second_of_the_second_probe() -> None:
    readings = iter([10.0, 10.9])
    recognizer = ScriptedRecognizer(SCRIPT)
    factor = in_virtual_time(real_time_factor(recognizer, cpu_s=lambda: next(readings)))
    assert factor == pytest.approx(0.15)
    assert (recognizer.opened, recognizer.closed) == (1, 1)


def test_the_newest_stream_is_refused_and_a_place_is_free_again_after_a_close() -> None:
    async def story() -> None:
        pool = LimitedRecognizer(ScriptedRecognizer(SCRIPT), limit=2)
        first, _second = pool.open("a"), pool.open("b")
        with pytest.raises(EngineUnavailable, match="no room: all 2"):
            pool.open("c")
        await first.close()
        await first.close()
        assert pool.open_streams == 1
        pool.open("c")
        assert (pool.open_streams, pool.refused) == (2, 1)

    in_virtual_time(story())


def test_an_engine_that_refuses_takes_no_place() -> None:
    class Refusing(ScriptedRecognizer):
        def open(self, stream_id: str):  # type: ignore[no-untyped-def]
            raise EngineUnavailable("scripted", "not today")

    pool = LimitedRecognizer(Refusing(SCRIPT), limit=1)
    with pytest.raises(EngineUnavailable, match="not today"):
        pool.open("a")
    assert pool.open_streams == 0
