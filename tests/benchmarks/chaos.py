"""The server is killed again and again while citizens call, and the database goes away for a minute; what that cost.

``python -m tests.benchmarks.chaos [kills] [seconds without a database]``. Beside it, as the reference, the same number
of calls without a kill: callers that the far end itself loses are no work of ours.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.api.postgres import cluster, make_database
from tests.system.crowd import Scene, calling, crashed_postgresql, locked_sqlite, under_fire, without_database
from tests.system.switch import starting

KILLS, AWAY_S = 50, 60.0
QUIET_S = 60.0


async def undisturbed(scene: Scene) -> str:
    async with scene.playing():
        async with calling(scene.switch) as crowd:
            await asyncio.sleep(QUIET_S)
            toll = await asyncio.to_thread(crowd.finish)
        await asyncio.sleep(3)
    return str(scene.verdict(toll, []))


def main(kills: int = KILLS, away_s: float = AWAY_S) -> None:
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as place:
        root = Path(place)
        with starting(root / "calm") as switch:
            print("undisturbed:", asyncio.run(undisturbed(Scene(switch))))
        with starting(root / "fire") as switch:
            print("under fire: ", asyncio.run(under_fire(switch, kills=kills, chance=random.Random())))
        with starting(root / "locked") as switch:
            scene = Scene(switch)
            outage = asyncio.run(without_database(scene, locked_sqlite(scene), away_s=away_s))
            print(f"SQLite locked {away_s:g} s, caught up in {outage.caught_up_s:.1f} s:", outage.verdict)
        with starting(root / "crashed") as switch, cluster() as server:
            scene = Scene(switch, database_url=make_database(server.url, "hotline"))
            outage = asyncio.run(without_database(scene, crashed_postgresql(server), away_s=away_s))
            print(f"PostgreSQL away {away_s:g} s, caught up in {outage.caught_up_s:.1f} s:", outage.verdict)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]), *(float(word) for word in sys.argv[2:3]))
