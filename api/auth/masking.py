"""How personal data is shown to those who need not read it (pure)."""

from __future__ import annotations


def masked_number(number: str | None) -> str:
    """``138****0000``; of a shorter number only its two ends stay."""
    if not number:
        return ""
    if len(number) >= 11:
        return f"{number[:3]}****{number[-4:]}"
    shown = 2 if len(number) >= 7 else 1
    hidden = max(len(number) - 2 * shown, 1)
    return f"{number[:shown]}{'*' * hidden}{number[-shown:] if len(number) > shown + 1 else ''}"


def masked_name(name: str | None) -> str:
    """``王**``: the first character alone."""
    return f"{name[:1]}**" if name else ""
