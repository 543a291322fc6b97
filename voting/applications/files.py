"""Evidence files, such as the photo of an isolation order, on their way to storage: type, virus scan, seal.

What a browser or a file name says about a file counts for nothing here; only the content does. None of it is decoded:
the checks say that a file is what it claims to be, not that its picture is harmless. So it should be shown to reviewers
under the type found here, with `X-Content-Type-Options: nosniff`, and a PDF as a download or in a sandbox.
"""

from __future__ import annotations

import re
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from nacl.exceptions import CryptoError
from nacl.secret import Aead
from nacl.utils import random

from voting.errors import EvidenceUnreadable, FileRefused, ScanFailed

LARGEST_FILE = 10 * 1024 * 1024

JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither a stuffed byte, nor padding, nor a restart
JPEG_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive: what browsers show
JPEG_SCAN, JPEG_END = 0xDA, 0xD9
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis"}
PDF_HEADER = re.compile(rb"%PDF-[12]\.[0-9]")
PDF_END = re.compile(rb"%%EOF[\x00\t\n\f\r ]*\Z")
PDF_STREAM = re.compile(rb"stream(?:\r\n|\r|\n)")
PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
PDF_ACTIVE = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|XFA\b)")
PDF_LARGEST_OBJECTS = 16 * 1024 * 1024

SCAN_SECONDS = 60


class Scan(TextChoices):
    """What is known about viruses in a file that was taken."""

    CLEAN = "clean", gettext_lazy("no virus found")
    NOT_SCANNED = "not-scanned", gettext_lazy("not scanned for viruses")


@dataclass(frozen=True)
class Sealed:
    """A file encrypted under a key of its own, and that key (72 bytes) encrypted under the master key."""

    key_sealed: bytes
    ciphertext: bytes


def media_type(data: bytes) -> str:
    """application/pdf, image/jpeg, image/png or image/heic, by content. Raises FileRefused."""
    if not data:
        raise FileRefused(_("the file is empty"))
    if len(data) > LARGEST_FILE:
        raise FileRefused(_("the file is larger than 10 MB"))
    if PDF_HEADER.match(data):
        _check_pdf(data)
        return "application/pdf"
    if data.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data)
        return "image/jpeg"
    if data.startswith(PNG_SIGNATURE):
        _check_png(data)
        return "image/png"
    if _has_heic_brand(data):
        _check_heic(data)
        return "image/heic"
    raise FileRefused(_("the file is not a PDF, JPEG, PNG or HEIC"))


