"""Words of Django itself that have an easy Japanese of ours: `make messages` keeps only what it finds in our code."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = (_("Sun"), _("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Enter a valid email address."))
