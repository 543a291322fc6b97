"""What Python finds of trees, checkpoints and signatures, Chromium finds too: the same vectors, in tests/vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Page

from tests.voting.browser import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
VECTORS = Path(__file__).parents[2] / "vectors"

# Run with (vector.input): what the operation finds, in the form of the vector's output. Hex is bytes.
SCRIPT = """async ([operation, input]) => {
  const { fromHex, hex } = {
    fromHex: (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)),
    hex: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
  const merkle = await import("/static/check/merkle.js");
  const { parseNote, verifyBoard } = await import("/static/check/checkpoint.js");
  const { verify } = await import("/static/check/signatures.js");
  const { Refused } = await import("/static/booth/crypto/errors.js");
  const path = () => input.path.map(fromHex);
  const operations = {
    "leaf-hash": async () => ({ hash: hex(await merkle.leafHash(fromHex(input.leaf))) }),
    "inclusion-holds": async () => {
      const root = await merkle.rootFromPath(fromHex(input.leaf_hash), input.index, input.size, path());
      return { holds: root !== null && hex(root) === input.root };
    },
    "consistency-holds": async () => ({
      holds: await merkle.consistencyHolds(
        input.old, input.new, fromHex(input.old_root), fromHex(input.new_root), path(),
      ),
    }),
    "parse-note": async () => {
      const { origin, size, root, time, signatures } = parseNote(fromHex(input.note));
      return { origin, size, root: hex(root), time, signatures: signatures.map(({ name, raw }) => [name, hex(raw)]) };
    },
    "note-signers": async () => ({
      board: await verifyBoard(parseNote(fromHex(input.note)), input.name, fromHex(input.key)),
    }),
    "ed25519-verify": async () => ({
      holds: await verify(fromHex(input.key), fromHex(input.message), fromHex(input.signature)),
    }),
  };
  try {
    return await operations[operation]();
  } catch (error) {
    if (error instanceof Refused) return { refused: error.code };
    throw error;
  }
}"""


def vectors(file: str, *operations: str) -> list[dict[str, Any]]:
    every = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))["vectors"]
    found = [vector for vector in every if vector["operation"] in operations]
    assert {vector["operation"] for vector in found} == set(operations)
    return found


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    """As the browser says it: by the code of a refusal, and of a note's signers only the board."""
    if "refused" in vector:
        return {"refused": "not-canonical"}
    output: dict[str, Any] = vector["output"]
    return {"board": output["board"]} if vector["operation"] == "note-signers" else output


@pytest.fixture
def page(visitor: Callable[[], Visitor]) -> Page:  # noqa: F811
    """Somewhere on the site, under its policy."""
    return visitor().go("/login/card/")


def test_the_browser_finds_the_same(page: Page) -> None:
    """Every vector of what a reader checks; what only the board or a witness makes is not in the browser."""
    todo = [
        *vectors("merkle", "leaf-hash", "inclusion-holds", "consistency-holds"),
        *vectors("checkpoints", "parse-note", "note-signers"),
        *vectors("signatures", "ed25519-verify"),
    ]
    assert len(todo) > 150
    wrong = []
    for vector in todo:
        if vector["operation"] == "consistency-holds" and vector["input"]["old"] == 0:
            continue  # the browser asks for no proof about an empty board, and takes none
        found = page.evaluate(SCRIPT, [vector["operation"], vector["input"]])
        if found != expected(vector):
            wrong.append((vector["operation"], vector["comment"], found, expected(vector)))
    assert not wrong, wrong


def test_an_empty_board_proves_nothing(page: Page) -> None:
    """`old` = 0 would let any board pass for a continuation."""
    for vector in vectors("merkle", "consistency-holds"):
        if vector["input"]["old"] == 0:
            assert page.evaluate(SCRIPT, ["consistency-holds", vector["input"]]) == {"holds": False}


def test_boards_of_more_than_32_bits(page: Page) -> None:
    """No bit operation cuts an index: a path that fits modulo 2^32 does not fit."""
    leaf = "ab" * 32
    for index, size in ((2**32, 2**32 + 1), (2**40 + 2, 2**40 + 3)):
        sent = {"leaf_hash": leaf, "index": index, "size": size, "path": [], "root": leaf}
        assert page.evaluate(SCRIPT, ["inclusion-holds", sent]) == {"holds": False}


def test_without_ed25519_nothing_is_said(page: Page) -> None:
    """Neither true nor false: a refusal that names the reason."""
    page.evaluate(
        """() => { crypto.subtle.importKey = () => Promise.reject(new DOMException("no", "NotSupportedError")); }"""
    )
    for vector in vectors("signatures", "ed25519-verify")[:3]:
        assert page.evaluate(SCRIPT, ["ed25519-verify", vector["input"]]) == {"refused": "no-crypto"}


# The QR code

DRAW = """async (text) => {
  const { drawQr } = await import("/static/check/qr.js");
  const svg = drawQr(text, "架空");
  document.querySelector("main").append(svg);
  const [rect, path] = svg.children;
  return {
    label: svg.getAttribute("aria-label"), role: svg.getAttribute("role"), box: svg.getAttribute("viewBox"),
    path: path.getAttribute("d"), styles: svg.outerHTML.includes("style"), shown: svg.getBoundingClientRect().width,
  };
}"""


@pytest.mark.parametrize("length", [14, 42, 122, 180, 213])
def test_the_qr_code_is_the_standard_one(page: Page, length: int) -> None:
    """The modules are those that segno makes of the same text, in one of the eight masks.

    Lengths fill their versions to the last bit: segno pads what is left with other bytes than the standard.
    """
    text = ("https://vote.kakuu.example/check/kakuu/ballot/#" + "Ab_-" * 100)[:length]
    drawn = page.evaluate(DRAW, text)
    assert (drawn["label"], drawn["role"], drawn["styles"]) == ("架空", "img", False)
    assert drawn["shown"] > 0
    dark = {tuple(map(int, square.split("h")[0].split())) for square in drawn["path"].split("M")[1:]}
    size = int(drawn["box"].split()[2]) - 8

    def modules(mask: int) -> set[tuple[int, int]]:
        made = segno.make(
            text, error="m", mode="byte", version=(size - 17) // 4, mask=mask, boost_error=False, micro=False
        )
        return {(x + 4, y + 4) for y, row in enumerate(made.matrix) for x, module in enumerate(row) if module}

    assert dark in [modules(mask) for mask in range(8)]


def test_only_ascii_is_drawn(page: Page) -> None:
    with pytest.raises(Exception, match="only ASCII"):
        page.evaluate(DRAW, "架空")


def test_the_vendored_file_is_the_published_one() -> None:
    """qrcode-generator 2.0.4 from npm, unchanged, with its licence."""
    vendor = Path(__file__).parents[3] / "voting/check/static/check/vendor"
    digest = hashlib.sha256((vendor / "qrcode.mjs").read_bytes()).hexdigest()
    assert digest == "ea91d7118a5395289170da848b7c6758b996163bfbccf312591ab65a4911b7c0"
    assert "Kazuhiko Arase" in (vendor / "LICENSE").read_text() and "MIT License" in (vendor / "LICENSE").read_text()
