/**
 * The one form of every byte that is published or hashed, as verifier/record/canonical.py has it: RFC 8785 JSON,
 * fixed-width base64url, and the typed, length-prefixed items of verifier/crypto/transcript.py.
 */
import { Refused } from "./errors.js";

const MAX_DEPTH = 12;
const MAX_BYTES = 32 << 20;
/** Allowed last characters by width mod 3: the unused bits are zero. */
const LAST = [/[A-Za-z0-9_-]$/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/];
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Of a text that is JSON: strings, with the colon that follows a key; numbers that are no integers; braces. */
const TOKENS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|-?\d+(\.\d+|[eE])|[{}]/gs;

const encoder = new TextEncoder();

/** UTF-8 bytes of a text. Refused "not-canonical" for a lone surrogate, which has none. */
export function utf8(text) {
  if (LONE_SURROGATE.test(text)) throw new Refused("not-canonical", "the text is not Unicode");
  return encoder.encode(text);
}

/** The text of UTF-8 bytes. Refused "not-canonical". */
export function fromUtf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refused("not-canonical", "not UTF-8");
  }
}

/** One array of bytes after another. */
export function concat(...arrays) {
  const joined = new Uint8Array(arrays.reduce((size, array) => size + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

/** The integer ≥ 0 of big-endian bytes. */
export function integerOf(bytes) {
  let hex = "0x0";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return BigInt(hex);
}

/** `integer` big-endian in exactly `width` bytes. RangeError when it is outside [0, 256^width). */
export function bytesOf(integer, width) {
  const hex = (integer === 0n ? "" : integer.toString(16)).padStart(2 * width, "0");
  if (integer < 0n || hex.length > 2 * width) throw new RangeError(`the integer does not fit ${width} bytes`);
  return Uint8Array.from({ length: width }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

// base64url

/** Unpadded base64url of bytes. */
export function encodeBytes(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The `width` bytes whose one encoding is `text`. Refused "bad-integer": not a string, another length, padding, a
 * character outside the alphabet, unused bits set.
 */
export function decodeBytes(text, width) {
  const length = Math.floor((4 * width + 2) / 3);
  if (typeof text !== "string") throw new Refused("bad-integer", `a string of ${length} characters was expected`);
  if (text.length !== length) {
    throw new Refused("bad-integer", `${text.length} characters where ${width} bytes take ${length}`);
  }
  if (width % 3 && !LAST[width % 3].test(text)) {
    throw new Refused("bad-integer", "the last character has unused bits set or is not base64url");
  }
  if (/[^A-Za-z0-9_-]/.test(text)) {
    throw new Refused("bad-integer", "a character is not of the unpadded base64url alphabet");
  }
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** An integer (bigint) as base64url, big-endian in `width` bytes. RangeError when it is outside [0, 256^width). */
export function encodeInteger(integer, width) {
  return encodeBytes(bytesOf(integer, width));
}

/** The integer (bigint) in [0, 256^width) whose one encoding is `text`. Refused as by decodeBytes. */
export function decodeInteger(text, width) {
  return integerOf(decodeBytes(text, width));
}

// JSON

/**
 * The RFC 8785 text of a JSON value. Refused "not-canonical" for what has none here: a number that is not an integer
 * below 2^53, a lone surrogate, anything that JSON does not know.
 */
export function serialise(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return serialiseNumber(value);
  if (typeof value === "string") return serialiseText(value);
  if (Array.isArray(value)) return `[${Array.from(value, serialise).join(",")}]`;
  if (typeof value !== "object") throw new Refused("not-canonical", `a ${typeof value} is not JSON`);
  const members = Object.keys(value)
    .sort() // by UTF-16 code units, as RFC 8785 orders
    .map((key) => `${serialiseText(key)}:${serialise(value[key])}`);
  return `{${members.join(",")}}`;
}

function serialiseNumber(value) {
  if (!Number.isInteger(value)) throw new Refused("not-canonical", "a number is not an integer");
  if (!Number.isSafeInteger(value)) throw new Refused("not-canonical", "an integer is 2^53 or more");
  return String(value);
}

function serialiseText(text) {
  if (LONE_SURROGATE.test(text)) throw new Refused("not-canonical", "the text is not Unicode");
  return JSON.stringify(text);
}

/**
 * The JSON value of `text`, whose RFC 8785 form is `text` itself. Numbers are integers below 2^53, nesting is at most
 * `maxDepth` arrays and objects, the size at most `maxBytes` of UTF-8. Refused "not-canonical".
 */
export function parse(text, maxBytes = MAX_BYTES, maxDepth = MAX_DEPTH) {
  const size = encoder.encode(text).length;
  if (size > maxBytes) throw new Refused("not-canonical", `${size} bytes where at most ${maxBytes} are allowed`);
  if (depth(text) > maxDepth) throw new Refused("not-canonical", `nested more than ${maxDepth} deep`);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused("not-canonical", "not JSON");
  }
  // The comparison alone decides, also about keys that are there twice; `fault` only finds the words for it.
  if (serialise(value) !== text) throw new Refused("not-canonical", fault(text));
  return value;
}

/** The deepest nesting of a text that may be JSON, found without recursion. */
function depth(text) {
  const brackets = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*(?:"|$)/gs, "").replace(/[^[\]{}]/g, "");
  let now = 0;
  let deepest = 0;
  for (const bracket of brackets) {
    now += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, now);
  }
  return deepest;
}

/** Why a text that is JSON is not in its one form. */
function fault(text) {
  const keys = [];
  for (const [token, string, colon, fraction] of text.matchAll(TOKENS)) {
    if (fraction) return "a number is not an integer";
    if (token === "{") keys.push(new Set());
    if (token === "}") keys.pop();
    if (!colon) continue;
    const key = JSON.parse(string);
    if (keys.at(-1).has(key)) return "an object has the same key twice";
    keys.at(-1).add(key);
  }
  return "not in the form of RFC 8785";
}

// Hashed items

/**
 * The injective bytes of an item: an integer ≥ 0 (bigint or safe number), a string, bytes (Uint8Array) or an array of
 * items. RangeError for a negative integer, TypeError for anything else.
 */
export function encodeItem(item) {
  if (item instanceof Uint8Array) return concat(head("b", item.length), item);
  if (typeof item === "string") {
    const bytes = utf8(item);
    return concat(head("s", bytes.length), bytes);
  }
  if (Array.isArray(item)) return concat(head("l", item.length), ...item.map(encodeItem));
  if (typeof item !== "bigint" && !Number.isSafeInteger(item)) {
    throw new TypeError("only integers, texts, bytes and lists have an encoding");
  }
  if (item < 0) throw new RangeError("cannot hash a negative integer");
  const width = item > 0 ? Math.ceil(item.toString(16).length / 2) : 0;
  return concat(head("i", width), bytesOf(BigInt(item), width));
}

/** One letter for the type, eight bytes of length. */
function head(letter, length) {
  const bytes = new Uint8Array(9);
  bytes[0] = letter.charCodeAt(0);
  new DataView(bytes.buffer).setBigUint64(1, BigInt(length));
  return bytes;
}
