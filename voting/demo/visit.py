"""A running election to try: ready-made letters and officials' logins, served until somebody presses Ctrl-C."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.management import call_command

from voting.applications.notices import send_waiting
from voting.credentials.codes import printed
from voting.credentials.letters import issue_letter
from voting.demo.run import Demonstration
from voting.demo.show import Show

VISITORS = ("voter-00001", "voter-00004", "voter-00006", "voter-00011")
"""At home, a close contact, in the hospital (whose head stands by), and one more close contact."""


def visit(demonstration: Demonstration, show: Show, port: int) -> None:
    """Print where to look and what to type, and serve the site. Ctrl-C closes the polls."""
    site = f"http://localhost:{port}"
    slug = demonstration.election.slug
    show.step(
        "The polls are open: look in", f"until {demonstration.closes:%Y-%m-%d %H:%M} UTC, or until you press Ctrl-C"
    )
    for name, path in (
        ("start", "/"),
        ("apply, and read about it", f"/elections/{slug}/"),
        ("vote with a letter", f"/login/letter/?election={slug}"),
        ("check a ballot", f"/check/{slug}/"),
        ("officials", "/office/"),
    ):
        show.fact(name, f"{site}{path}")
    _letters(demonstration, show)
    _officials(demonstration, show)
    show.fact("messages to voters", str(settings.VAR_DIR / "mail"))
    send_waiting()
    try:
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
    except (KeyboardInterrupt, SystemExit):
        show.fact("the polls close", "your ballot is counted with the others")


def _letters(demonstration: Demonstration, show: Show) -> None:
    for voter in VISITORS:
        application = demonstration.applications[voter]
        _letter, code = issue_letter(application, by=demonstration.office.clerk)
        category = application.offer.category.name_ja
        show.fact(f"letter for {application.name}", f"{printed(code)}, born {application.birth}, {category}")


def _officials(demonstration: Demonstration, show: Show) -> None:
    """Everybody gets the same fresh password; the second factor, which needs an app, is off in this process only."""
    settings.OFFICIALS_SECOND_FACTOR = False
    password = secrets.token_urlsafe(12)
    office = demonstration.office
    people = (office.clerk, office.chair, office.hospital_head, office.health_officer, office.poll_manager)
    for official in (*people, office.count_manager, office.count_witness, office.returning_officer):
        official.set_password(password)
        official.save(update_fields=["password"])
        show.fact(f"official {official.username}", f"password {password}")
