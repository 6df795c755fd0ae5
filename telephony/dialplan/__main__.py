"""``python -m telephony.dialplan``: configuration and prompts for a switch that lives elsewhere, in a container say.

Directories are those of the switch; where both sides see the same paths, as in docker/compose.yaml, they are also ours.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from telephony.dialplan import prompts
from telephony.dialplan.ports import DEFAULT_BASE, Ports
from telephony.dialplan.render import Binding, Places, Secrets, render
from telephony.dialplan.topology import TopologyError, load


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 where hotline.toml or a file of secrets is wrong, or a file cannot be written."""
    asked = _parser().parse_args(arguments)
    home, sounds = asked.home.absolute(), asked.prompts.absolute()
    switch = home / "switch"
    places = Places(
        config=str(switch / "etc"),
        state=str(switch / "state"),
        log=str(switch / "log"),
        recordings=str(home / "recordings"),
        prompts=str(sounds),
    )
    binding = Binding(
        web=asked.web,
        sip=asked.sip,
        ice=dict(pair.split("=", 1) for pair in asked.ice),
        outside=asked.outside,
        inside=tuple(asked.inside),
    )
    try:
        topology = load(home)
        secrets = Secrets.kept_in(home / "keys" / "switch.json", desk_phones=topology.desk_seats)
        for folder in (switch / "state" / "spool", switch / "state" / "keys", switch / "log", home / "recordings"):
            folder.mkdir(parents=True, exist_ok=True)
        render(topology, Ports(asked.port_base), switch / "etc", secrets, places=places, binding=binding)
    except TopologyError as error:
        print("\n".join(f"{field}: {rule}" for field, rule in error.problems), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    espeak = shutil.which("espeak-ng")
    try:
        prompts.build(sounds, espeak=[espeak] if espeak else None, recordings=home / "prompts")
    except prompts.VoiceMissing as missing:
        print(missing, file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m telephony.dialplan", description=__doc__)
    parser.add_argument(
        "--home", type=Path, required=True, help="state directory: hotline.toml, keys, switch, recordings"
    )
    parser.add_argument("--prompts", type=Path, required=True, help="directory of the prompts")
    parser.add_argument("--port-base", type=int, default=DEFAULT_BASE)
    parser.add_argument("--web", default="127.0.0.1", help="address of SIP over WebSocket and ARI")
    parser.add_argument("--sip", default="127.0.0.1", help="address of SIP and sound")
    parser.add_argument(
        "--ice", action="append", default=[], metavar="OWN=SHOWN", help="what browsers are told instead"
    )
    parser.add_argument("--outside", default="", help="address that carriers know")
    parser.add_argument("--inside", action="append", default=[], help="network for which --outside is not used")
    return parser


if __name__ == "__main__":
    sys.exit(main())
