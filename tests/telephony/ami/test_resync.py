from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telephony.ami.resync import started_at
from telephony.errors import ActionFailed

STARTED = datetime(2026, 11, 21, 21, 44, 32, tzinfo=UTC)


@pytest.mark.parametrize("zone_h", [-9.5, 0, 5.75, 8, 14])
@pytest.mark.parametrize("error_s", [-300, -1, 0, 1, 300])
def test_the_start_is_exact_in_any_zone_and_with_a_rough_estimate(zone_h: float, error_s: int) -> None:
    local = STARTED + timedelta(hours=zone_h)
    core = {"CoreStartupDate": f"{local:%Y-%m-%d}", "CoreStartupTime": f"{local:%H:%M:%S}"}
    assert started_at(core, STARTED + timedelta(seconds=error_s)) == STARTED


def test_an_unreadable_start_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ActionFailed):
        started_at({"CoreStartupDate": "yesterday"}, STARTED)
