"""Whoever publishes is never stopped by whoever listens."""

from __future__ import annotations

from structlog.testing import capture_logs

from api.bus import Bus


class Rang:
    pass


class RangTwice(Rang):
    pass


def test_listeners_hear_their_kind_and_its_subclasses_in_the_order_of_subscription() -> None:
    bus, heard = Bus(), []
    bus.subscribe(Rang, lambda event: heard.append(("first", type(event))))
    bus.subscribe(RangTwice, lambda event: heard.append(("second", type(event))))
    bus.publish(Rang())
    bus.publish(RangTwice())
    bus.publish("something else")
    assert heard == [("first", Rang), ("first", RangTwice), ("second", RangTwice)]


def test_one_that_raises_is_logged_and_the_others_still_hear() -> None:
    bus, heard = Bus(), []

    def fails(event: Rang) -> None:
        raise ValueError("broken")

    bus.subscribe(Rang, fails)
    bus.subscribe(Rang, heard.append)
    with capture_logs() as logs:
        bus.publish(Rang())
    assert len(heard) == 1
    assert bus.failures == 1
    assert logs[0]["event"] == "bus.listener_failed"


def test_a_subscription_can_be_ended_also_while_an_event_is_being_told() -> None:
    bus, heard = Bus(), []

    def once(event: Rang) -> None:
        heard.append(event)
        stop()

    stop = bus.subscribe(Rang, once)
    bus.publish(Rang())
    bus.publish(Rang())
    stop()
    assert len(heard) == 1
