"""Every sentence of the site has its Japanese; what voters read has its easy Japanese where a word is hard."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "voting" / "locale"
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
IN_TEMPLATE = re.compile(r"""gettext\(u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


def catalogue(locale: str) -> dict[str, str]:
    """msgid → translation, as Django reads them."""
    with (LOCALE / locale / "LC_MESSAGES" / "django.mo").open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {
        (key[0] if isinstance(key, tuple) else key).rpartition("\x04")[2]: text for key, text in found.items() if key
    }


def in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            continue
        texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        position = 1 if node.func.id == "pgettext" else 0
        if len(texts) > position and isinstance(texts[position], str):
            yield texts[position]


def in_template(path: Path) -> Iterator[str]:
    for quoted in IN_TEMPLATE.findall(templatize(path.read_text())):
        yield ast.literal_eval(quoted)


def sentences() -> set[str]:
    """Everything that the site can say in a person's language."""
    said = {text for path in (ROOT / "voting").rglob("*.py") for text in in_python(path)}
    return said | {text for path in (ROOT / "templates").rglob("*.html") for text in in_template(path)}


def test_every_sentence_is_there_in_japanese() -> None:
    found = sentences()
    assert len(found) > 1000
    assert sorted(found - catalogue("ja").keys()) == []


@pytest.mark.parametrize("locale", ["ja", "ja_Easy"])
def test_placeholders_are_kept(locale: str) -> None:
    """One that is lost or misspelt would be a page that fails, or a date that nobody is told."""
    for text, translated in catalogue(locale).items():
        assert translated and set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(translated)), text


def test_where_there_is_no_easy_japanese_there_is_japanese() -> None:
    easy, plain = catalogue("ja_Easy"), catalogue("ja")
    text = next(one for one in plain if one not in easy and plain[one] != one)
    with translation.override("ja-easy"):
        assert _(text) == plain[text]
    with translation.override("en"):
        assert _(text) == text
