"""Why a trustee's file is not taken, in sentences that somebody understands who knows none of our words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from verifier.record.entries import Type
from voting.errors import BoardInconsistent, EntryRefused, VotingError
from voting.trustees.errors import HandInRefused

SECRET = (b'"box":', b'"checksum":', b'"lock":')
"""what is in every file of `tally.sealed`"""


def not_ours(head: bytes) -> HandInRefused:
    """A file that does not begin as the program's files do; `head` is its beginning."""
    if head.startswith(b'{"about":') or all(part in head for part in SECRET):
        return HandInRefused(
            "secret",
            _(
                "This is a secret file: your key or your share. Never hand it in anywhere. It is encrypted, and it was "
                "not kept here. Hand in the file that the program has written beside it, such as rehearsal-2.json."
            ),
        )
    if head.startswith(b"PK\x03\x04"):
        return HandInRefused(
            "archive",
            _("This is a zip file, such as the board that you took from here. Give it to the program, and hand in "
              "the file that the program writes."),
        )  # fmt: skip
    return HandInRefused(
        "not-ours",
        _(
            "This is not a file that the trustees' program has written, or another program has changed it. Hand in "
            "the file that the program named at its end, such as rehearsal-2.json, without opening it."
        ),
    )


def damaged() -> HandInRefused:
    """It begins as it should, and is not whole."""
    return HandInRefused(
        "damaged",
        _(
            "The file is damaged: it is not what the program has written. Copy it from the stick again, or let the "
            "program write it again."
        ),
    )


def unavailable(error: VotingError) -> HandInRefused:
    """The file may be right: it is the server that cannot take it."""
    broken = isinstance(error, BoardInconsistent)
    return HandInRefused(
        error.code,
        _("The server cannot take anything now, because its board is not in order. Tell the election board.")
        if broken
        else _("The server cannot take anything now. Try again in a few minutes, or tell the election board."),
    )


def signature_refused(who: dict[str, Any]) -> HandInRefused:
    """`who`: number and name of the trustee for whom the file speaks."""
    return HandInRefused(
        "signature",
        _(
            "The file speaks for trustee %(number)s (%(name)s), but it is not signed with the key of this trustee, or "
            "it was changed after it was signed. Nobody knows who made it. Nothing was taken."
        )
        % who,
    )


def entry_refused(refusal: EntryRefused, kind: Type, who: dict[str, Any]) -> HandInRefused:
    """What replay said, for people. Election, trustee and signature were looked at before: it is this trustee's."""
    check = refusal.code.split()[0]
    if check in ("V4.1", "V4.2"):
        return damaged()
    if check == "V3.15":  # another copy was faster
        return HandInRefused("already", _("The file of trustee %(number)s (%(name)s) is there already.") % who)
    if check in ("V3.8", "V3.18"):
        return HandInRefused(
            "stage", _("This is not the time for this file any more. Look at what this page says now.")
        )
    if check == "V3.3":
        return HandInRefused(
            "other-key",
            _("Trustee %(number)s (%(name)s) confirms the share of another key than the one on the board.") % who,
        )
    if check == "V3.2":
        return HandInRefused(
            "other-set",
            _("Partial roots of trustee %(number)s (%(name)s): they are of something else than what the board names "
              "for opening. Take the board from this page again and let the program open that.")
            % who,
        )  # fmt: skip
    if kind is Type.PARTIAL_ROOTS:
        return HandInRefused(
            "proof",
            _("Partial roots of trustee %(number)s (%(name)s): the proof does not hold. They were not taken. The "
              "others can go on without them.")
            % who,
        )  # fmt: skip
    return HandInRefused(check, _("The board does not accept this file (%(check)s).") % {"check": refusal.code})
