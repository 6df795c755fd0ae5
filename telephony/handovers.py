"""What a centre sends along with a citizen whom it hands over (pure)."""

from __future__ import annotations

import base64
import binascii
import re

LONGEST = 200
"""Characters of a summary."""
LONGEST_HEADER = 4 * LONGEST
"""Of what a centre sends, before the padding: base64url of so many characters of three bytes each."""
REFUSED = frozenset({"summary", "number"})
"""What the dialplan may say that it took from no header, because of its form."""
_BASE64URL = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_HEADER}}}={{0,2}}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def summary_of(header: str) -> str | None:
    """The text of an ``X-Handover-Summary`` (base64url of UTF-8), on one line; None where it is malformed."""
    if not _BASE64URL.fullmatch(header):
        return None
    bare = header.rstrip("=")
    try:
        text = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return " ".join(_CONTROL.sub(" ", text).split())[:LONGEST]
