"""Evidence files: only whole documents and photos get in, the scanner has the last word, what is sealed stays so."""

from __future__ import annotations

import base64
import secrets
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError

from voting.applications import files
from voting.applications.files import LARGEST_FILE, Scan, Sealed, media_type, scan, seal, unseal
from voting.errors import EvidenceUnreadable, FileRefused, ScanFailed

# A white progressive JPEG of 3 x 2 pixels, by Pillow, and a white HEIC of 64 x 64, by libheif.
JPEG = base64.b64decode("""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////////////////////
////2wBDAaq0tPDS8P//////////////////////////////////////////////////////////////////////////////wgARCAACAAMDASIAAhEB
AxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAL/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIQAxAAAAGwf//EABQQAQAAAAAAAAAAAAAAAAAAAAD/
2gAIAQEAAQUCf//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQMBAT8Bf//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQIBAT8Bf//EABQQAQAAAAAA
AAAAAAAAAAAAAAD/2gAIAQEABj8Cf//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAT8hf//aAAwDAQACAAMAAAAQA//EABQRAQAAAAAAAAAAAAAA
AAAAAAD/2gAIAQMBAT8Qf//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQIBAT8Qf//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAT8Qf//Z
""")
HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAAAERA
AAEAAQAAAAABegABAAAAAAAAABYAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAA
AHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq
SSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgA
AAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAAB5tZGF0AAAAEigBrxOA5shoU+ofumXflGGjmA==
""")
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
MASTER = bytes(range(32))


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


SIGNATURE, HEADER, END = b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0"), chunk(b"IEND")
PIXELS = chunk(b"IDAT", zlib.compress(b"\0\xff"))
PNG = SIGNATURE + HEADER + PIXELS + END


def pdf(objects: bytes = b"", trailer: bytes = b"") -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
        + objects
        + b"trailer\n<< /Root 1 0 R /Size 3 "
        + trailer
        + b">>\nstartxref\n0\n%%EOF\n"
    )


def packed(content: bytes, kind: bytes = b"/ObjStm", newline: bytes = b"\n") -> bytes:
    """A stream, as most programs write the objects of a PDF."""
    head = b"9 0 obj\n<< /Type " + kind + b" /Filter /FlateDecode >>\nstream" + newline
    return head + zlib.compress(content) + b"\nendstream\nendobj\n"


PDF = pdf()
WHOLE = {"application/pdf": PDF, "image/jpeg": JPEG, "image/png": PNG, "image/heic": HEIC}


def refused(data: bytes) -> str:
    with pytest.raises(FileRefused) as failure:
        media_type(data)
    assert failure.value.code == "file-refused"
    return failure.value.reason


@pytest.mark.parametrize("kind", WHOLE)
def test_the_four_kinds_are_told_by_content(kind: str) -> None:
    assert media_type(WHOLE[kind]) == kind


@pytest.mark.parametrize("kind", WHOLE)
def test_no_beginning_of_a_file_is_a_file(kind: str) -> None:
    """Every place where an upload can break off. (The line end after %%EOF may be lost.)"""
    data = WHOLE[kind].rstrip(b"\n")
    for length in range(len(data)):
        refused(data[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + bytes(40),
        b"RIFF\x24\0\0\0WEBPVP8 " + bytes(40),
        b"II*\0" + bytes(40),
        b"PK\x03\x04" + bytes(40),
        b"MZ" + bytes(40),
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS-Adobe-3.0\n%%EOF",
        FILM,
        b" " + PDF,
        b"PK\x03\x04" + PDF,
        b"\n" + JPEG,
        b"GIF89a" + PNG,
        "架空市".encode(),
        bytes(100),
    ],
)
def test_everything_else_is_refused(data: bytes) -> None:
    """Also a good file that does not begin with its first byte: another program would take it for something else."""
    assert refused(data) == "the file is not a PDF, JPEG, PNG or HEIC"


def test_nothing_is_refused_as_empty() -> None:
    assert refused(b"") == "the file is empty"


def test_ten_megabytes_are_the_limit() -> None:
    """To the byte, whatever the file is."""
    comment = chunk(b"tEXt", bytes(LARGEST_FILE - len(PNG) - 12))
    largest = SIGNATURE + HEADER + comment + PIXELS + END
    assert len(largest) == 10 * 1024 * 1024 and media_type(largest) == "image/png"
    assert refused(largest + b"x") == "the file is larger than 10 MB"


@given(st.binary(max_size=200), st.sampled_from([b"", b"%PDF-1.4", b"\xff\xd8\xff", SIGNATURE, HEIC[:28]]))
def test_no_noise_is_a_file_and_none_breaks_the_check(noise: bytes, start: bytes) -> None:
    refused(start + noise)


@pytest.mark.parametrize("data", [PNG + b"\0", PNG + PNG, PNG + b"PK\x05\x06" + bytes(18)])
def test_nothing_follows_a_png(data: bytes) -> None:
    assert "something is added" in refused(data)


@pytest.mark.parametrize(
    "data",
    [
        SIGNATURE + PIXELS + HEADER + END,
        SIGNATURE + HEADER + END,
        SIGNATURE + HEADER + PIXELS,
        SIGNATURE,
        PNG.replace(b"IDAT", b"IDAU"),
        PNG.replace(zlib.compress(b"\0\xff"), zlib.compress(b"\0\xfe")),
        SIGNATURE + b"\xff\xff\xff\xff" + HEADER[4:] + PIXELS + END,
    ],
)
def test_a_png_has_header_pixels_end_and_right_checksums(data: bytes) -> None:
    refused(data)


def test_a_phone_may_append_its_film_to_a_jpeg() -> None:
    """It stays a JPEG, and is never shown as anything else."""
    assert media_type(JPEG + FILM) == "image/jpeg"
    assert media_type(JPEG + JPEG) == "image/jpeg"


def test_restarts_and_padding_are_no_segments() -> None:
    """Cameras write them into the scan; what follows them is no length."""
    assert JPEG.endswith(b"\xff\xd9")
    assert media_type(JPEG[:-2] + b"\xff\x00\xff\xd0\xff\xd7\xff\xff" + JPEG[-2:]) == "image/jpeg"


def test_the_end_of_a_small_picture_inside_is_not_the_end() -> None:
    """A preview lies in a segment of its own, which is skipped as a whole."""
    preview = b"\xff\xe1" + (len(JPEG) + 2).to_bytes(2, "big") + JPEG
    assert media_type(JPEG[:2] + preview + JPEG[2:]) == "image/jpeg"
    refused(JPEG[:2] + preview)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff\xd9",
        JPEG.replace(b"\xff\xc2", b"\xff\xe2"),
        JPEG.replace(b"\xff\xda", b"\xff\xe3"),
        JPEG.replace(b"\xff\xc2", b"\xff\xc3"),
        JPEG[:2] + b"\xff\xe0\x00\x01" + JPEG[2:],
        JPEG[:-1] + b"\x00",
    ],
)
def test_a_jpeg_has_a_frame_a_scan_and_an_end(data: bytes) -> None:
    """A lossless frame is one that no browser shows."""
    refused(data)


def box(kind: bytes, body: bytes = b"") -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def test_a_picture_in_the_general_container_names_its_codec() -> None:
    rest = box(b"meta") + box(b"mdat")
    for brand in (b"heic", b"heix", b"heim", b"heis"):
        assert media_type(box(b"ftyp", b"mif1" + bytes(4) + b"mif1" + brand) + rest) == "image/heic"
        assert media_type(box(b"ftyp", brand + bytes(4)) + rest) == "image/heic"
    for major, others in ((b"mif1", b"mif1avif"), (b"avif", b"mif1heic"), (b"mp42", b"heic"), (b"hevc", b"heic")):
        assert "not a PDF" in refused(box(b"ftyp", major + bytes(4) + others) + rest)


def test_the_boxes_of_a_heic_fill_it() -> None:
    """With long sizes and an open last box; not with leftovers, nor without the description or the bytes."""
    start = box(b"ftyp", b"heic" + bytes(4))
    long = b"\0\0\0\1meta" + (20).to_bytes(8, "big") + bytes(4)
    assert media_type(start + long + box(b"mdat")) == "image/heic"
    assert media_type(start + box(b"meta") + b"\0\0\0\0mdat" + bytes(50)) == "image/heic"
    leftovers = (b"\0", bytes(7), b"%PDF-1.4 ", b"\0\0\0\7mdat", b"\0\0\0\1mdat" + (15).to_bytes(8, "big"))
    for leftover in leftovers:
        assert "something is added" in refused(HEIC + leftover)
    refused(start + box(b"mdat"))
    refused(start + box(b"meta"))


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\n\0\0", b" \t\f\r\n"])
def test_space_may_follow_the_end_of_a_pdf(end: bytes) -> None:
    assert media_type(PDF.rstrip() + end) == "application/pdf"


@pytest.mark.parametrize("end", [b"x", b"PK\x05\x06" + bytes(18), b"<script>", bytes(2000)])
def test_nothing_else_follows_it(end: bytes) -> None:
    assert "something is added" in refused(PDF + end)


ACTIVE = [
    b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    b"<< /S/Launch /F (cmd.exe) >>",
    b"<< /Type /EmbeddedFile >>",
    b"<< /Names << /EmbeddedFiles 3 0 R >> >>",
    b"<< /Subtype /RichMedia >>",
    b"<< /AcroForm << /XFA 3 0 R >> >>",
    b"<< /S /J#61vaScript >>",
    b"<< /S /#4a#61#76#61#53#63#72#69#70#74 >>",
    b"<< /S /#4C#61unch >>",
]


@pytest.mark.parametrize("action", ACTIVE)
def test_a_pdf_runs_and_carries_nothing(action: bytes) -> None:
    """Written plainly, spelled in numbers, or packed in an object stream."""
    for objects in (
        action,
        packed(action),
        packed(action, b"/#4fbjStm"),
        packed(action, newline=b"\r\n"),
        packed(b"") + packed(b"<< /Length 5 >>", b"/XObject") + packed(action),
    ):
        assert "contains a program or another file" in refused(pdf(objects))


def test_what_only_looks_like_it_is_let_through() -> None:
    """Words on the page, longer names, pictures that are no objects, a jump to the first page."""
    harmless = b"(JavaScript and Launch) /XFAB << /OpenAction [2 0 R /Fit] >>"
    assert media_type(pdf(harmless + packed(harmless) + packed(b"/JavaScript", b"/XObject"))) == "application/pdf"


def test_objects_that_cannot_be_unpacked_are_refused() -> None:
    """Unless the file is encrypted, as offices do send them: there they cannot be read by anyone without the key."""
    unreadable = packed(b"<<>>").replace(b"x\x9c", b"??")
    assert "damaged" in refused(pdf(unreadable))
    assert media_type(pdf(unreadable, b"/Encrypt 8 0 R ")) == "application/pdf"
    assert "contains a program" in refused(pdf(unreadable + packed(ACTIVE[0]), b"/Encrypt 8 0 R "))


def test_a_few_kilobytes_do_not_unpack_to_gigabytes() -> None:
    one = packed(bytes(files.PDF_LARGEST_OBJECTS))
    half = packed(bytes(files.PDF_LARGEST_OBJECTS // 2))
    assert media_type(pdf(half)) == "application/pdf"
    for bomb in (one, half + half, packed(bytes(20 * files.PDF_LARGEST_OBJECTS))):
        assert len(bomb) < 400_000 and refused(pdf(bomb)) == "the PDF is too large when unpacked"


def test_the_reason_is_in_the_language_of_the_voter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_", lambda text: f"[{translation.get_language()}] {text}")
    with translation.override("ja"):
        assert refused(b"") == "[ja] the file is empty"


# The scanner


def scanner(settings: Any, program: str) -> None:
    """A real process in the place of the scanner."""
    settings.EVIDENCE_SCAN_COMMAND = [sys.executable, "-c", program]


def test_without_a_scanner_the_reviewer_is_told(settings: Any) -> None:
    settings.EVIDENCE_SCAN_COMMAND = []
    assert scan(PDF) is Scan.NOT_SCANNED
    del settings.EVIDENCE_SCAN_COMMAND
    assert scan(PDF) is Scan.NOT_SCANNED
    assert str(Scan.NOT_SCANNED.label) == "not scanned for viruses"


def test_the_scanner_sees_every_byte_and_has_the_last_word(settings: Any) -> None:
    """It is a program that looks for the one byte in ten megabytes."""
    scanner(settings, "import sys; sys.exit(1 if b'virus' in sys.stdin.buffer.read() else 0)")
    assert scan(bytes(LARGEST_FILE)) is Scan.CLEAN
    with pytest.raises(FileRefused, match="found something"):
        scan(bytes(LARGEST_FILE - 5) + b"virus")


def test_a_scanner_that_reads_no_further_still_decides(settings: Any) -> None:
    scanner(settings, "import sys; sys.exit(1)")
    with pytest.raises(FileRefused):
        scan(bytes(LARGEST_FILE))


@pytest.mark.parametrize(
    "program", ["import sys; sys.exit(2)", "import os; os.kill(os.getpid(), 9)", "import os; os._exit(255)"]
)
def test_any_other_end_is_no_verdict(settings: Any, program: str) -> None:
    """An error, a crash: the file is not taken."""
    scanner(settings, program)
    with pytest.raises(ScanFailed, match="try again later") as failure:
        scan(PDF)
    assert failure.value.code == "scan-failed" and "exit status" in failure.value.where


def test_a_scanner_that_hangs_is_no_verdict(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.SCAN_SECONDS == 60
    monkeypatch.setattr(files, "SCAN_SECONDS", 0.3)
    scanner(settings, "import time; time.sleep(30)")
    with pytest.raises(ScanFailed, match="no answer"):
        scan(PDF)


def test_a_scanner_that_is_not_there_is_no_verdict(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_SCAN_COMMAND = [str(tmp_path / "missing")]
    with pytest.raises(ScanFailed, match="No such file"):
        scan(PDF)


def test_no_shell_reads_the_command(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_SCAN_COMMAND = [sys.executable, "-c", "", f"; touch {tmp_path}/made", f"$(touch {tmp_path}/made)"]
    assert scan(PDF) is Scan.CLEAN
    assert not list(tmp_path.glob("made"))


# The seal


@given(st.binary(max_size=1000), st.binary(max_size=50))
def test_what_is_sealed_is_unsealed(data: bytes, context: bytes) -> None:
    assert unseal(seal(data, MASTER, context), MASTER, context) == data


def test_a_seal_shows_nothing_and_never_repeats() -> None:
    """Twice the same file, the same row: neither the key nor the ciphertext tells."""
    one, other = seal(PDF, MASTER, b"row"), seal(PDF, MASTER, b"row")
    assert one.key_sealed != other.key_sealed and one.ciphertext != other.ciphertext
    assert len(one.key_sealed) == 72 and len(one.ciphertext) == len(PDF) + 40
    assert all(piece not in one.ciphertext + one.key_sealed for piece in (b"%PDF", b"Catalog", MASTER))


def unreadable(sealed: Sealed, master: bytes = MASTER, context: bytes = b"row") -> str:
    with pytest.raises(EvidenceUnreadable) as failure:
        unseal(sealed, master, context)
    assert failure.value.code == "evidence-unreadable" and failure.value.__cause__ is None
    return failure.value.reason


def test_no_bit_can_be_changed() -> None:
    sealed = seal(b"photo", MASTER, b"row")
    for at in range(len(sealed.key_sealed)):
        unreadable(Sealed(_flipped(sealed.key_sealed, at), sealed.ciphertext))
    for at in range(len(sealed.ciphertext)):
        unreadable(Sealed(sealed.key_sealed, _flipped(sealed.ciphertext, at)))


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_no_part_can_be_cut_off() -> None:
    sealed = seal(b"photo", MASTER, b"row")
    for length in range(len(sealed.key_sealed)):
        unreadable(Sealed(sealed.key_sealed[:length], sealed.ciphertext))
    for length in range(len(sealed.ciphertext)):
        unreadable(Sealed(sealed.key_sealed, sealed.ciphertext[:length]))


def test_files_cannot_be_exchanged_between_rows() -> None:
    """Not whole, not the key alone, not the ciphertext alone, and not a key in the place of a file."""
    one, other = (
        seal(b"mine", MASTER, b"application 1, evidence 1"),
        seal(b"yours", MASTER, b"application 2, evidence 1"),
    )
    for sealed in (other, Sealed(one.key_sealed, other.ciphertext), Sealed(other.key_sealed, one.ciphertext)):
        unreadable(sealed, context=b"application 1, evidence 1")
    unreadable(Sealed(one.key_sealed, one.key_sealed), context=b"application 1, evidence 1")


def test_even_with_its_key_a_ciphertext_belongs_to_its_row() -> None:
    """So does its key; and whoever has the master key and seals that key for another row still moves nothing."""
    sealed = seal(b"mine", MASTER, b"row 1")
    with pytest.raises(CryptoError):
        files.Aead(MASTER).decrypt(sealed.key_sealed, files._key_of(b"row 2"))
    key = files.Aead(MASTER).decrypt(sealed.key_sealed, files._key_of(b"row 1"))
    moved = bytes(files.Aead(MASTER).encrypt(key, files._key_of(b"row 2")))
    unreadable(Sealed(moved, sealed.ciphertext), context=b"row 2")


def test_another_master_key_opens_nothing() -> None:
    unreadable(seal(PDF, MASTER, b"row"), secrets.token_bytes(32))


def test_without_its_key_a_file_is_gone() -> None:
    sealed = seal(PDF, MASTER, b"row")
    assert unreadable(Sealed(b"", sealed.ciphertext)) == "the file was deleted"