def scan(data: bytes) -> Scan:
    """What the scanner of the setting EVIDENCE_SCAN_COMMAND says: a program and its arguments; none by default.

    The file is on its standard input; status 0 means clean, 1 infected, as with `clamdscan --no-summary -`. Anything
    else, or no answer in 60 seconds, is no verdict. Raises FileRefused and ScanFailed.
    """
    command: list[str] = getattr(settings, "EVIDENCE_SCAN_COMMAND", [])
    if not command:
        return Scan.NOT_SCANNED
    try:
        ran = subprocess.run(  # noqa: S603 - the operator's own command, no shell, nothing of the voter in its arguments
            command, input=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SCAN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _no_verdict(f"no answer in {SCAN_SECONDS} seconds") from None
    except OSError as error:
        raise _no_verdict(f"{error.strerror}") from None
    if ran.returncode == 1:
        raise FileRefused(_("the virus scanner found something in the file"))
    if ran.returncode != 0:
        raise _no_verdict(f"exit status {ran.returncode}")
    return Scan.CLEAN


def seal(data: bytes, master: bytes, context: bytes) -> Sealed:
    """`data` under a fresh key, and that under the 32-byte `master` key, both XChaCha20-Poly1305.

    `context` names the row (application and evidence id): what is sealed for one row opens in no other. Whoever deletes
    `key_sealed` makes every copy of the ciphertext unreadable, in backups too, for good, once no backup holds
    `key_sealed` itself: keep it apart from the ciphertext, in a database whose backups expire.
    """
    key = random(Aead.KEY_SIZE)
    return Sealed(
        key_sealed=bytes(Aead(master).encrypt(key, _key_of(context))),
        ciphertext=bytes(Aead(key).encrypt(data, _file_of(context))),
    )


def unseal(sealed: Sealed, master: bytes, context: bytes) -> bytes:
    """The file that was sealed with this master key and for this context. Raises EvidenceUnreadable."""
    if not sealed.key_sealed:
        raise EvidenceUnreadable(_("the file was deleted"))
    try:
        key = Aead(master).decrypt(sealed.key_sealed, _key_of(context))
        return Aead(key).decrypt(sealed.ciphertext, _file_of(context))
    except (CryptoError, ValueError):
        raise EvidenceUnreadable(_("the stored file is damaged or belongs elsewhere")) from None


def _key_of(context: bytes) -> bytes:
    return b"evidence key\0" + context


def _file_of(context: bytes) -> bytes:
    return b"evidence file\0" + context


def _no_verdict(cause: str) -> ScanFailed:
    return ScanFailed(_("the file could not be scanned for viruses; try again later"), cause)


def _damaged(name: str) -> FileRefused:
    return FileRefused(_("the %(format)s file is damaged, or something is added to it") % {"format": name})


def _check_jpeg(data: bytes) -> None:
    """A frame, a scan and an end (ITU-T T.81, annex B).

    What follows the end is let through: phones append the film of a motion photo, or a second picture for brighter
    screens. It is never served as anything but image/jpeg.
    """
    seen: set[int] = set()
    at = 2
    while found := JPEG_MARKER.search(data, at):
        marker = data[found.start() + 1]
        if marker == JPEG_END and JPEG_SCAN in seen and seen & JPEG_FRAMES:
            return
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        if marker == JPEG_END or length < 2:
            break
        seen.add(marker)
        at = found.end() + length
    raise _damaged("JPEG")


def _check_png(data: bytes) -> None:
    """A header, pixels and an end, each chunk with its right checksum, and nothing after them (RFC 2083, section 3)."""
    kinds: list[bytes] = []
    at = len(PNG_SIGNATURE)
    while at < len(data) and kinds[-1:] != [b"IEND"]:
        length = int.from_bytes(data[at : at + 4], "big")
        chunk = data[at + 4 : at + 8 + length]
        at += 12 + length
        if zlib.crc32(chunk).to_bytes(4, "big") != data[at - 4 : at]:
            raise _damaged("PNG")
        kinds.append(chunk[:4])
    if at != len(data) or kinds[:1] != [b"IHDR"] or b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise _damaged("PNG")


def _has_heic_brand(data: bytes) -> bool:
    """Whether the file says it is a still picture in HEVC (ISO/IEC 23008-12, annex B), not a film or another codec."""
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 1024)]
    major, compatible = brands[:4], {brands[at : at + 4] for at in range(8, len(brands), 4)}
    return data[4:8] == b"ftyp" and (major in HEIC_BRANDS or (major == b"mif1" and bool(compatible & HEIC_BRANDS)))


def _check_heic(data: bytes) -> None:
    """Boxes from the first byte to the last, with the description of the pictures and their bytes."""
    if not {b"meta", b"mdat"} <= set(_boxes(data)):
        raise _damaged("HEIC")


def _boxes(data: bytes) -> Iterator[bytes]:
    """The kinds of the outermost boxes (ISO/IEC 14496-12, section 4.2)."""
    at = 0
    while at < len(data):
        size, header = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if size == 0:
            size = len(data) - at
        if size < header or at + size > len(data):
            raise _damaged("HEIC")
        yield data[at + 4 : at + 8]
        at += size


def _check_pdf(data: bytes) -> None:
    """Ends as a PDF, and neither runs nor carries anything, as far as names in it tell (ISO 32000-1, 7.3.5 and 7.5.7).

    Encrypted files are let through, as offices do issue them; in those, packed objects stay unread. This keeps out what
    comes by habit or mass mail. It does not replace the virus scan.
    """
    if not PDF_END.search(data, max(0, len(data) - 1024)):
        raise _damaged("PDF")
    for objects in (data, *_packed_objects(data)):
        if PDF_ACTIVE.search(_plain_names(objects)):
            raise FileRefused(_("the PDF contains a program or another file; print it to a new PDF, or take a photo"))


def _packed_objects(data: bytes) -> Iterator[bytes]:
    """The unpacked object streams, where most programs keep everything that is not a page or a picture."""
    budget = PDF_LARGEST_OBJECTS
    for piece in data.split(b"endstream"):
        head, *stream = PDF_STREAM.split(piece, maxsplit=1)
        if not stream or b"/ObjStm" not in _plain_names(head):
            continue
        try:
            objects = zlib.decompressobj().decompress(stream[0], budget)
        except zlib.error:
            if b"/Encrypt" in data:
                continue
            raise _damaged("PDF") from None
        budget -= len(objects)
        if budget <= 0:
            raise FileRefused(_("the PDF is too large when unpacked"))
        yield objects


def _plain_names(text: bytes) -> bytes:
    """With every #-escape of a name undone: /J#61vaScript is /JavaScript."""
    return PDF_ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text)
