"""Who may do what: the one place where it is decided.

`PERMITTED` says which roles may perform an act, at the office that appointed them. `FOUR_EYES` says who may ask for an
act that needs two people, and who of the others may approve it. Nobody has more than these tables say: there is no
superuser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OfficeKind(TextChoices):
    """What an office is; it limits which roles it can appoint."""

    BOARD = "board", _("municipal election board")
    PREFECTURE = "prefecture", _("prefectural election board")
    NATIONAL = "national", _("national election board")
    HEALTH = "health", _("health centre or quarantine station")
    FACILITY = "facility", _("hospital or care facility")
    INSTITUTION = "institution", _("detention facility")
    SHIP = "ship", _("ship")
    UNIT = "unit", _("overseas unit or Antarctic party")
    PORT = "port", _("election board of a designated port")
    PLATFORM = "platform", _("operator of this system")


class Role(TextChoices):
    """The roles of the law, and those that a computer adds (domain document, section 5)."""

    BOARD_CLERK = "board-clerk", _("election board clerk")
    BOARD_CHAIR = "board-chair", _("election board chair")
    POLL_MANAGER = "poll-manager", _("polling station manager")
    POLL_WITNESS = "poll-witness", _("polling witness")
    COUNT_MANAGER = "count-manager", _("counting manager")
    COUNT_WITNESS = "count-witness", _("counting witness")
    RETURNING_OFFICER = "returning-officer", _("returning officer")
    ATTESTOR = "attestor", _("absentee voting manager")
    HEALTH_OFFICER = "health-officer", _("health officer")
    PREFECTURE_CLERK = "prefecture-clerk", _("prefectural clerk")
    NATIONAL_CLERK = "national-clerk", _("national clerk")
    AUDITOR = "auditor", _("auditor")
    SYSTEM_ADMIN = "system-admin", _("system administrator")


class Act(TextChoices):
    """Everything that an official can do here."""

    VIEW_ELECTION = "view-election", _("look at an election's definition")
    DEFINE_ELECTION = "define-election", _("define an election")
    FIX_DEFINITION = "fix-definition", _("fix contests and candidates")
    OPEN_POLLS = "open-polls", _("open the polls")
    CLOSE_POLLS = "close-polls", _("close the polls")
    CHANGE_OFFER = "change-offer", _("change a category's dates before notice day")
    CHANGE_OFFER_LATE = "change-offer-late", _("change a category's dates from notice day on")
    VIEW_ROLL = "view-roll", _("look somebody up on the roll")
    PREPARE_IMPORT = "prepare-import", _("upload and check a roll file")
    IMPORT_ROLL = "import-roll", _("take over a roll file")
    COMMIT_ROLL = "commit-roll", _("commit to the roll on the board")
    TELL_APART = "tell-apart", _("declare two roll rows two people")
    MATCH_BY_HAND = "match-by-hand", _("match an applicant to a roll row by hand")
    VIEW_MARKS = "view-marks", _("see who has been issued a ballot")
    MARK_PAPER = "mark-paper", _("record a vote on paper")
    UNDO_PAPER = "undo-paper", _("take back a vote on paper that was recorded by mistake")
    VIEW_APPLICATIONS = "view-applications", _("look at applications")
    REVIEW = "review", _("review an application")
    DECIDE = "decide", _("approve or reject an application")
    VIEW_EVIDENCE = "view-evidence", _("open an evidence file")
    CONFIRM_ISOLATION = "confirm-isolation", _("confirm a period of isolation")
    FILE_FOR_OTHERS = "file-for-others", _("file requests for residents, crew or members")
    DESIGNATE = "designate", _("designate facilities")
    ISSUE_LETTER = "issue-letter", _("print a letter with a one-time code")
    ATTEST_VOTE = "attest-vote", _("stand by as head of the place when somebody votes")
    ASSIST_VOTE = "assist-vote", _("help somebody to vote, or watch the help")
    GIVE_BACK = "give-back", _("cancel an issued ballot")
    REPLACE_CREDENTIAL = "replace-credential", _("replace a lost phone's key")
    REFUSE_BALLOT = "refuse-ballot", _("refuse a cast ballot")
    VIEW_COUNTING = "view-counting", _("follow the count")
    FREEZE_TALLY = "freeze-tally", _("freeze what is counted")
    PUBLISH_RESULT = "publish-result", _("publish the result")
    ADJUDICATE = "adjudicate", _("decide about written names")
    PRORATE = "prorate", _("divide votes for a shared name")
    VIEW_RECORDS = "view-records", _("print the records")
    VIEW_REGISTER = "view-register", _("print the register of absentee voting")
    SEAL_RECORDS = "seal-records", _("seal the records")
    EXPORT_PERSONAL_DATA = "export-personal-data", _("export personal data")
    VIEW_ACCESS_LOG = "view-access-log", _("check the access log")
    GRANT_ROLE = "grant-role", _("appoint an official")
    END_ROLE = "end-role", _("end an appointment")
    RESET_SECOND_FACTOR = "reset-second-factor", _("reset a lost second factor")


_CLERK, _CHAIR = Role.BOARD_CLERK, Role.BOARD_CHAIR
_BOARD = frozenset({_CLERK, _CHAIR})
_POLL = frozenset({Role.POLL_MANAGER, Role.POLL_WITNESS})
_COUNT = frozenset({Role.COUNT_MANAGER, Role.COUNT_WITNESS, Role.RETURNING_OFFICER})

PERMITTED: Mapping[Act, frozenset[Role]] = MappingProxyType(
    {
        Act.VIEW_ELECTION: frozenset(Role),
        Act.DEFINE_ELECTION: _BOARD,
        Act.CHANGE_OFFER: _BOARD,
        Act.VIEW_ROLL: _BOARD,
        Act.PREPARE_IMPORT: _BOARD,
        Act.VIEW_MARKS: _BOARD | _POLL,
        Act.MARK_PAPER: _BOARD | {Role.POLL_MANAGER},
        Act.VIEW_APPLICATIONS: _BOARD,
        Act.REVIEW: _BOARD,
        Act.DECIDE: frozenset({_CHAIR}),
        Act.VIEW_EVIDENCE: _BOARD,
        Act.CONFIRM_ISOLATION: frozenset({Role.HEALTH_OFFICER}),
        Act.FILE_FOR_OTHERS: frozenset({Role.ATTESTOR}),
        Act.DESIGNATE: frozenset({Role.PREFECTURE_CLERK}),
        Act.ISSUE_LETTER: _BOARD,
        Act.ATTEST_VOTE: frozenset({Role.ATTESTOR}),
        Act.ASSIST_VOTE: _BOARD | _POLL | {Role.ATTESTOR},
        Act.VIEW_COUNTING: _BOARD | _COUNT | {Role.POLL_MANAGER},
        Act.PRORATE: _BOARD | _COUNT,
        Act.VIEW_RECORDS: _BOARD | {Role.POLL_MANAGER, Role.COUNT_MANAGER, Role.RETURNING_OFFICER},
        Act.VIEW_REGISTER: _BOARD,
        Act.VIEW_ACCESS_LOG: frozenset({Role.AUDITOR}),
        Act.END_ROLE: frozenset({_CHAIR, Role.SYSTEM_ADMIN}),
    }
)
"""Acts that one official performs alone."""


@dataclass(frozen=True)
class TwoPeople:
    """Who asks for an act, and who, being somebody else, approves it."""

    requested_by: frozenset[Role]
    approved_by: frozenset[Role]


_BOARD_ACT = TwoPeople(_BOARD, frozenset({_CHAIR}))
# The count is the counting manager's, before witnesses (公職選挙法66条, 67条); the manager reports its result to the
# returning officer (66条3項).
_COUNT_ACT = TwoPeople(frozenset({Role.COUNT_MANAGER}), frozenset({Role.COUNT_WITNESS}))
_RESULT_ACT = TwoPeople(frozenset({Role.COUNT_MANAGER}), frozenset({Role.RETURNING_OFFICER}))

FOUR_EYES: Mapping[Act, TwoPeople] = MappingProxyType(
    {
        Act.FIX_DEFINITION: _BOARD_ACT,
        Act.OPEN_POLLS: _BOARD_ACT,
        Act.CLOSE_POLLS: _BOARD_ACT,
        Act.CHANGE_OFFER_LATE: _BOARD_ACT,
        Act.IMPORT_ROLL: TwoPeople(_BOARD, _BOARD),
        Act.COMMIT_ROLL: _BOARD_ACT,
        Act.TELL_APART: TwoPeople(_BOARD, _BOARD),
        Act.UNDO_PAPER: TwoPeople(_BOARD | {Role.POLL_MANAGER}, _BOARD),
        Act.MATCH_BY_HAND: TwoPeople(_BOARD, _BOARD),
        Act.GIVE_BACK: TwoPeople(_BOARD, _BOARD),
        Act.REPLACE_CREDENTIAL: TwoPeople(_BOARD, _BOARD),
        Act.REFUSE_BALLOT: TwoPeople(frozenset({Role.POLL_MANAGER}), frozenset({Role.POLL_WITNESS})),
        Act.FREEZE_TALLY: _COUNT_ACT,
        Act.PUBLISH_RESULT: _RESULT_ACT,
        Act.ADJUDICATE: _COUNT_ACT,
        Act.SEAL_RECORDS: _BOARD_ACT,
        Act.EXPORT_PERSONAL_DATA: _BOARD_ACT,
        Act.GRANT_ROLE: _BOARD_ACT,
        Act.RESET_SECOND_FACTOR: _BOARD_ACT,
    }
)
"""Acts that need two people (domain document, section 5). What goes to the board also carries two signatures there."""

APPOINTS: Mapping[OfficeKind, frozenset[Role]] = MappingProxyType(
    {
        OfficeKind.BOARD: _BOARD
        | _POLL
        | {Role.COUNT_MANAGER, Role.COUNT_WITNESS, Role.RETURNING_OFFICER, Role.AUDITOR},
        OfficeKind.PREFECTURE: frozenset({Role.PREFECTURE_CLERK}),
        OfficeKind.NATIONAL: frozenset({Role.NATIONAL_CLERK}),
        OfficeKind.HEALTH: frozenset({Role.HEALTH_OFFICER}),
        OfficeKind.FACILITY: frozenset({Role.ATTESTOR}),
        OfficeKind.INSTITUTION: frozenset({Role.ATTESTOR}),
        OfficeKind.SHIP: frozenset({Role.ATTESTOR}),
        OfficeKind.UNIT: frozenset({Role.ATTESTOR}),
        OfficeKind.PORT: frozenset({Role.ATTESTOR}),
        OfficeKind.PLATFORM: frozenset({Role.SYSTEM_ADMIN}),
    }
)

INCOMPATIBLE: tuple[tuple[Role, Role], ...] = (
    *((Role.AUDITOR, role) for role in Role if role is not Role.AUDITOR),
    *((Role.SYSTEM_ADMIN, role) for role in Role if role not in (Role.SYSTEM_ADMIN, Role.AUDITOR)),
    (Role.POLL_MANAGER, Role.POLL_WITNESS),
    (Role.COUNT_MANAGER, Role.COUNT_WITNESS),
)
"""Pairs that nobody holds together: who audits does nothing else, and who runs the machines decides nothing."""
