"""The form for a request: every category by every alternative of its evidence, and damage of every kind of field."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from tests.voting import kakuu, offices
from tests.voting.applications.test_files import HEIC, JPEG, PDF, PNG
from tests.voting.applications.test_requests import CODES
from tests.voting.apply.filled import address, errors, filled, photo, send, text, voter
from tests.voting.kakuu import World
from voting.applications.catalogue import load_catalogue
from voting.applications.claims import EVIDENCE, FileRule
from voting.applications.evidence import MOST_FILES
from voting.applications.files import LARGEST_FILE, media_type
from voting.applications.models import Application, Category, Evidence, Notice
from voting.applications.offers import load_categories
from voting.applications.requests import HEADS, waits_for_health
from voting.applications.states import State
from voting.apply.forms import EvidenceForm, RequestForm, places_of
from voting.officials.roles import OfficeKind

pytestmark = pytest.mark.django_db

ORDER = "0-ISOLATION_ORDER"
"""How the fields of the document in COVID_HOME begin."""


def alternatives() -> list[tuple[str, int]]:
    """(category, number of the alternative) of the shipped catalogue."""
    return [(seed.code, number) for seed in load_catalogue() for number in range(len(seed.evidence))]


def nothing_is_stored() -> None:
    for model in (Application, Evidence, Notice):
        assert not model._default_manager.exists()


def refused(world: World, code: str, fields: dict[str, Any]) -> dict[str, str]:
    """What the form says is wrong, by the id of the field; nothing was stored, and the page is the form."""
    answer = send(world, code, fields)
    assert answer.status_code == 200
    assert 'role="alert"' in text(answer)
    nothing_is_stored()
    return errors(answer)


# Taken


def test_the_catalogue_is_all_here() -> None:
    assert {code for code, _number in alternatives()} == set(CODES)


@pytest.mark.parametrize(("code", "number"), alternatives())
def test_every_alternative_of_every_category_goes_through(world: World, code: str, number: int) -> None:
    """The page has each field of each alternative; what is sent arrives as the services would have taken it."""
    category = world.offers[code].category
    page = text(voter().get(address(world, code)))
    for at, kinds in enumerate(category.evidence):
        for kind in kinds:
            for field in EVIDENCE[kind].fields:
                assert f'name="{at}-{kind}.{field.name}' in page
            assert (f'name="{at}-{kind}.file"' in page) == (EVIDENCE[kind].file is not FileRule.NONE)
    kinds = tuple(category.evidence[number])
    made = kakuu.request(world, code, kinds=kinds)
    answer = send(world, code, filled(world, code, kinds=kinds))
    assert answer.status_code == 302, errors(answer)
    stored = Application.objects.get()
    assert stored.claims == made.claims
    assert stored.office == made.office
    for name, value in vars(made.applicant).items():
        assert getattr(stored, name) == value, name
    assert (stored.offer, stored.way, stored.sworn) == (world.offers[code], Application.Way.SELF, True)
    assert [file.kind for file in stored.files.all()] == [kind for kind, _data in made.files]
    waits = code in kakuu.PLACE_OF or "OMITTED_WITH_REASON" in kinds
    assert stored.state == (State.TO_CONFIRM if waits else State.REQUESTED)


@pytest.mark.parametrize("data", [PDF, JPEG, PNG, HEIC], ids=["pdf", "jpeg", "png", "heic"])
def test_photos_and_pdfs_are_taken_whatever_they_are_called(world: World, data: bytes) -> None:
    """Several for one piece of evidence, too: the two sides of a letter."""
    files = {f"{ORDER}.file": [photo(data, "virus.exe"), photo(PNG, "order")]}
    assert send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), **files}).status_code == 302
    kinds = [file.media_type for file in Application.objects.get().files.all()]
    assert kinds == [media_type(data), "image/png"]


def test_several_files_are_taken(world: World) -> None:
    files = {f"{ORDER}.file": [photo(PNG) for _ in range(MOST_FILES)]}
    assert send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), **files}).status_code == 302
    assert Application.objects.get().files.count() == MOST_FILES


def test_days_can_be_typed_in_either_calendar(world: World) -> None:
    """Where a browser has no calendar to choose from, it sends what was typed."""
    last = world.e(3).date()
    typed = {
        f"{ORDER}.period.end": f"R{last.year - 2018}.{last.month}.{last.day}",
        f"{ORDER}.issued_on": "２０２６/1/2",
    }
    assert send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), **typed}).status_code == 302
    claim = Application.objects.get().claims["ISOLATION_ORDER"]
    assert (claim["period"]["end"], claim["issued_on"]) == (last.isoformat(), "2026-01-02")


def test_a_birthday_by_era_is_taken(world: World) -> None:
    typed = filled(world, "OTHER_BOARD", calendar="S", year="５５")
    assert send(world, "OTHER_BOARD", typed).status_code == 302
    assert Application.objects.get().elector == world.electors["taro"]


def test_texts_are_stored_on_one_line(world: World) -> None:
    """A postal address has several, on the page."""
    typed = filled(world, "OTHER_BOARD", address="架空市中央\r\n一丁目1番地1号 ", name="　架空　太郎　")
    assert send(world, "OTHER_BOARD", typed).status_code == 302
    stored = Application.objects.get()
    assert (stored.address, stored.name) == ("架空市中央 一丁目1番地1号", "架空　太郎")


@pytest.mark.parametrize(("given", "stored"), [("F", "F"), ("M", "M"), ("-", ""), ("", "")])
def test_the_sex_need_not_be_stated(world: World, given: str, stored: str) -> None:
    assert send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD", sex=given)).status_code == 302
    assert Application.objects.get().sex == stored


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en"])
def test_the_language_is_that_of_the_page(world: World, language: str) -> None:
    """Messages come in it."""
    client = Client(headers={"accept-language": language})
    send(world, "OTHER_BOARD", filled(world, "OTHER_BOARD"), client)
    assert Application.objects.get().language == language


# Only the chosen alternative counts


def test_what_is_typed_into_another_alternative_is_not_judged_and_stays(world: World) -> None:
    """Half a day, no file and an office that is none, where the document was chosen."""
    other = {
        "1-OMITTED_WITH_REASON.omission": "架" * 501,
        "1-OMITTED_WITH_REASON.period.start": "soon",
        "1-office": "none",
    }
    fields = {**filled(world, "COVID_HOME"), **other}
    answer = send(world, "COVID_HOME", {**fields, "name": ""})
    assert errors(answer).keys() == {"id_name"}
    assert "架" * 501 in text(answer) and 'value="soon"' in text(answer)
    assert text(answer).count('class="error"') == 1
    fields[f"{ORDER}.file"] = photo(PNG)
    assert send(world, "COVID_HOME", fields).status_code == 302
    assert list(Application.objects.get().claims) == ["ISOLATION_ORDER"]


def test_a_file_of_another_alternative_is_not_stored(world: World) -> None:
    fields = filled(world, "OUTBREAK_GENERIC", kinds=("OMITTED_WITH_REASON",))
    fields["0-ISOLATION_ORDER.file"] = photo(b"MZ")
    assert send(world, "OUTBREAK_GENERIC", fields).status_code == 302
    assert not Evidence.objects.exists()


@pytest.mark.parametrize("choice", ["", "2", "-1", "x", "0 ", "１"])
def test_an_alternative_has_to_be_chosen(world: World, choice: str) -> None:
    fields = filled(world, "COVID_HOME", alternative=choice)
    assert refused(world, "COVID_HOME", fields) == {"id_alternative_0": "Choose one of these."}


def test_where_there_is_one_there_is_nothing_to_choose(world: World) -> None:
    page = text(voter().get(address(world, "OTHER_BOARD")))
    assert 'name="alternative"' not in page
    fields = {**filled(world, "OTHER_BOARD"), "alternative": "7"}
    assert send(world, "OTHER_BOARD", fields).status_code == 302


# Damage, field by field

TOO_LONG = "At most %d characters."
UNSEEN = "The text holds characters that cannot be shown."
NO_DATE = "A date such as 2026-05-10 was expected."
BACKWARDS = "The last day is before the first day."


@pytest.mark.parametrize(
    ("name", "value", "where", "message"),
    [
        ("name", "", "id_name", "This is needed."),
        ("name", "　 ", "id_name", "This is needed."),
        ("name", "架" * 101, "id_name", TOO_LONG % 100),
        ("name", "架空\u202e太郎", "id_name", UNSEEN),
        ("name", "架空\x07太郎", "id_name", UNSEEN),
        ("kana", "カ" * 101, "id_kana", TOO_LONG % 100),
        ("year", "", "id_year", "Enter your date of birth: year, month and day."),
        ("year", "80", "id_year", "Write the year with four digits, or choose the era."),
        ("year", "2999", "id_year", "This day is still to come: 2999-4-1"),
        ("month", "13", "id_year", "The month is a number from 1 to 12."),
        ("day", "x", "id_year", "The day is a number from 1 to 31."),
        ("sex", "X", "id_sex_0", "Choose one of the list."),
        ("address", "", "id_address", "This is needed."),
        ("address", "架" * 201, "id_address", TOO_LONG % 200),
        ("staying_at", "架" * 201, "id_staying_at", TOO_LONG % 200),
        ("staying_at", "\x1b[2J", "id_staying_at", UNSEEN),
        ("email", "nobody", "id_email", "Enter a valid email address."),
        ("email", "a@example.jp\nBcc: b@example.jp", "id_email", "Enter a valid email address."),
        ("email", "a" * 250 + "@example.jp", "id_email", None),
        ("phone", "0" * 21, "id_phone", TOO_LONG % 20),
        ("sworn", "", "id_sworn", "The declaration that the request is true is missing."),
    ],
)  # fmt: skip
def test_who_asks_is_checked(world: World, name: str, value: str, where: str, message: str | None) -> None:
    """Each fault is at its field and in the summary, and the rest is kept as it was typed."""
    answer = send(world, "OTHER_BOARD", {**filled(world, "OTHER_BOARD"), name: value})
    faults = errors(answer)
    assert list(faults) == [where]
    assert message is None or faults[where] == message
    page = text(answer)
    assert f'href="#{where}"' in page and page.count('class="error"') == 1
    assert "0-SWORN_REASON.item_0" in page and 'value="work"' in page
    if name != "email":
        assert 'value="voter@example.jp"' in page
    nothing_is_stored()


@pytest.mark.parametrize(
    ("code", "name", "value", "where", "message"),
    [
        ("COVID_HOME", "ISOLATION_ORDER.issuer", "", "issuer", "This is needed."),
        ("COVID_HOME", "ISOLATION_ORDER.issuer", "保" * 101, "issuer", TOO_LONG % 100),
        ("COVID_HOME", "ISOLATION_ORDER.issuer", "\u200b", "issuer", UNSEEN),
        ("COVID_HOME", "ISOLATION_ORDER.number", "1" * 41, "number", TOO_LONG % 40),
        ("COVID_HOME", "ISOLATION_ORDER.issued_on", "soon", "issued_on", NO_DATE),
        ("COVID_HOME", "ISOLATION_ORDER.issued_on", "2026-02-30", "issued_on", "There is no such day."),
        ("COVID_HOME", "ISOLATION_ORDER.issued_on", "0999-01-01", "issued_on", "The year is out of range."),
        ("COVID_HOME", "ISOLATION_ORDER.period.start", "", "period.start", "This is needed."),
        ("COVID_HOME", "ISOLATION_ORDER.period.end", "", "period.end", "This is needed."),
        ("COVID_HOME", "ISOLATION_ORDER.period.end", "1999-01-01", "period.end", BACKWARDS),
        ("COVID_HOME", "ISOLATION_ORDER.period.start", "9" * 9999, "period.start", NO_DATE),
        ("OTHER_BOARD", "SWORN_REASON.item", "", "item_0", "This is needed."),
        ("OTHER_BOARD", "SWORN_REASON.item", "holiday", "item_0", "Choose one of the list."),
        ("OTHER_BOARD", "SWORN_REASON.details", "架" * 501, "details", TOO_LONG % 500),
        ("FACILITY", "FACILITY_ROSTER.stay.start", "", "stay.start", "This is needed."),
        ("OVERSEAS_UNIT", "UNIT_ROSTER.member_notice_on", "", "member_notice_on", "This is needed."),
    ],
)  # fmt: skip
def test_claims_are_checked(world: World, code: str, name: str, value: str, where: str, message: str) -> None:
    kind = name.partition(".")[0]
    faults = refused(world, code, {**filled(world, code), f"0-{name}": value})
    assert faults == {f"id_0-{kind}.{where}": message}


def test_everything_is_said_at_once(world: World) -> None:
    """In the order of the page, each once, although the services would name them one after another."""
    kept = {"csrfmiddlewaretoken": "", "alternative": "0", "name": "架空　太郎"}
    answer = send(world, "COVID_HOME", kept)
    assert list(errors(answer)) == [
        "id_year",
        "id_address",
        f"id_{ORDER}.issuer",
        f"id_{ORDER}.period.start",
        f"id_{ORDER}.period.end",
        f"id_{ORDER}.file",
        "id_sworn",
    ]
    assert len(answer.context["faults"]) == 7  # type: ignore[attr-defined]
    nothing_is_stored()


def test_every_fault_is_tied_to_its_field(world: World) -> None:
    """For those who listen: the input names the sentence, and says that it is wrong."""
    page = text(send(world, "COVID_HOME", {"alternative": "0"}))
    for name in ("id_name", "id_address", f"id_{ORDER}.issuer", f"id_{ORDER}.period.start", "id_sworn"):
        (tag,) = [part for part in page.split("<") if f'id="{name}"' in part]
        assert 'aria-invalid="true"' in tag, name
        assert f"{name}_error" in tag.partition("aria-describedby=")[2].partition('"')[2].partition('"')[0], name
        assert page.count(f'id="{name}_error"') == 1


# Files


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty"),
        (b"MZ\x90\x00 a program", "The file is not a PDF, JPEG, PNG or HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "The file is not a PDF, JPEG, PNG or HEIC"),
        (b"%PDF-1.7 cut off", "The PDF file is damaged, or something is added to it"),
        (HEIC[:-1], "The HEIC file is damaged, or something is added to it"),
        (PNG + b"x", "The PNG file is damaged, or something is added to it"),
        (PDF + b" " * (LARGEST_FILE + 1 - len(PDF)), "The file is larger than 10 MB"),
    ],
    ids=["empty", "program", "svg", "pdf", "heic", "png", "large"],
)
def test_other_files_are_refused_at_their_field(world: World, data: bytes, message: str) -> None:
    """Requirement 15. One bad file among good ones, and all of them have to be chosen again, which the page says."""
    fields = {**filled(world, "COVID_HOME"), f"{ORDER}.file": [photo(PNG), photo(data, "order.png")]}
    answer = send(world, "COVID_HOME", fields)
    assert errors(answer) == {f"id_{ORDER}.file": message}
    assert "Choose your photos and files again" in text(answer)
    nothing_is_stored()


def test_ten_megabytes_are_taken(world: World) -> None:
    """To the byte: the refusal above is for one more."""
    data = JPEG + bytes(LARGEST_FILE - len(JPEG))
    assert send(world, "COVID_HOME", {**filled(world, "COVID_HOME"), f"{ORDER}.file": photo(data)}).status_code == 302


def test_not_more_than_a_few_files(world: World) -> None:
    """They are counted before any is read."""
    fields = {**filled(world, "COVID_HOME"), f"{ORDER}.file": [photo(PNG) for _ in range(MOST_FILES + 1)]}
    assert refused(world, "COVID_HOME", fields) == {f"id_{ORDER}.file": "At most 6 files."}


def test_not_more_than_a_few_files_for_all_evidence_together(world: World) -> None:
    kinds = ("SEAFARER_CERT", "DESIGNATED_SHIP")
    files = {f"0-{kind}.file": [photo(PNG) for _ in range(4)] for kind in kinds}
    fields = {**filled(world, "SEAFARER_FAX"), **files}
    assert refused(world, "SEAFARER_FAX", fields) == {"": "At most 6 files."}


def test_the_document_is_needed(world: World) -> None:
    fields = filled(world, "COVID_HOME")
    del fields[f"{ORDER}.file"]
    assert refused(world, "COVID_HOME", fields) == {f"id_{ORDER}.file": "This is needed."}


def test_a_text_in_place_of_a_file_is_no_file(world: World) -> None:
    fields = {**filled(world, "COVID_HOME"), f"{ORDER}.file": "order.png"}
    assert refused(world, "COVID_HOME", fields) == {f"id_{ORDER}.file": "This is needed."}


@pytest.mark.parametrize(
    ("scanner", "message"),
    [
        (["false"], "The virus scanner found something in the file"),
        (["/no/such/scanner"], "The file could not be scanned for viruses; try again later"),
    ],
)
def test_the_scanner_has_the_last_word(world: World, settings: Any, scanner: list[str], message: str) -> None:
    settings.EVIDENCE_SCAN_COMMAND = scanner
    assert refused(world, "COVID_HOME", filled(world, "COVID_HOME")) == {"": message}


def test_a_phone_is_offered_its_camera(world: World) -> None:
    """And the gallery and PDFs: so no camera is forced."""
    page = text(voter().get(address(world, "COVID_HOME")))
    (tag,) = [part for part in page.split("<") if f'name="{ORDER}.file"' in part]
    assert 'accept="image/*,application/pdf"' in tag and " multiple" in tag and "capture" not in tag
    assert 'enctype="multipart/form-data"' in page


# Places


@pytest.mark.parametrize("code", [*kakuu.PLACE_OF, "COVID_HOME"])
def test_the_place_is_one_of_the_right_kind(world: World, code: str) -> None:
    """Only those are in the list, and nothing else is taken."""
    kinds = ("OMITTED_WITH_REASON",) if code == "COVID_HOME" else ()
    number = 1 if kinds else 0
    fields = filled(world, code, kinds=kinds)
    right = fields[f"{number}-office"]
    page = text(voter().get(address(world, code)))
    for office in (*world.places.values(), world.town.board):
        of_kind = office.kind == next(one.kind for one in world.places.values() if one.pk == right)
        assert (f'<option value="{office.pk}">' in page) == of_kind
        if not of_kind:
            faults = refused(world, code, {**fields, f"{number}-office": office.pk})
            assert faults == {f"id_{number}-office": "Choose one of the list."}
    for value, message in (
        ("", "This is needed."),
        ("x", "Choose one of the list."),
        (10**30, "Choose one of the list."),
    ):
        assert refused(world, code, {**fields, f"{number}-office": value}) == {f"id_{number}-office": message}
    assert send(world, code, fields).status_code == 302


def test_places_are_asked_for_as_the_services_want_them(world: World) -> None:
    """For every alternative of the catalogue: one that is asked for is also taken, and the other way round."""
    load_categories()
    for category in Category.objects.all():
        for kinds in category.evidence:
            made = kakuu.request(world, category.code, kinds=tuple(kinds))
            expected = (OfficeKind(made.office.kind),) if made.office else ()
            assert places_of(category, kinds) == expected
            assert bool(expected) == (waits_for_health(category, kinds) or category.attest in HEADS)


def test_no_place_is_asked_for_at_home(world: World) -> None:
    page = text(voter().get(address(world, "OTHER_BOARD")))
    assert "-office" not in page
    fields = {**filled(world, "OTHER_BOARD"), "0-office": world.town.hospital.pk}
    assert send(world, "OTHER_BOARD", fields).status_code == 302
    assert Application.objects.get().office is None


def test_a_place_in_a_new_office_can_be_chosen(world: World) -> None:
    """The list is of now, not of when the server started."""
    ward = offices.office(OfficeKind.FACILITY, "new", "新病院")
    assert f'<option value="{ward.pk}">新病院' in text(voter().get(address(world, "FACILITY")))


# The form itself


def test_the_form_asks_what_browsers_can_fill_in(world: World) -> None:
    """WCAG 1.3.5."""
    page = text(voter().get(address(world, "OTHER_BOARD")))
    for purpose in ("name", "bday-year", "bday-month", "bday-day", "street-address", "email", "tel"):
        assert f'autocomplete="{purpose}"' in page


def test_what_is_typed_is_shown_as_text(world: World) -> None:
    """Markup in a name is no markup on the page that comes back."""
    answer = send(
        world, "OTHER_BOARD", {"name": '"><script>alert(1)</script>', "0-SWORN_REASON.details": "</textarea><b>"}
    )
    assert b"<script>alert" not in answer.content and b"</textarea><b>" not in answer.content


def test_an_alternative_of_several_kinds_names_them_all() -> None:
    load_categories()
    form = EvidenceForm(Category.objects.get(code="SEAFARER_ONBOARD"), 0, {})
    assert form.label == "Seafarer's certificate of registration + Ship"
    assert [str(piece.label) for piece in form.pieces()] == form.label.split(" + ")


def test_labels_follow_the_language_of_the_page() -> None:
    """They are not fixed when the server starts."""
    load_categories()
    form = RequestForm(Category.objects.get(code="COVID_HOME"))
    labels = set()
    for language in ("ja", "en"):
        with translation.override(language):
            labels.add(form.evidence[0].label)
    assert "Document asking you to isolate" in labels and len(labels) == 2


def test_a_category_of_one_election_may_need_two_documents(world: World) -> None:
    """Categories are data: two kinds with a claim of the same name do not get into each other's way."""
    category = world.offers["COVID_HOME"].category
    category.evidence = [["ISOLATION_ORDER", "POSTAL_CERT"]]
    category.confirm = "none"
    category.save()
    days = world.span(world.n(-3), world.e(3))
    fields = {
        **filled(world, "OTHER_BOARD"),
        f"{ORDER}.issuer": "架空保健所",
        f"{ORDER}.number": "A-1",
        f"{ORDER}.file": photo(PNG),
        **{f"{ORDER}.period.{edge}": day for edge, day in days.items()},
        "0-POSTAL_CERT.number": "",
        **{f"0-POSTAL_CERT.cert.{edge}": day for edge, day in days.items()},
    }
    assert refused(world, "COVID_HOME", fields) == {"id_0-POSTAL_CERT.number": "This is needed."}
    fields |= {"0-POSTAL_CERT.number": "B-2", f"{ORDER}.file": photo(PNG)}
    assert send(world, "COVID_HOME", fields).status_code == 302
    claims = Application.objects.get().claims
    assert (claims["ISOLATION_ORDER"]["number"], claims["POSTAL_CERT"]["number"]) == ("A-1", "B-2")
