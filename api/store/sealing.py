"""Personal data at rest: AES-GCM with a key file, and keyed hashes to look people up without reading them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class Unreadable(Exception):
    """A sealed value was altered, moved to another column, or sealed with another key."""


class KeyFileUnusable(Exception):
    """The key file is not 32 bytes in hexadecimal, or others may read it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Keyring:
    """Three keys drawn from one secret: for sealing, for look-up hashes, and for the audit chain."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ValueError("the secret has 32 bytes")
        self._aead = AESGCM(_derive(secret, b"seal"))
        self._lookup = _derive(secret, b"lookup")
        self._chain = _derive(secret, b"chain")

    @classmethod
    def load(cls, keys_dir: Path) -> Keyring:
        """Read ``records.key`` of the folder; make it, for the owner's eyes only, if there is none."""
        keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = keys_dir / "records.key"
        _create_once(path, secrets.token_hex(_KEY_BYTES).encode())
        if path.stat().st_mode & 0o077:
            raise KeyFileUnusable(path, "must be readable by its owner alone (chmod 600)")
        try:
            return cls(bytes.fromhex(path.read_text("ascii").strip()))
        except ValueError as error:
            raise KeyFileUnusable(path, "must hold 32 bytes in hexadecimal") from error

    def seal(self, text: str, *, context: str) -> bytes:
        """``context`` names the column; what was sealed for one column opens in no other."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, text.encode(), context.encode())

    def unseal(self, sealed: bytes, *, context: str) -> str:
        if sealed[:1] != _VERSION:
            raise Unreadable(context)
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, body, context.encode()).decode()
        except InvalidTag as error:
            raise Unreadable(context) from error

    def tag(self, purpose: str, value: str) -> str:
        """A keyed hash (hexadecimal): equal values meet, and nobody without the key can try values out."""
        return hmac.digest(self._lookup, f"{purpose}\0{value}".encode(), hashlib.sha256).hex()

    def phone_hash(self, number: str) -> str | None:
        """The look-up hash of a telephone number however it is written; None if it holds no number."""
        digits = normal_phone(number)
        return self.tag("phone", digits) if digits else None

    def chain(self, previous: str, record: str) -> str:
        """The link of the audit chain from ``previous`` over ``record``."""
        return hmac.digest(self._chain, f"{previous}\n{record}".encode(), hashlib.sha256).hex()


def normal_phone(number: str) -> str:
    """The bare digits of a Chinese number: no separators, no country code, no trunk zero before a mobile number."""
    digits = re.sub(r"\D", "", number)
    if re.fullmatch(r"(?:00)?861\d{10}", digits):
        return digits[-11:]
    if re.fullmatch(r"01[3-9]\d{9}", digits):
        return digits[1:]
    return digits


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=b"hotline " + purpose).derive(secret)


def _create_once(path: Path, content: bytes) -> None:
    """Whoever comes first writes the file, complete or not at all; everyone else leaves it alone."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def bind_keyring(dialect: Dialect, keyring: Keyring) -> None:
    """Give the sealed columns of one engine their keys; each engine has a dialect of its own."""
    dialect.hotline_keyring = keyring  # type: ignore[attr-defined]


def _keyring_of(dialect: Dialect) -> Keyring:
    keyring = getattr(dialect, "hotline_keyring", None)
    if not isinstance(keyring, Keyring):
        raise RuntimeError("this engine was not opened through Store: it has no keys")
    return keyring


class SealedText(TypeDecorator[str]):
    """Text that only a process with the key file can read. It cannot be compared or searched in SQL."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _keyring_of(dialect).seal(value, context=self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else _keyring_of(dialect).unseal(bytes(value), context=self.context)


class SealedJson(TypeDecorator[Any]):
    """A JSON value, sealed as a whole."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _keyring_of(dialect).seal(text, context=self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any | None:
        return None if value is None else json.loads(_keyring_of(dialect).unseal(bytes(value), context=self.context))
