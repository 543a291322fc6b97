"""Easy Japanese: readings written as 漢字（かんじ） become ruby above the kanji, or are left out.

Sentences are written with readings in full-width parentheses (voting/locale/ja_Easy, categories.toml). Here they meet
the page: text gets <ruby>, and what cannot hold markup (titles, options, labels in attributes) loses the readings.
What somebody has typed, in the value of an input or in a textarea, is theirs and stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from voting.guide.display import Readings, display_of

EASY = "ja-easy"
OFFICE = "/office/"

_KANJI = "[々〆〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff\U000e0100-\U000e01ef]+"
READING = re.compile(rf"({_KANJI})（([ぁ-ゖー]+)）")
"""Kanji (with the selectors of their variants) and, directly after them, a reading in hiragana."""

_INSIDE = r"""(?:[^>"']|"[^"]*"|'[^']*')*"""
_TOKEN = re.compile(
    rf"""
      <!--.*?-->
    | (?P<start> <(?P<name>script|style|pre|textarea|title|option)\b {_INSIDE} >) (?P<content>.*?) (?=</(?P=name)\b|\Z)
    | (?P<tag> </?[a-z]{_INSIDE} >)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""Everything that is not text: comments, tags, and elements whose content cannot hold ruby."""
_PLAIN = ("title", "option")
"""Of those elements, the ones whose content people read."""
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_SPOKEN = frozenset(
    {"alt", "title", "placeholder", "label", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext"}
)
"""Attributes that people read or hear."""
_BUTTON = re.compile(r"""<input\b[^>]*\stype\s*=\s*["']?(?:submit|button|reset)\b""", re.IGNORECASE)


class ReadingsAboveKanji:
    """Middleware: every page that a voter reads in easy Japanese. Inside LocaleMiddleware."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.answer(request)
        if not (isinstance(answer, HttpResponse) and _is_read(answer) and _reads_easy_japanese(request)):
            return answer
        page = answer.content.decode(answer.charset)
        answer.content = rewrite(page, display_of(request).readings == Readings.ON).encode(answer.charset)
        if answer.has_header("Content-Length"):
            answer["Content-Length"] = str(len(answer.content))
        return answer


def _is_read(answer: HttpResponse) -> bool:
    return answer.get("Content-Type", "").startswith("text/html") and not answer.has_header("Content-Encoding")


def _reads_easy_japanese(request: HttpRequest) -> bool:
    return getattr(request, "LANGUAGE_CODE", "") == EASY and not request.path_info.startswith(OFFICE)


def rewrite(page: str, shown: bool) -> str:
    """A page of HTML with its readings as ruby, or without them."""
    text = above if shown else left_out
    parts, end = [], 0
    for token in _TOKEN.finditer(page):
        parts += [text(page[end : token.start()]), _markup(token)]
        end = token.end()
    return "".join([*parts, text(page[end:])])


def above(text: str) -> str:
    """The text with its readings as ruby; browsers without it show them in parentheses, as before."""
    return READING.sub(r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>", text)


def left_out(text: str) -> str:
    """The text without its readings."""
    return READING.sub(r"\1", text)


def _markup(token: re.Match[str]) -> str:
    if token["start"]:
        content = left_out(token["content"]) if token["name"].lower() in _PLAIN else token["content"]
        return _tag(token["start"]) + content
    return _tag(token["tag"]) if token["tag"] else token[0]


def _tag(tag: str) -> str:
    """A tag without readings in the attributes that people read or hear; a button's value is one of them."""
    spoken = _SPOKEN | {"value"} if _BUTTON.match(tag) else _SPOKEN
    return _ATTRIBUTE.sub(lambda found: left_out(found[0]) if found[1].lower() in spoken else found[0], tag)
