"""What can go wrong in the server, and the one table that says which HTTP answer each error becomes.

ServerError
├── NotSignedIn             no session, or one that has ended (401)
├── SignInRefused           wrong name or password, or the account is closed; never says which (401)
├── SignInLocked            too many failures of this account from this address (429)
├── Forbidden               the role may not do this, or it is not this person's own (403)
├── CsrfRefused             a change without the session's token in X-CSRF-Token (403)
├── NotFound                nothing of that id, or nothing this person may know of (404)
├── VersionConflict         somebody changed it since it was read; carries what it is now (409)
├── NotNow                  the present state does not allow it (409)
├── InvalidField            a value breaks the rule of its field; the value itself is not kept (422)
├── MissingFields           required fields are empty (422)
├── KeyReused               the Idempotency-Key was used for another request (422)
├── StillRunning            the first request under this Idempotency-Key has not ended (409)
└── Overloaded              a bounded resource is full; try again (503)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from telephony import errors as telephony

log = structlog.get_logger(__name__)


class ServerError(Exception):
    """Root of the tree."""


class NotSignedIn(ServerError):
    """Sign in first."""


class SignInRefused(ServerError):
    """Wrong name or password."""


class SignInLocked(ServerError):
    """Too many failures; wait."""

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__("sign-in is locked")
        self.retry_after_s = retry_after_s


class Forbidden(ServerError):
    """``action`` is not allowed to this person here."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not allowed")
        self.action = action


class CsrfRefused(ServerError):
    """The header X-CSRF-Token does not carry the session's token."""


class NotFound(ServerError):
    """``what`` names the kind of thing, never the id that was asked for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no such {what}")
        self.what = what


class VersionConflict(ServerError):
    """``current`` is the thing as it is now, in the shape its own GET gives."""

    def __init__(self, current: Mapping[str, Any]) -> None:
        super().__init__("changed by somebody else since it was read")
        self.current = current


class NotNow(ServerError):
    """``reason`` is ours and static."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidField(ServerError, ValueError):
    """``rule`` says what the field takes. The value is not kept: it may be hostile or personal."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} must be {rule}")
        self.field = field
        self.rule = rule


class MissingFields(ServerError):
    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__("required fields are empty")
        self.fields = fields


class KeyReused(ServerError):
    """This Idempotency-Key belongs to another request."""


class StillRunning(ServerError):
    """The first request under this Idempotency-Key has not ended yet."""


class Overloaded(ServerError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is at its limit")
        self.what = what


class ErrorBody(BaseModel):
    """The body of every error. ``error`` is a code for programs, ``detail`` a sentence for people who read logs."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": "not_found", "detail": "no such call", "field": None}]}
    )

    error: str
    detail: str
    field: str | None = None


class ConflictBody(ErrorBody):
    """``current`` is the thing as it is now, where it was changed by somebody else."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "version_conflict",
                    "detail": "changed by somebody else since it was read",
                    "field": None,
                    "current": {"id": "8f9f1b1e-6b1b-4d57-9f0a-0f2f1f6f7d11", "version": 5},
                }
            ]
        }
    )

    current: dict[str, Any] | None = None


class MissingFieldsBody(ErrorBody):
    """``fields`` are the required ones that are empty; left out where it is one value that breaks its rule."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "missing_fields",
                    "detail": "required fields are empty",
                    "field": None,
                    "fields": ["title", "address"],
                }
            ]
        }
    )

    fields: list[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """How one kind of error is told. ``detail`` None: the exception's own words (ours, without values)."""

    status: int
    code: str
    detail: str | None = None
    extra: Callable[[Any], dict[str, Any]] = field(default=lambda _: {})
    headers: Callable[[Any], dict[str, str]] = field(default=lambda _: {})


def _field(error: Any) -> dict[str, Any]:
    return {"field": error.field}


def _retry(_: Any) -> dict[str, str]:
    return {"Retry-After": "2"}


ANSWERS: Mapping[type[Exception], Answer] = {
    NotSignedIn: Answer(status=401, code="not_signed_in", detail="sign in first"),
    SignInRefused: Answer(status=401, code="sign_in_refused", detail="wrong name or password"),
    SignInLocked: Answer(
        status=429,
        code="sign_in_locked",
        detail="too many failures, try again later",
        headers=lambda error: {"Retry-After": str(error.retry_after_s)},
    ),
    Forbidden: Answer(status=403, code="forbidden"),
    CsrfRefused: Answer(status=403, code="csrf", detail="the X-CSRF-Token header does not match the session"),
    NotFound: Answer(status=404, code="not_found"),
    VersionConflict: Answer(status=409, code="version_conflict", extra=lambda error: {"current": dict(error.current)}),
    NotNow: Answer(status=409, code="not_now"),
    InvalidField: Answer(status=422, code="invalid", extra=_field),
    MissingFields: Answer(status=422, code="missing_fields", extra=lambda error: {"fields": list(error.fields)}),
    KeyReused: Answer(status=422, code="key_reused", detail="this Idempotency-Key belongs to another request"),
    StillRunning: Answer(
        status=409, code="still_running", detail="the first request under this key has not ended", headers=_retry
    ),
    Overloaded: Answer(status=503, code="overloaded", headers=_retry),
    telephony.Refused: Answer(status=409, code="refused"),
    telephony.UnknownCall: Answer(status=404, code="not_found", detail="no such live call"),
    telephony.UnknownAgent: Answer(status=404, code="not_signed_in_to_a_seat", detail="nobody is signed in here"),
    telephony.InvalidValue: Answer(status=422, code="invalid", extra=_field),
    telephony.SwitchUnavailable: Answer(status=503, code="switch_unavailable", headers=_retry),
    telephony.ActionFailed: Answer(status=502, code="switch_refused", detail="the switch refused the action"),
    telephony.ActionUnanswered: Answer(
        status=202, code="outcome_unknown", detail="sent, and not answered in time; the state will show the outcome"
    ),
    OperationalError: Answer(
        status=503, code="records_unavailable", detail="the database does not answer", headers=_retry
    ),
    InterfaceError: Answer(
        status=503, code="records_unavailable", detail="the database does not answer", headers=_retry
    ),
    PoolExhausted: Answer(status=503, code="records_unavailable", detail="the database is busy", headers=_retry),
}
"""Looked up along the class's bases, so a subclass is answered as its nearest listed base."""

_OUR_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""A name in an error's place that may be repeated; a sender can put anything there as the name of a field."""

ONLY_READS = "25006"
"""PostgreSQL's read_only_sql_transaction: a standby not promoted yet, or a server that takes no writes."""

UNEXPECTED = Answer(status=500, code="internal", detail="an unexpected error; it has been logged")

HTTP_CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "media_type"}


