"""Readings of easy Japanese: ruby where a page can hold it, nothing where it cannot, and no change of anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from voting.guide.ruby import READING, ReadingsAboveKanji, above, left_out, rewrite

WORD = "投票（とうひょう）"
RUBY = "<ruby>投票<rp>（</rp><rt>とうひょう</rt><rp>）</rp></ruby>"

KANJI = st.text("投票人々髙𠮷〇", min_size=1, max_size=3)
HIRAGANA = st.text("とうひょーっ", min_size=1, max_size=5)
WITH_READING = st.builds("{}（{}）".format, KANJI, HIRAGANA)
ANYTHING = st.text("投票とウA1（）()、。 \n&;'", max_size=12)
TEXT = st.lists(st.one_of(WITH_READING, ANYTHING), max_size=6).map("".join)
NAME = st.sampled_from(["p", "a", "button", "title", "option", "script", "style", "pre", "textarea", "select"])
ATTRIBUTE = st.builds(
    ' {}="{}"'.format,
    st.sampled_from(["class", "aria-label", "alt", "value", "title", "placeholder", "data-x"]),
    TEXT.map(lambda text: text.replace("&", "&amp;").replace('"', "")),
)
ELEMENT = st.builds("<{0}{1}>{2}</{0}>".format, NAME, ATTRIBUTE, TEXT.map(lambda text: text.replace("&", "&amp;")))
PAGE = st.lists(st.one_of(TEXT, ELEMENT, ATTRIBUTE.map("<input{}>".format)), max_size=8).map("".join)


class Reader(HTMLParser):
    """What a browser makes of a page: tags with attributes, and text, but no ruby."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[object] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag == "input" else [tag]
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def unruled(page: str) -> str:
    """A page with ruby taken apart: only the kanji stay."""
    return re.sub(r"<ruby>(.*?)<rp>.*?</ruby>", r"\1", page)


# Words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (WORD, RUBY),
        (f"し{WORD}する", f"し{RUBY}する"),
        ("申（もう）し込（こ）み", f"{above('申（もう）')}し{above('込（こ）')}み"),
        ("人々（ひとびと）", "<ruby>人々<rp>（</rp><rt>ひとびと</rt><rp>）</rp></ruby>"),
        ("𠮷野（よしの）", "<ruby>𠮷野<rp>（</rp><rt>よしの</rt><rp>）</rp></ruby>"),
        ("18歳（さい）", "18<ruby>歳<rp>（</rp><rt>さい</rt><rp>）</rp></ruby>"),
    ],
)
def test_a_reading_goes_above_its_kanji(text: str, shown: str) -> None:
    assert above(text) == shown
    assert left_out(text) == unruled(shown)


@pytest.mark.parametrize(
    "text",
    [
        "投票（二回）",
        "投票（トウヒョウ）",
        "カード（かーど）",
        "投票 （とうひょう）",
        "投票(とうひょう)",
        "投票（）",
        "（とうひょう）",
    ],
)
def test_other_parentheses_stay(text: str) -> None:
    """A remark is no reading: what is not hiragana directly after kanji is left alone."""
    assert above(text) == left_out(text) == text


# Pages


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (f"<p>{WORD}</p>", f"<p>{RUBY}</p>"),
        (f"<title>{WORD}</title>", "<title>投票</title>"),
        (f'<option value="{WORD}">{WORD}</option>', f'<option value="{WORD}">投票</option>'),
        (f'<a aria-label="{WORD}">{WORD}</a>', f'<a aria-label="投票">{RUBY}</a>'),
        (f"<img alt='{WORD}'>", "<img alt='投票'>"),
        (f'<input placeholder="{WORD}">', '<input placeholder="投票">'),
        (f'<input type="submit" value="{WORD}">', '<input type="submit" value="投票">'),
        (f'<p title="1 > 0 {WORD}">', '<p title="1 > 0 投票">'),
    ],
)
def test_where_ruby_goes(page: str, shown: str) -> None:
    assert rewrite(page, True) == shown


@pytest.mark.parametrize("name", ["script", "style", "pre", "textarea"])
@pytest.mark.parametrize("readings", [True, False])
def test_never_touched(name: str, readings: bool) -> None:
    """Programs, and what somebody has typed: who writes a reading in a form finds it there again."""
    page = f"<{name}>a < b {WORD}</{name}>"
    assert rewrite(page, readings) == page
    assert rewrite(f"<{name}>{WORD}", readings) == f"<{name}>{WORD}"  # not even without an end


