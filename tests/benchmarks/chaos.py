"""The server is killed again and again while citizens call, and the database goes away for a minute; what that cost.

    python -m tests.benchmarks.chaos [--kills N] [--outage-s N] [--engine sqlite|postgresql] [--seed N]

Each run is one row: what the citizens' telephones wrote down is compared with the records, call by call. Beside it, as
the reference, citizens for as long as an outage and without any kill: callers that the far end itself loses are no
work of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.api.postgres import Cluster, cluster, make_database
from tests.system.crowd import Scene, Verdict, calling, crashed_postgresql, locked_sqlite, under_fire, without_database
from tests.system.switch import RunningSwitch, starting

KILLS, AWAY_S = 50, 60.0
ENGINES = ("sqlite", "postgresql")
COLUMNS: dict[str, Callable[[Verdict], object]] = {
    "calls": lambda it: it.toll.calls,
    "dropped": lambda it: it.toll.dropped,
    "without record": lambda it: len(it.reckoning.without_record),
    "of nobody": lambda it: it.reckoning.strangers,
    "open": lambda it: it.still_open,
    "handoffs open": lambda it: it.open_handoffs,
    "doubled": lambda it: it.doubled + len(it.reckoning.doubled),
    "wrong times": lambda it: len(it.reckoning.mistimed),
    "wrong outcome": lambda it: len(it.reckoning.misjudged),
    "not called back": lambda it: len(it.reckoning.not_called_back),
    "callbacks doubled": lambda it: len(it.reckoning.called_back_twice),
    "in vain": lambda it: len(it.reckoning.called_back_in_vain),
    "AMI corrections": lambda it: it.drift,
    "drift (channels left)": lambda it: it.left,
}


@contextmanager
def setting(place: Path, engine: str) -> Iterator[tuple[RunningSwitch, Cluster | None, dict[str, object]]]:
    """A switch, and where it is asked for a PostgreSQL server with what tells the hotline of it."""
    with starting(place) as switch:
        if engine == "sqlite":
            yield switch, None, {}
            return
        with cluster() as server:
            yield switch, server, {"database_url": make_database(server.url, "hotline")}


async def undisturbed(switch: RunningSwitch, settings: dict[str, object], *, for_s: float) -> Verdict:
    scene = await asyncio.to_thread(lambda: Scene(switch, **settings))
    async with scene.playing():
        async with calling(switch) as crowd:
            await asyncio.sleep(for_s)
            toll = await asyncio.to_thread(crowd.finish)
        await scene.settle(toll)
        return await scene.verdict(crowd, toll, [])


async def away(
    switch: RunningSwitch, server: Cluster | None, settings: dict[str, object], *, away_s: float
) -> tuple[Verdict, float]:
    scene = await asyncio.to_thread(lambda: Scene(switch, **settings))
    gone = crashed_postgresql(server) if server is not None else locked_sqlite(scene)
    outage = await without_database(scene, gone, away_s=away_s)
    return outage.verdict, outage.caught_up_s


def row(name: str, verdict: Verdict, remark: str = "") -> None:
    """``not called back`` and what stands behind it is compared with who was missed."""
    print(f"{name}{': ' if remark else ''}{remark}")
    for title, figure in COLUMNS.items():
        print(f"    {title:24}{figure(verdict):>6}")
    print(f"    {'recorded':24}{dict(verdict.outcomes)}, the switch's log {dict(verdict.logged)}", flush=True)
    for why in (*verdict.toll.notes, *verdict.reckoning.mistimed, *verdict.reckoning.misjudged):
        print(f"      {why}")


def main(kills: int, away_s: float, engines: tuple[str, ...], seed: int | None) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        root = Path(folder)
        with setting(root / "calm", "sqlite") as (switch, _, settings):
            row("undisturbed", asyncio.run(undisturbed(switch, settings, for_s=away_s)))
        for engine in engines:
            if kills:
                with setting(root / f"fire-{engine}", engine) as (switch, _, settings):
                    verdict = asyncio.run(under_fire(switch, kills=kills, chance=chance, **settings))
                    slowest = max(verdict.live_again_s)
                    row(f"{engine}, {kills} times killed", verdict, f"live again after at most {slowest:.1f} s")
            if away_s:
                with setting(root / f"away-{engine}", engine) as (switch, server, settings):
                    verdict, caught_up_s = asyncio.run(away(switch, server, settings, away_s=away_s))
                    row(f"{engine} away for {away_s:g} s", verdict, f"caught up in {caught_up_s:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS, help="kill -9 of the server, at random moments")
    parser.add_argument("--outage-s", type=float, default=AWAY_S, help="how long the database is away")
    parser.add_argument("--engine", choices=ENGINES, help="one of them alone")
    parser.add_argument("--seed", type=int, help="for the moments of the kills")
    told = parser.parse_args()
    main(told.kills, told.outage_s, (told.engine,) if told.engine else ENGINES, told.seed)
