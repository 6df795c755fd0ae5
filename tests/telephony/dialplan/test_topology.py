"""hotline.toml: what is accepted, and that a mistake is told with its field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.dialplan.topology import TopologyError, default_text, load, parse


def problems(text: str) -> dict[str, str]:
    with pytest.raises(TopologyError) as caught:
        parse(text)
    return dict(caught.value.problems)


def test_the_packaged_topology_has_the_line_the_seats_and_the_centres() -> None:
    topology = parse(default_text())
    modes = {line.number: line.mode for line in topology.lines}
    assert modes == {"12345": "main", "12369": "merged", "12329": "parallel", "12366": "branch"}
    assert topology.seats.numbers == tuple(str(seat) for seat in range(8001, 8011))
    assert [centre.code for centre in topology.centres] == ["110", "119", "120", "122", "12366"]
    assert topology.trunks[0].port_from(12345) == 12355
    assert [route.port_from(20000) for route in topology.centres[0].routes] == [20011, 20011]
    assert topology.centres[0].endpoints == ("110", "110-2")


def test_the_copy_in_the_home_directory_is_taken_first(tmp_path: Path) -> None:
    assert load(tmp_path) == parse(default_text())
    (tmp_path / "hotline.toml").write_text(default_text().replace('"12345"', '"12399"'), encoding="utf-8")
    assert load(tmp_path).lines[0].number == "12399"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("ring_s = 15", "ring_s = 2", "queues[0].ring_s"),
        ('strategy = "rrmemory"', 'strategy = "loudest"', "queues[0].strategy"),
        ("first = 8001", 'first = "8001"', "seats.first"),
        ("last = 8010", "last = 8000", "seats"),
        ('number = "12345"', 'number = "12345;exten"', "lines[0].number"),
        ('number = "12345"', "numbr = 1", "lines[0].numbr"),
        ('match = ["127.0.0.2"]', 'match = ["carrier"]', "trunks[0].match[0]"),
        ('match = ["127.0.0.2"]', 'match = ["127.0.0.0/8"]', "trunks[0].match"),
        ('match = ["127.0.0.3"]', 'match = ["127.0.0.0/8"]', "centres[0].match"),
        ("port_offset = 10 ", "port = 5060\nport_offset = 10 ", "trunks[0]"),
        ('name = "公安"', 'name = "x\\n[evil]"', "centres[0].name"),
        ('pattern = "0[', 'pattern = "([', "numbers.pattern"),
        ('pattern = "0[', 'pattern = "x)[', "numbers.pattern"),
        ('mode = "main"', 'mode = "branch"', "lines[0]"),
        ("first_day = 2026-09-01", "first_day = 2026-12-01", "lines[1].transition"),
        ("first_day = 2026-09-01", 'first_day = "soon"', "lines[1].transition.first_day"),
        ('mode = "merged"', 'mode = "parallel"', "lines[1]"),
        ("after_s = 20 }]", 'after_s = 20 }, { queue = "hotline", after_s = 20 }]', "queues[1]"),
        ("stale_after_s = 20", "stale_after_s = 1", "fallback.stale_after_s"),
        ("duty = []", 'duty = [{ number = "1;2", trunk = "trunk" }]', "fallback.duty[0].number"),
        ("elders = 300", "elders = 1000", "priority.elders"),
        ('repeat_counts = "missed"', 'repeat_counts = "some"', "priority.repeat_counts"),
        ('mode = "propose"', 'mode = "shout"', "surge.mode"),
        ("ends_below = 0.6", "ends_below = 1.0", "surge.ends_below"),
        ("# [[desk_phones]]", '[[desk_phones]]\nseat = "8101"\n#', "desk_phones[0].allow"),
    ],
)
def test_a_mistake_is_told_with_its_field(old: str, new: str, field: str) -> None:
    assert old in default_text()
    assert field in problems(default_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('queue = "hotline"', 'queue = "other"', "unknown queue other"),
        ('queue = "hotline", after_s', 'queue = "housing", after_s', "unknown queue housing"),
        ('centre = "12366"', 'centre = "12367"', "unknown centre 12367"),
        ('accept = ["12345"]', 'accept = ["12366"]', "unknown line 12366"),
        ('code = "119"', 'code = "110"', "110 stands twice"),
        ('code = "119"', 'code = "8003"', "8003 stands twice"),
        ('code = "119"', 'code = "110-2"', "pattern"),
        ("key = 2", "key = 1", "1 stands twice"),
        ('match = ["127.0.0.3"]', 'match = ["127.0.0.2/31"]', "match the same address"),
        ('accept = ["12345"]', 'accept = ["12399"]', "unknown line 12399"),
        ("1[3-9][0-9]{9}", "1[0-9]+", "its own routes only"),
        ('trunk = "trunk"\npattern', 'trunk = "none"\npattern', "unknown is the trunk none"),
        ("duty = []", 'duty = [{ number = "13900000000", trunk = "none" }]', "unknown is the trunk none"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(old: str, new: str, said: str) -> None:
    assert said in str(problems(default_text().replace(old, new, 1)))


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ('seat = "8101"\nallow = ["everywhere"]', "desk_phones[0].allow[0]"),
        ('seat = "8101;"\nallow = ["192.0.2.0/24"]', "desk_phones[0].seat"),
        ('seat = "8003"\nallow = ["192.0.2.0/24"]', "8003 stands twice"),
        ('seat = "110"\nallow = ["192.0.2.0/24"]', "110 stands twice"),
        ('seat = "8101"\nallow = ["127.0.0.0/29"]', "match the same address"),
    ],
)
def test_a_desk_phone_is_somebody_of_its_own(phone: str, said: str) -> None:
    assert said in str(problems(f"{default_text()}\n[[desk_phones]]\n{phone}\n"))


def test_desk_phones_of_one_network_are_seats_beside_the_browsers() -> None:
    phones = "".join(f'[[desk_phones]]\nseat = "{seat}"\nallow = ["192.0.2.0/24"]\n' for seat in ("8101", "8102"))
    topology = parse(default_text() + phones)
    assert topology.desk_seats == ("8101", "8102")
    assert topology.seat_numbers[-3:] == ("8010", "8101", "8102")


def test_a_centre_with_one_way_may_be_written_short() -> None:
    short = '[[centres]]\ncode = "96110"\nname = "反诈"\nhost = "127.0.0.8"\nport = 5060\n'
    centre = parse(default_text() + short).centres[-1]
    assert (centre.routes[0].host, centre.endpoints, centre.match) == ("127.0.0.8", ("96110",), None)
    assert "centres[5]" in str(
        problems(default_text() + short + '[[centres.routes]]\nhost = "127.0.0.9"\nport = 5060\n')
    )


@pytest.mark.parametrize(
    ("number", "allowed"),
    [("13912345678", True), ("03561234567", True), ("110", False), ("139123456789", False), ("1391234567８", False)],
)
def test_only_allowed_numbers_may_be_dialled(number: str, allowed: bool) -> None:
    numbers = parse(default_text()).numbers
    assert numbers is not None
    assert numbers.allows(number) is allowed


def test_who_serves_which_queue_and_who_is_rung_first() -> None:
    overflow = '[{ queue = "housing", after_s = 9 }, { queue = "hotline", after_s = 30 }]'
    topology = parse(default_text() + f'[[queues]]\nname = "dialect"\noverflow = {overflow}\n')
    assert topology.penalties({"hotline": 1}) == {"hotline": 1, "housing": 11, "dialect": 21}
    assert topology.penalties({"hotline": 3, "housing": 2}) == {"hotline": 3, "housing": 2, "dialect": 12}
    assert topology.penalties({"dialect": 1, "gone": 1}) == {"dialect": 1}
    assert topology.penalties({"hotline": 1, "housing": 5}, reserve=True) == {"hotline": 90, "housing": 90}


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    assert "line 1" in problems("lines = x")["hotline.toml"]


@given(st.text(min_size=1, max_size=20))
def test_no_text_with_a_meaning_for_asterisk_passes_as_a_name(text: str) -> None:
    written = "".join(f"\\U{ord(letter):08X}" for letter in text if not 0xD800 <= ord(letter) <= 0xDFFF)
    try:
        topology = parse(default_text().replace('name = "公安"', f'name = "{written}"'))
    except TopologyError:
        return
    assert not re.search(r"[\n\r;,\[\]=<>|&$]", topology.centres[0].name)
