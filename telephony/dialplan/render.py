"""Asterisk's configuration files from a topology: text, no switch needed. Those with secrets are for the owner only."""

from __future__ import annotations

import json
import os
import re
import secrets as randomness
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from telephony.dialplan.addresses import own_addresses
from telephony.dialplan.figures import Figures
from telephony.dialplan.ports import Ports
from telephony.dialplan.prompts import POSITIONS
from telephony.dialplan.topology import LINE_PRIORITIES, Topology, TopologyError

MODULES = (
    # what others stand on
    "res_timing_timerfd",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_crypto",
    "res_http_websocket",
    "res_pjproject",
    "res_srtp",
    "res_musiconhold",
    "res_audiosocket",
    "res_stasis",
    "res_stasis_device_state",
    "res_manager_devicestate",
    "res_security_log",
    "pbx_config",
    # SIP
    "res_rtp_asterisk",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_header_funcs",
    "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_transport_websocket",
    "res_format_attr_opus",
    "res_pjsip_pubsub",
    "chan_pjsip",
    # sound
    "chan_audiosocket",
    "codec_a_mu",
    "codec_alaw",
    "codec_ulaw",
    "codec_resample",
    "codec_opus_open_source",
    "format_pcm",
    "format_sln",
    "format_wav",
    "bridge_simple",
    "bridge_softmix",
    "bridge_native_rtp",
    "bridge_holding",
    "bridge_builtin_features",
    # the dialplan's words
    "app_amd",
    "app_bridgeaddchan",
    "app_chanspy",
    "app_dial",
    "app_echo",
    "app_exec",
    "app_mixmonitor",
    "app_originate",
    "app_playback",
    "app_playtones",
    "app_queue",
    "app_record",
    "app_stack",
    "app_userevent",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_devstate",
    "func_env",
    "func_global",
    "func_logic",
    "func_strings",
    # ARI, for the seats' passwords (res_websocket_client: from Asterisk 22 on)
    "res_websocket_client",
    "res_ari_model",
    "res_ari",
    "res_ari_asterisk",
)
"""Loaded in this order. One that an older Asterisk lacks costs a line in its log, no more."""

PRIVATE = frozenset({"manager.conf", "ari.conf", "pjsip_desk_phones.conf"})

_SECRET = re.compile(r"[0-9A-Za-z_.-]{12,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Directories as the switch sees them. ``modules`` and ``data`` are None where Asterisk's own are right."""

    config: str
    state: str
    log: str
    recordings: str
    prompts: str
    modules: str | None = None
    data: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """Where the switch listens; AMI never leaves the machine.

    ``web`` is SIP over WebSocket and ARI, ``sip`` the trunks' SIP and all sound. ``ice`` maps each address of the
    switch's machine to the one that browsers are told. ``outside`` is the address that carriers know, where it is not
    one of this machine's; ``inside`` the networks for which it is not used.
    """

    web: str = "127.0.0.1"
    sip: str = "127.0.0.1"
    ice: Mapping[str, str] = field(default_factory=dict)
    outside: str = ""
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """The two passwords between the server and the switch, and those that desk phones register with, by seat."""

    ami: str = field(repr=False)
    ari: str = field(repr=False)
    desk_phones: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def fresh(cls) -> Secrets:
        return cls(ami=randomness.token_urlsafe(24), ari=randomness.token_urlsafe(24))

    @classmethod
    def kept_in(cls, path: Path, *, desk_phones: Iterable[str] = ()) -> Secrets:
        """Those of ``path``, and of ``desk-phones.json`` beside it; made on first use; mode 0600.

        A phone's secret may be written there by hand. Raises TopologyError, which names the file, for what cannot be
        used, and OSError.
        """
        stored = _kept(path)
        if stored is None:
            made = cls.fresh()
            _keep(path, {"ami": made.ami, "ari": made.ari})
        elif stored.keys() >= {"ami", "ari"}:
            made = cls(ami=stored["ami"], ari=stored["ari"])
        else:
            raise TopologyError(
                [(str(path), 'must hold the passwords "ami" and "ari"; without the file they are made')]
            )
        return replace(made, desk_phones=_phone_secrets(path.with_name("desk-phones.json"), tuple(desk_phones)))


def render(
    topology: Topology,
    ports: Ports,
    out_dir: Path,
    secrets: Secrets,
    *,
    places: Places,
    binding: Binding | None = None,
    modules: Iterable[str] = MODULES,
) -> tuple[Path, ...]:
    """Write one file for each template into ``out_dir`` and return them, sorted.

    Without ``binding`` everything is on 127.0.0.1, and browsers on this machine are told to send their sound there.
    Each file is put in place whole. Raises OSError, which names it.
    """
    environment = Environment(
        loader=PackageLoader("telephony.dialplan"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    written = []
    for name in sorted(environment.list_templates(extensions=["j2"])):
        text = environment.get_template(name).render(
            generated="Rendered from hotline.toml; changes made here are lost.",
            topology=topology,
            ports=ports,
            places=places,
            secrets=secrets,
            binding=binding or Binding(ice=dict.fromkeys(own_addresses(), "127.0.0.1")),
            modules=tuple(modules),
            positions=POSITIONS,
            figures=Figures(),
            line_priorities=LINE_PRIORITIES,
        )
        path = out_dir / name.removesuffix(".j2")
        _write(path, text.rstrip() + "\n", private=path.name in PRIVATE)
        written.append(path)
    return tuple(written)


def _phone_secrets(path: Path, seats: tuple[str, ...]) -> dict[str, str]:
    if not seats:
        return {}
    kept = _kept(path) or {}
    missing = {seat: randomness.token_urlsafe(15) for seat in seats if seat not in kept}
    if missing:
        _keep(path, kept | missing)
    found = {seat: (kept | missing)[seat] for seat in seats}
    wrong = [seat for seat, secret in found.items() if not _SECRET.fullmatch(secret)]
    if wrong:
        rule = "12 to 64 letters, digits, dots, - and _"
        raise TopologyError([(f"{path.name}: {seat}", rule) for seat in wrong])
    return found


def _kept(path: Path) -> dict[str, str] | None:
    """The secrets in this file; None where there is none. Raises TopologyError, OSError."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise TopologyError([(str(path), "must be JSON")]) from error
    if not isinstance(stored, dict) or not all(isinstance(one, str) for one in stored.values()):
        raise TopologyError([(str(path), "must hold names with one text each")])
    return stored


def _keep(path: Path, secrets: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(path, json.dumps(secrets), private=True)


def _write(path: Path, text: str, *, private: bool) -> None:
    """Whoever reads, and whoever finds it after a crash, has the old file or the new one. Raises OSError, naming it."""
    part = path.with_name(f".{path.name}.{randomness.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600 if private else 0o644)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(part, path)
        _sync(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _sync(folder: Path) -> None:
    """A name in a folder outlives a power cut from here on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