@pytest.mark.parametrize(
    "tag",
    [
        f'<input type="text" value="{WORD}">',
        f'<input type="hidden" name="next" value="/?q={WORD}">',
        f'<button value="{WORD}">',
        f"""<input value='a" title="{WORD}'>""",
        f'<p data-x="{WORD}">',
        f"<!-- {WORD} -->",
    ],
)
@pytest.mark.parametrize("readings", [True, False])
def test_what_is_sent_back_stays(tag: str, readings: bool) -> None:
    """A value is data, even one that looks like an attribute."""
    assert rewrite(tag, readings) == tag


@given(PAGE)
def test_without_readings_nothing_changes(page: str) -> None:
    clean = READING.sub("", page)
    while READING.search(clean):  # what is taken out can leave another one behind
        clean = READING.sub("", clean)
    assert rewrite(clean, True) == rewrite(clean, False) == clean


@given(PAGE)
def test_markup_stays_as_it_was(page: str) -> None:
    """Every element still ends where it began, and both ways are the same page but for the ruby."""
    shown, plain = rewrite(page, True), rewrite(page, False)
    assert Reader(shown).open == Reader(page).open == []
    assert Reader(unruled(shown)).seen == Reader(plain).seen
    assert tags(plain) == [(name, [spoken(key, value) for key, value in given]) for name, given in tags(page)]


def tags(page: str) -> list[tuple[str, list[tuple[str, str]]]]:
    return [part for part in Reader(page).seen if isinstance(part, tuple)]


def spoken(key: str, value: str) -> tuple[str, str]:
    return key, left_out(value) if key in ("aria-label", "alt", "title", "placeholder") else value


@given(TEXT)
def test_ruby_and_no_readings_are_the_same_text(text: str) -> None:
    assert unruled(above(text)) == left_out(text)


@given(st.text("<>/=\"'!-spa投票（とう）", max_size=40))
def test_broken_markup_is_no_trouble(page: str) -> None:
    """Whatever it is, it comes out, and without a reading just as it came in."""
    assert unruled(rewrite(page, True)) == rewrite(page, False)
    if "（" not in page:
        assert rewrite(page, True) == page


# Answers


def ask(answer: HttpResponseBase, language: str = "ja-easy", path: str = "/", cookie: str = "") -> HttpResponseBase:
    request: HttpRequest = RequestFactory().get(path)
    request.LANGUAGE_CODE = language  # as LocaleMiddleware does
    request.COOKIES["display"] = cookie
    return ReadingsAboveKanji(lambda _request: answer)(request)


def test_pages_in_easy_japanese() -> None:
    answer = HttpResponse(WORD)
    answer["Content-Length"] = str(len(answer.content))
    shown = ask(answer)
    assert isinstance(shown, HttpResponse)
    assert shown.content.decode() == RUBY and shown["Content-Length"] == str(len(RUBY.encode()))


def test_readings_can_be_switched_off() -> None:
    shown = ask(HttpResponse(WORD), cookie="normal.normal.off")
    assert isinstance(shown, HttpResponse) and shown.content.decode() == "投票"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_other_languages_stay(language: str) -> None:
    shown = ask(HttpResponse(WORD), language)
    assert isinstance(shown, HttpResponse) and shown.content.decode() == WORD


def test_the_office_stays() -> None:
    shown = ask(HttpResponse(WORD), path="/office/login/")
    assert isinstance(shown, HttpResponse) and shown.content.decode() == WORD


def test_only_pages() -> None:
    """JSON, files, streams and what is packed already are passed on as they are."""
    for answer in (
        JsonResponse({"reason": WORD}, json_dumps_params={"ensure_ascii": False}),
        HttpResponse(WORD, content_type="text/plain; charset=utf-8"),
        HttpResponse(WORD, headers={"Content-Encoding": "gzip"}),
    ):
        before = answer.content
        shown = ask(answer)
        assert isinstance(shown, HttpResponse) and shown.content == before
    for stream in (StreamingHttpResponse([WORD], content_type="text/html"), FileResponse(iter([WORD.encode()]))):
        assert ask(stream) is stream and stream.streaming


@pytest.mark.django_db
def test_a_real_page(client: Client) -> None:
    client.cookies["django_language"] = "ja-easy"
    answer = client.get("/")
    page = answer.content.decode()
    assert '<html lang="ja"' in page and "<ruby>" in page
    assert int(answer["Content-Length"]) == len(answer.content)
    assert not READING.search(re.sub(r"<ruby>.*?</ruby>", "", page))
    client.cookies["display"] = "normal.normal.off"
    plain = client.get("/").content.decode()
    assert "<ruby>" not in plain and not READING.search(plain)
