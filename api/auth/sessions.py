"""Sessions of signed-in browsers; only hashes of their tokens are stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.audit import Actor
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.errors import Overloaded, SignInLocked, SignInRefused
from api.settings import Settings
from api.store.engine import Store, take_turn
from api.store.sealing import Keyring
from api.store.tables import IdempotencyKey, SignInAttempt, SignInSession, User

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(seconds=60)
"""How stale ``seen_at`` may be: not every request writes."""
KEYS_KEPT = timedelta(hours=24)
ENDED_SESSIONS_KEPT = timedelta(days=30)

InCall = Callable[[str], datetime | None]
"""Since when the operator of this work number is in a call; None while in none. Neither limit ends a session in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """The person behind a request. ``csrf`` must come back in X-CSRF-Token with every change."""

    user_id: int
    username: str
    display_name: str
    role: Role
    agent_id: str | None
    seat: str | None
    session_hash: str
    csrf: str
    address: str

    @property
    def actor(self) -> Actor:
        return Actor(user_id=self.user_id, username=self.username, address=self.address)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnded:
    """Published when a session ends, so that its live stream can be closed."""

    session_hash: str
    user_id: int


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(keyring: Keyring, session_hash: str) -> str:
    return keyring.tag("csrf", session_hash)


def normal_username(username: str) -> str:
    return username.strip().casefold()


# signing in -----------------------------------------------------------------------------------------------------------
async def sign_in(
    store: Store, passwords: Passwords, settings: Settings, *, username: str, password: str, address: str, now: datetime
) -> tuple[str, SignedIn]:
    """A new session's token and person. Raises SignInLocked, SignInRefused or Overloaded; every outcome is audited.

    The attempt is written down as a failure before the password is looked at, so guesses made in parallel count too.
    """
    username = normal_username(username)
    actor = Actor(user_id=None, username=username[:64], address=address)
    locked_s, attempt_id, user = await _begin(store, settings, actor, now)
    if locked_s:
        raise SignInLocked(retry_after_s=locked_s)
    try:
        right = await passwords.verify(user.password_hash if user else None, password)
    except Overloaded:
        await _withdraw(store, actor, attempt_id, now)
        raise
    async with store.write() as session:
        if user is None or not right or not user.active:
            await audit.record(
                session, store.keyring, actor, "session.sign_in", "user", actor.username, now=now, result="refused"
            )
        else:
            await session.execute(update(SignInAttempt).where(SignInAttempt.id == attempt_id).values(succeeded=True))
            token = secrets.token_urlsafe(TOKEN_BYTES)
            session.add(
                SignInSession(token_hash=hashed(token), user_id=user.id, created_at=now, seen_at=now, address=address)
            )
            me = _signed_in(user, hashed(token), store.keyring, address)
            await audit.record(session, store.keyring, me.actor, "session.sign_in", "user", str(user.id), now=now)
            return token, me
    raise SignInRefused


async def _begin(store: Store, settings: Settings, actor: Actor, now: datetime) -> tuple[int, int | None, User | None]:
    """Seconds the account is still locked for (0: not locked), the attempt's id, and the account if there is one."""
    async with store.write() as session:
        await take_turn(session, f"sign-in {actor.username} {actor.address}")
        locked_s = await _locked_for(session, settings, actor, now)
        if locked_s:
            await audit.record(
                session, store.keyring, actor, "session.sign_in", "user", actor.username, now=now, result="locked"
            )
            return locked_s, None, None
        attempt = SignInAttempt(username=actor.username, address=actor.address, at=now, succeeded=False)
        session.add(attempt)
        await session.flush()
        user = (await session.execute(select(User).where(User.username == actor.username))).scalar_one_or_none()
        return 0, attempt.id, user


async def _withdraw(store: Store, actor: Actor, attempt_id: int | None, now: datetime) -> None:
    """Nobody looked at the password: no failure of the person's."""
    async with store.write() as session:
        await session.execute(delete(SignInAttempt).where(SignInAttempt.id == attempt_id))
        await audit.record(
            session, store.keyring, actor, "session.sign_in", "user", actor.username, now=now, result="overloaded"
        )


