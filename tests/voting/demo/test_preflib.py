"""A `.soi` file is read as PrefLib defines it, or refused with one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from voting.demo.preflib import MAX_ALTERNATIVES, MAX_BALLOTS, MAX_BYTES, PrefLibError, read_soi

HEADER = """\
# FILE NAME: 00001-00000001.soi
# TITLE: 架空協会 会長選挙
# DATA TYPE: soi
# NUMBER ALTERNATIVES: 3
# NUMBER VOTERS: 6
# NUMBER UNIQUE ORDERS: 3
# ALTERNATIVE NAME 1: 松
# ALTERNATIVE NAME 2: 竹
# ALTERNATIVE NAME 3: 梅
"""
ORDERS = "3: 1,2,3\n2: 3\n1: 2,1\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "ballots.soi"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_small_file(tmp_path: Path) -> None:
    """Each order as often as its count says; alternatives are numbered from 0, and some may be left out."""
    ranked = read_soi(written(tmp_path, HEADER + ORDERS))
    assert ranked.title == "架空協会 会長選挙"
    assert ranked.alternatives == ("松", "竹", "梅")
    assert ranked.ballots == ((0, 1, 2),) * 3 + ((2,),) * 2 + ((1, 0),)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + ORDERS,
        (HEADER + ORDERS).replace("\n", "\r\n"),
        HEADER + "\n  \n" + ORDERS + "\n",
        HEADER + " 3 : 1 , 2 ,3\n2:3\n1:2,1",
        HEADER.replace("# NUMBER VOTERS", "#number voters") + ORDERS,
    ],
    ids=["byte order mark", "carriage returns", "empty lines", "spaces", "small letters"],
)
def test_forms_that_mean_the_same(text: str, tmp_path: Path) -> None:
    assert read_soi(written(tmp_path, text)).ballots == ((0, 1, 2),) * 3 + ((2,),) * 2 + ((1, 0),)


def test_a_file_without_title_is_named_after_the_file(tmp_path: Path) -> None:
    assert read_soi(written(tmp_path, HEADER.replace("# TITLE", "# OTHER") + ORDERS)).title == "ballots"


MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "how many alternatives"),
    "not UTF-8": (HEADER.encode() + b"\xff\xfe", "not UTF-8"),
    "no header": (ORDERS, "how many alternatives"),
    "orders before the header": (ORDERS + HEADER, "how many alternatives"),
    "a tie": (HEADER + "6: 1,{2,3}\n", "line 10: “count: first,second,…” was expected"),
    "a tie only": (HEADER + "6: {1,2,3}\n", "line 10: “count"),
    "ranked twice": (HEADER + "3: 1,2,1\n", "line 10: an alternative is ranked twice"),
    "alternative 0": (HEADER + "3: 0,1\n", "line 10: an alternative is ranked twice or does not exist"),
    "alternative 4": (HEADER + "3: 1,4\n", "line 10: an alternative is ranked twice or does not exist"),
    "no order": (HEADER + "3: \n", "line 10: “count"),
    "no count": (HEADER + "1,2,3\n", "line 10: “count"),
    "a count of nought": (HEADER + ORDERS + "0: 1,2\n", "line 13: a count from 1"),
    "a negative count": (HEADER + "-3: 1,2\n", "line 10: “count"),
    "a fractional count": (HEADER + "3.5: 1,2\n", "line 10: “count"),
    "a huge count": (HEADER + "999999: 1\n", f"line 10: a count from 1 to {MAX_BALLOTS}"),
    "a gigantic count": (HEADER + "9" * 5000 + ": 1\n", "line 10: “count"),
    "a number with a sign": (HEADER + "3: +1,2\n", "line 10: “count"),
    "too few voters": (HEADER + "5: 1\n", "5 ballots where the header says 6"),
    "too many voters": (HEADER + "7: 1\n", "7 ballots where the header says 6"),
    "no number of voters": (HEADER.replace("# NUMBER VOTERS", "# X") + ORDERS, "6 ballots where the header says None"),
    "a name missing": (HEADER.replace("# ALTERNATIVE NAME 3: 梅\n", "") + ORDERS, "an alternative has no name"),
    "an empty name": (HEADER.replace("梅", "") + ORDERS, "an alternative has no name"),
    "one alternative": (HEADER.replace("ALTERNATIVES: 3", "ALTERNATIVES: 1") + ORDERS, "how many alternatives"),
    "alternatives in words": (HEADER.replace("ALTERNATIVES: 3", "ALTERNATIVES: three") + ORDERS, "how many"),
    "a superscript": (HEADER.replace("ALTERNATIVES: 3", "ALTERNATIVES: ²") + ORDERS, "how many alternatives"),
    "too many alternatives": (
        HEADER.replace("ALTERNATIVES: 3", f"ALTERNATIVES: {MAX_ALTERNATIVES + 1}") + ORDERS,
        f"2 to {MAX_ALTERNATIVES}",
    ),
    "too large": (b"#" * (MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_one_line(name: str, tmp_path: Path) -> None:
    """From the reader, and from the command before it has done anything."""
    text, words = MALFORMED[name]
    path = written(tmp_path, text)
    with pytest.raises(PrefLibError) as caught:
        read_soi(path)
    sentence = str(caught.value)
    assert words in sentence and sentence.startswith(str(path))
    assert "\n" not in sentence
    with pytest.raises(CommandError) as refused:
        call_command("demo", ballots=path)
    assert str(refused.value) == sentence


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.soi", tmp_path):
        with pytest.raises(OSError):
            read_soi(path)
        with pytest.raises(CommandError, match=f"^{path}: (No such file|Is a directory)"):
            call_command("demo", ballots=path)


def test_many_lines_together_may_not_be_more_than_the_most_ballots(tmp_path: Path) -> None:
    """A file of a megabyte must not become a list of billions."""
    lines = f"{MAX_BALLOTS}: 1\n" * 50
    text = HEADER.replace("VOTERS: 6", f"VOTERS: {50 * MAX_BALLOTS}") + lines
    with pytest.raises(PrefLibError):
        read_soi(written(tmp_path, text))
