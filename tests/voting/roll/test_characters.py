"""Comparison keys: what must be equal, what must stay different, and that a key of a key is the same key."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.roll import characters
from voting.roll.characters import fold_address, fold_kana, fold_name

# Kanji with selectors, kana of both widths with their marks, digits, dashes, units: what makes keys go wrong.
LETTERS = "架空髙高﨑邊斎𠮷橋𣘺一二三十百千〇かがガカｶﾞパﾊﾟーＡa0１９"
SIGNS = " 　-－ー‐−丁目番地号室条のヶケ・\u3099\U000e0100\ufe00"
TEXTS = st.text(alphabet=LETTERS + SIGNS, max_size=20) | st.text(max_size=20)
Fold = Callable[[str], str]
FOLDS = pytest.mark.parametrize("fold", [fold_name, fold_kana, fold_address])


@FOLDS
@given(text=TEXTS)
def test_a_key_is_its_own_key(fold: Fold, text: str) -> None:
    assert fold(fold(text)) == fold(text)


@FOLDS
@given(text=TEXTS)
def test_a_key_is_normal_and_has_no_spaces(fold: Fold, text: str) -> None:
    key = fold(text)
    assert unicodedata.is_normalized("NFC", key)
    assert not any(map(str.isspace, key))


@FOLDS
@given(text=st.text(alphabet="架空髙﨑𠮷かガｶア", min_size=1))
def test_letters_never_fold_to_nothing(fold: Fold, text: str) -> None:
    assert fold(text)


@FOLDS
@given(text=TEXTS)
def test_composed_and_decomposed_texts_have_one_key(fold: Fold, text: str) -> None:
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙橋　太郎", "高橋太郎"),
        ("山﨑", "山崎"),
        ("渡邊", "渡辺"),
        ("渡邉", "渡辺"),
        ("齋藤", "斉藤"),
        ("齊藤", "斎藤"),
        ("澤田", "沢田"),
        ("德川", "徳川"),
        ("濵田", "濱田"),
        ("濱田", "浜田"),
        ("𠮷田", "吉田"),
        ("廣瀨", "広瀬"),
        ("國井櫻", "国井桜"),
        ("嶋", "嶌"),
        ("龍", "竜"),
        ("葛󠄀城", "葛城"),
        ("辻\ufe00", "辻"),
        ("\ufa19", "神"),
        ("架空 タロウ", "架空ﾀﾛｳ"),
        ("ＳＭＩＴＨ", "SMITH"),
    ],
)
def test_names_that_are_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("架空太郎", "架空次郎"), ("岡", "丘"), ("太田", "大田"), ("㈱", "(株)"), ("①", "1"), ("ヤ", "ャ"), ("ハ", "バ")],
)
def test_names_that_are_two(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


def test_no_character_is_in_two_groups_and_every_group_has_one_key() -> None:
    groups = characters._VARIANTS.split()
    everything = "".join(groups)
    assert len(everything) == len(set(everything))
    assert all(len({fold_name(char) for char in group}) == 1 for group in groups)


@pytest.mark.parametrize("text", ["かくう だろう", "ｶｸｳ ﾀﾞﾛｳ", "カクウ　ダロウ", "カクウタ\u3099ロウ"])
def test_readings_that_are_one(text: str) -> None:
    assert fold_kana(text) == "カクウダロウ"


@pytest.mark.parametrize(
    ("text", "key"), [("ｼｮｰｺ", "ショーコ"), ("ゔ", "ヴ"), ("きょうこ", "キョウコ"), ("キヨウコ", "キヨウコ")]
)
def test_small_letters_and_long_sounds_stay(text: str, key: str) -> None:
    assert fold_kana(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "架空市中央一丁目2番地3号",
        "架空市中央１－２－３",
        "架空市中央 １丁目２番３号",
        "架空市中央1ー2ー3",
        "架空市中央1‐2−3",
        "架空市中央一丁目二番三号",
        "架空市中央一－二－三",
        "架空市中央1丁目2番の3",
        "架空市中央1-2の3",
    ],
)
def test_addresses_that_are_one(text: str) -> None:
    assert fold_address(text) == "架空市中央1-2-3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("架空ヶ関1", "架空が関1"),
        ("架空ケ関1", "架空ヶ関1"),
        ("髙松町二十三番地", "高松町23"),
        ("架空町百二番地", "架空町102"),
        ("架空町二〇五番", "架空町205番地"),
        ("架空町1-2-3-101号室", "架空町1-2-3-101"),
    ],
)
def test_more_addresses_that_are_one(one: str, other: str) -> None:
    assert fold_address(one) == fold_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("架空町1-23", "架空町12-3"),
        ("架空町11", "架空町1-1"),
        ("架空町十番地", "架空町一〇〇番地"),
        ("三架空町1", "架空町1"),
    ],
)
def test_addresses_that_are_two(one: str, other: str) -> None:
    assert fold_address(one) != fold_address(other)
