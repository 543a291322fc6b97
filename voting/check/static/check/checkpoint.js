/**
 * Signed tree heads, as verifier/crypto/checkpoint.py: C2SP tlog-checkpoint and signed-note, with the time in one
 * extension line.
 *
 *   origin ⏎ size ⏎ base64(root) ⏎ time <unix seconds> ⏎ ⏎ — name base64(key id ‖ signature) ⏎ …
 */
import { concat, fromUtf8, utf8 } from "../booth/crypto/encoding.js";
import { Refused } from "../booth/crypto/errors.js";
import { sha256 } from "../booth/crypto/webcrypto.js";
import { HASH_BYTES, sameBytes } from "./merkle.js";
import { verify } from "./signatures.js";

export const MAX_BYTES = 64 * 1024;
const ED25519 = 1; // signature type of signed-note
const KEY_ID_BYTES = 4;
const NAME = /^[^+\s\p{C}\p{Z}]{1,255}$/u;
const NUMBER = /^(0|[1-9][0-9]{0,14})$/;
const SIGNATURE_LINE = /^\u2014 ([^ ]*) (.*)$/u;

/**
 * A signed checkpoint in its one form, with at least one signature line. Refused "not-canonical".
 *
 * @param {Uint8Array} bytes at most 64 KiB
 * @returns {{origin: string, size: number, root: Uint8Array, time: number, body: Uint8Array,
 *   signatures: {name: string, raw: Uint8Array}[]}} time in Unix seconds; raw is key id ‖ signature
 */
export function parseNote(bytes) {
  if (bytes.length > MAX_BYTES) refuse(`${bytes.length} bytes where at most ${MAX_BYTES} are allowed`);
  const lines = fromUtf8(bytes).split("\n");
  if (lines.length < 7 || lines[4] !== "" || lines.at(-1) !== "") {
    refuse("it is four lines, an empty line, and signature lines ended by newlines");
  }
  const [origin, size, root, time] = lines;
  if (!NAME.test(origin)) refuse("its origin is empty, too long, or has spaces, plus or control characters");
  if (!NUMBER.test(size)) refuse("its size is not a decimal number");
  if (!time.startsWith("time ") || !NUMBER.test(time.slice(5))) refuse("its fourth line is not its time");
  const rootHash = fromBase64(root);
  if (rootHash.length !== HASH_BYTES) refuse("its root is not 32 bytes");
  return {
    origin,
    size: Number(size),
    root: rootHash,
    time: Number(time.slice(5)),
    body: utf8(`${lines.slice(0, 4).join("\n")}\n`),
    signatures: lines.slice(5, -1).map(parseSignature),
  };
}

function parseSignature(line) {
  const [, name, encoded] = line.match(SIGNATURE_LINE) ?? [];
  if (name === undefined || !NAME.test(name)) refuse("a signature line does not begin with a dash and a name");
  const raw = fromBase64(encoded);
  if (raw.length <= KEY_ID_BYTES) refuse(`the signature line of ${name} holds no signature`);
  return { name, raw };
}

/**
 * Is the note of this board, signed by its key (32 bytes), with no line under its name and key id that fails? A promise
 * of a boolean. Refused "no-crypto".
 */
export async function verifyBoard(note, origin, key) {
  if (note.origin !== origin) return false;
  const id = (await sha256(concat(utf8(origin), utf8("\n"), Uint8Array.of(ED25519), key))).slice(0, KEY_ID_BYTES);
  const own = note.signatures.filter(({ name, raw }) => name === origin && sameBytes(raw.slice(0, KEY_ID_BYTES), id));
  for (const { raw } of own) {
    if (!(await verify(key, note.body, raw.slice(KEY_ID_BYTES)))) return false;
  }
  return own.length > 0;
}

/** The bytes of standard base64, padded, in its one form. */
function fromBase64(text) {
  let binary = "";
  try {
    binary = atob(text);
  } catch {
    refuse("it has a text that is not base64");
  }
  if (btoa(binary) !== text) refuse("it has a base64 text that is not in its one form");
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function refuse(reason) {
  throw new Refused("not-canonical", `the checkpoint cannot be read: ${reason}`);
}