def answer_to(error: Exception) -> Answer:
    """The row of the table for this error. A database that only reads says so by a code of its own."""
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == ONLY_READS:
        return ANSWERS[OperationalError]
    for kind in type(error).__mro__:
        if kind in ANSWERS:
            return ANSWERS[kind]
    return UNEXPECTED


def body_of(error: Exception) -> dict[str, Any]:
    """The JSON body; holds no value that a request carried."""
    answer = answer_to(error)
    detail = answer.detail if answer.detail is not None else str(error)
    return {"error": answer.code, "detail": detail, "field": None, **answer.extra(error)}


def body_of_validation(errors: list[Mapping[str, Any]] | list[Any]) -> dict[str, Any]:
    """The first thing that is wrong with a request: which field, which rule; never what was sent."""
    first = errors[0]
    name = next((part for part in reversed(first["loc"]) if isinstance(part, str)), "body")  # a number is a position
    ours = name != "body" and _OUR_NAME.fullmatch(name)
    return {"error": "invalid", "detail": str(first["msg"]), "field": name if ours else None}


def install(app: FastAPI) -> None:
    """Answer every error of this server in one shape."""
    for kind in (*ANSWERS, telephony.TelephonyError, ServerError, DBAPIError, Exception):
        app.add_exception_handler(kind, _respond)
    app.add_exception_handler(RequestValidationError, _respond_invalid)
    app.add_exception_handler(HTTPException, _respond_http)


async def _respond(request: Request, error: Exception) -> JSONResponse:
    answer = answer_to(error)
    if answer is UNEXPECTED:
        log.error("request failed", method=request.method, code=answer.code, exc_info=error)
    elif answer.status >= 500:
        log.warning("request not served", method=request.method, code=answer.code, error_type=type(error).__name__)
    return JSONResponse(body_of(error), status_code=answer.status, headers=answer.headers(error))


async def _respond_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse(body_of_validation(list(error.errors())), status_code=422)


async def _respond_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    body = {"error": HTTP_CODES.get(error.status_code, "http"), "detail": str(error.detail), "field": None}
    return JSONResponse(body, status_code=error.status_code, headers=dict(error.headers or {}))


_DOCS: Mapping[int, tuple[type[BaseModel], str]] = {
    401: (ErrorBody, "Not signed in"),
    403: (ErrorBody, "Not allowed to this person, or the CSRF token is missing"),
    404: (ErrorBody, "No such thing, or not this person's to know"),
    409: (ErrorBody, "The present state does not allow it"),
    422: (ErrorBody, "A value breaks the rule of its field"),
    429: (ErrorBody, "Too many failures; see Retry-After"),
    502: (ErrorBody, "The switch refused"),
    503: (ErrorBody, "The switch or the database is away; see Retry-After"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route that may answer with these errors."""
    return {status: {"model": _DOCS[status][0], "description": _DOCS[status][1]} for status in statuses}