async def _locked_for(session: AsyncSession, settings: Settings, actor: Actor, now: datetime) -> int:
    attempts = (
        await session.scalars(
            select(SignInAttempt)
            .where(SignInAttempt.username == actor.username, SignInAttempt.address == actor.address)
            .order_by(SignInAttempt.at.desc(), SignInAttempt.id.desc())
            .limit(settings.sign_in_failures)
        )
    ).all()
    if len(attempts) < settings.sign_in_failures or any(attempt.succeeded for attempt in attempts):
        return 0
    window = timedelta(seconds=settings.sign_in_window_s)
    if attempts[0].at - attempts[-1].at > window:
        return 0
    left = attempts[0].at + window - now
    return max(int(left.total_seconds()) + 1, 0) if left > timedelta(0) else 0


def _signed_in(user: User, session_hash: str, keyring: Keyring, address: str) -> SignedIn:
    return SignedIn(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=Role(user.role),
        agent_id=user.agent_id,
        seat=user.seat,
        session_hash=session_hash,
        csrf=csrf_token(keyring, session_hash),
        address=address,
    )


# using a session ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A session that holds. ``ends_at``: it does not live longer, but for a call."""

    me: SignedIn
    seen_at: datetime
    ends_at: datetime


async def look_up(
    store: Store, settings: Settings, *, session_hash: str, address: str, now: datetime, in_call: InCall
) -> Held | None:
    """None if the session has ended, or ran out before the person's present call began. Does not count as use."""
    wanted = frozenset({session_hash})
    found = await look_up_all(store, settings, session_hashes=wanted, address=address, now=now, in_call=in_call)
    return found.get(session_hash)


async def look_up_all(
    store: Store, settings: Settings, *, session_hashes: Collection[str], address: str, now: datetime, in_call: InCall
) -> Mapping[str, Held]:
    """Those of them that hold, as ``look_up``."""
    async with store.read() as reading:
        rows = await reading.execute(
            select(SignInSession, User)
            .join(User, User.id == SignInSession.user_id)
            .where(SignInSession.token_hash.in_(session_hashes), SignInSession.ended_at.is_(None), User.active)
        )
        found = rows.all()
    held = (_held(row, user, settings, store.keyring, address, now, in_call) for row, user in found)
    return {one.me.session_hash: one for one in held if one is not None}


def _held(
    row: SignInSession,
    user: User,
    settings: Settings,
    keyring: Keyring,
    address: str,
    now: datetime,
    in_call: InCall,
) -> Held | None:
    ends_at = row.created_at + timedelta(seconds=settings.session_absolute_s)
    ran_out_at = min(row.seen_at + timedelta(seconds=settings.session_idle_s), ends_at)
    if now > ran_out_at:
        busy_since = in_call(user.agent_id) if user.agent_id else None
        if busy_since is None or busy_since > ran_out_at:
            return None
    me = _signed_in(user, row.token_hash, keyring, address)
    return Held(me=me, seen_at=row.seen_at, ends_at=ends_at)


async def keep(store: Store, *, session_hashes: Collection[str], now: datetime) -> None:
    """Counts as use: somebody who sits at a seat and waits for calls is there without asking for anything."""
    async with store.write() as session:
        await session.execute(
            update(SignInSession)
            .where(SignInSession.token_hash.in_(session_hashes), SignInSession.seen_at < now - SEEN_EVERY)
            .values(seen_at=now)
        )


async def end(session: AsyncSession, keyring: Keyring, me: SignedIn, now: datetime) -> SessionEnded:
    """Sign out. Publish the answer after the commit."""
    await session.execute(update(SignInSession).where(SignInSession.token_hash == me.session_hash).values(ended_at=now))
    await audit.record(session, keyring, me.actor, "session.sign_out", "user", str(me.user_id), now=now)
    return SessionEnded(session_hash=me.session_hash, user_id=me.user_id)


async def end_all(session: AsyncSession, user_id: int, now: datetime) -> tuple[SessionEnded, ...]:
    """End every session of a person whose password, role or account changed."""
    ended = await session.scalars(
        update(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(SignInSession.token_hash)
    )
    return tuple(SessionEnded(session_hash=session_hash, user_id=user_id) for session_hash in ended)


async def tidy(store: Store, settings: Settings, now: datetime) -> None:
    """Drop what has run out. Safe at any time and twice."""
    async with store.write() as session:
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEYS_KEPT))
        window = timedelta(seconds=2 * settings.sign_in_window_s)
        await session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - window))
        await session.execute(
            delete(SignInSession).where(
                or_(
                    SignInSession.ended_at < now - ENDED_SESSIONS_KEPT,
                    SignInSession.seen_at < now - ENDED_SESSIONS_KEPT,
                )
            )
        )
