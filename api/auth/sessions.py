"""Sessions of signed-in browsers and one-time passes to the live stream; only hashes of their secrets are stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import audit
from api.auth.audit import Actor
from api.auth.passwords import Passwords
from api.auth.permissions import Role
from api.errors import SignInLocked, SignInRefused
from api.settings import Settings
from api.store.engine import Store, take_turn
from api.store.sealing import Keyring
from api.store.tables import IdempotencyKey, SignInAttempt, SignInSession, User, WsTicket

TOKEN_BYTES = 32
WS_TICKET_S = 30
SEEN_EVERY = timedelta(seconds=60)
"""How stale ``seen_at`` may be: not every request writes."""
KEYS_KEPT = timedelta(hours=24)
ENDED_SESSIONS_KEPT = timedelta(days=30)


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
    right = await passwords.verify(user.password_hash if user else None, password)
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
async def find(
    store: Store, settings: Settings, *, token: str, address: str, now: datetime, in_call: Callable[[str], bool]
) -> SignedIn | None:
    """Who holds this token; None if the session has ended. ``in_call(agent_id)``: neither limit ends it in a call."""
    return await _find(store, settings, session_hash=hashed(token), address=address, now=now, in_call=in_call)


async def still_open(
    store: Store, settings: Settings, *, session_hash: str, now: datetime, in_call: Callable[[str], bool]
) -> bool:
    """For the live stream, which has no token: whether its session still holds. Does not count as use."""
    me = await _find(
        store, settings, session_hash=session_hash, address="", now=now, in_call=in_call, counts_as_use=False
    )
    return me is not None


async def keep(store: Store, *, session_hash: str, now: datetime) -> None:
    """Counts as use: somebody who sits at a seat and waits for calls is there without asking for anything."""
    async with store.write() as session:
        await session.execute(
            update(SignInSession)
            .where(SignInSession.token_hash == session_hash, SignInSession.seen_at < now - SEEN_EVERY)
            .values(seen_at=now)
        )


async def _find(
    store: Store,
    settings: Settings,
    *,
    session_hash: str,
    address: str,
    now: datetime,
    in_call: Callable[[str], bool],
    counts_as_use: bool = True,
) -> SignedIn | None:
    async with store.read() as reading:
        row = (
            await reading.execute(
                select(SignInSession, User)
                .join(User, User.id == SignInSession.user_id)
                .where(SignInSession.token_hash == session_hash, SignInSession.ended_at.is_(None), User.active)
            )
        ).one_or_none()
    if row is None:
        return None
    held, user = row
    idle = now - held.seen_at > timedelta(seconds=settings.session_idle_s)
    old = now - held.created_at > timedelta(seconds=settings.session_absolute_s)
    if (idle or old) and not (user.agent_id and in_call(user.agent_id)):
        return None
    if counts_as_use and now - held.seen_at > SEEN_EVERY:
        async with store.write() as writing:
            await writing.execute(
                update(SignInSession).where(SignInSession.token_hash == session_hash).values(seen_at=now)
            )
    return _signed_in(user, session_hash, store.keyring, address)


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


# passes to the live stream --------------------------------------------------------------------------------------------
async def issue_ws_ticket(session: AsyncSession, me: SignedIn, now: datetime) -> tuple[str, int]:
    """The pass and its life in seconds."""
    ticket = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        WsTicket(
            ticket_hash=hashed(ticket),
            session_hash=me.session_hash,
            expires_at=now + timedelta(seconds=WS_TICKET_S),
        )
    )
    return ticket, WS_TICKET_S


async def redeem_ws_ticket(session: AsyncSession, keyring: Keyring, ticket: str, now: datetime) -> SignedIn | None:
    """The person of the session it was made for; None if unknown, used, too old, or the session has ended."""
    session_hash = await session.scalar(
        update(WsTicket)
        .where(WsTicket.ticket_hash == hashed(ticket), WsTicket.used_at.is_(None), WsTicket.expires_at > now)
        .values(used_at=now)
        .returning(WsTicket.session_hash)
    )
    if session_hash is None:
        return None
    row = (
        await session.execute(
            select(SignInSession.address, User)
            .join(User, User.id == SignInSession.user_id)
            .where(SignInSession.token_hash == session_hash, SignInSession.ended_at.is_(None), User.active)
        )
    ).one_or_none()
    return None if row is None else _signed_in(row[1], session_hash, keyring, row[0])


async def tidy(store: Store, settings: Settings, now: datetime) -> None:
    """Drop what has run out. Safe at any time and twice."""
    async with store.write() as session:
        await session.execute(delete(WsTicket).where(WsTicket.expires_at < now))
        await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEYS_KEPT))
        window = timedelta(seconds=2 * settings.sign_in_window_s)
        await session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - window))
        ended = select(SignInSession.token_hash).where(SignInSession.ended_at < now - ENDED_SESSIONS_KEPT)
        await session.execute(delete(WsTicket).where(WsTicket.session_hash.in_(ended)))
        await session.execute(delete(SignInSession).where(SignInSession.ended_at < now - ENDED_SESSIONS_KEPT))
