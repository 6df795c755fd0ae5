"""What this machine is called."""

from __future__ import annotations

from telephony.dialplan.addresses import own_addresses

TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 198.51.100.1
        /32 host LOCAL
"""


def test_own_addresses_are_all_but_loopback() -> None:
    assert own_addresses(TRIE) == ("192.0.2.2", "198.51.100.1")
