"""The booth's own modules in Chromium, from a server that has nothing but files: no Django, no page of the site."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

JSON = dict[str, Any]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HERE = Path(__file__).parent
STATIC = HERE.parents[2] / "voting" / "booth" / "static"
POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'none'; base-uri 'none'"
PLAIN_HOST = "plain.example"
"""a name that is not this machine's own: without https Chromium gives it no WebCrypto"""


class _Files(SimpleHTTPRequestHandler):
    """/booth/… is what voters get, /tests/… the JavaScript of this folder; both under a policy without eval."""

    extensions_map = {".js": "text/javascript", ".html": "text/html; charset=utf-8", "": "application/octet-stream"}

    def translate_path(self, path: str) -> str:
        first, _, rest = urlsplit(path).path.removeprefix("/").partition("/")
        folder = {"booth": STATIC / "booth", "tests": HERE}.get(first, HERE / "nothing")
        return str(folder / rest)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Booth:
    """A page of the test server, in which the modules of the booth can be called."""

    def __init__(self, page: Page, port: int) -> None:
        self.page, self.port = page, port

    def visit(self, host: str = "localhost") -> None:
        """An empty page, with a fresh Worker for each that is started on it."""
        self.page.goto(f"http://{host}:{self.port}/tests/empty.html")

    def call(self, function: str, *given: Any, module: str = "operations") -> Any:
        """`function` of a module of this folder. Values cross as JSON text, which keeps every character."""
        text = self.page.evaluate(
            """async ([module, name, given]) => {
                const functions = await import(`/tests/${module}.js`);
                return JSON.stringify(await functions[name](...JSON.parse(given)));
            }""",
            [module, function, json.dumps(given)],
        )
        return json.loads(text)

    def run(self, cases: Sequence[JSON]) -> list[JSON]:
        """Each case's operation in JavaScript: {"output"} or {"error", "reason"}."""
        found: list[JSON] = self.call("runAll", [{"operation": c["operation"], "input": c["input"]} for c in cases])
        return found


@contextmanager
def serving() -> Iterator[int]:
    """The test server; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def booth() -> Iterator[Booth]:
    """A page of the test server in Chromium."""
    if not CHROMIUM:
        raise RuntimeError("this needs Chromium or Google Chrome: install one and try again")
    with serving() as port, sync_playwright() as playwright:
        arguments = ["--no-sandbox", f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        opened = Booth(browser.new_page(), port)
        opened.visit()
        yield opened
        browser.close()


# What a vector leaves to others than the booth: other fields of its output
ELSEWHERE = {
    "paillier-key": {"y"},
    "paillier-encrypt": {"without_sign"},
    "make-ballot": {"cast_signatures", "open_signatures"},
    "entry": {"type", "time", "signatures", "leaf_hash", "root"},
}
ERRORS = {
    "Refused not-canonical": {"NotCanonical"},
    "Refused bad-integer": {"BadInteger"},
    "Refused choice": {"ValueError"},
    "Refused undecodable": {"Undecodable"},
    "RangeError": {"OverflowError", "ValueError"},
    "TypeError": {"TypeError"},
}
OWN_WORDS = {
    ("input contains non-UTF-8 codepoints", "the text is not Unicode"),
    ("9007199254740992 exceeds safe integer domain for JSON floats", "an integer is 2^53 or more"),
    ("a number is not an integer", "not JSON"),  # NaN and Infinity
    ("an integer is 2^53 or more", "a number is not an integer"),  # above 10^308
}


def difference(case: JSON, found: JSON, words: bool = True) -> str:
    """Where JavaScript says something else than the case's "output" or "refused" of Python; empty if nowhere.

    `words`: a refusal is also in the same words.
    """
    if "refused" in case:
        refused = case["refused"]
        if refused["error"] not in ERRORS.get(found.get("error", ""), ()):
            return f"{refused['error']} was expected: {found}"
        if words and found["error"].startswith("Refused") and not _same_words(refused["reason"], found["reason"]):
            return f"{refused['reason']!r} was expected: {found['reason']!r}"
        return ""
    expected = {
        name: value for name, value in case["output"].items() if name not in ELSEWHERE.get(case["operation"], ())
    }
    return "" if found.get("output") == expected else f"{expected} was expected: {found}"


def _same_words(python: str, javascript: str) -> bool:
    return javascript.startswith(python) or (python, javascript) in OWN_WORDS
