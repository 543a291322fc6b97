/**
 * Shapes of records, as verifier/record/schema.py: a shape is a function (value, where) => parsed that throws Refused
 * "not-canonical" or "bad-integer" with the place.
 */
import { decodeBytes, decodeInteger } from "./encoding.js";
import { Refused } from "./errors.js";

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function refuse(where, reason) {
  throw new Refused("not-canonical", `${where}: ${reason}`);
}

/** The keys of `shapes` of a JSON object, which may have others. */
export function part(value, where, shapes) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(where, "an object was expected");
  const missing = Object.keys(shapes).find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) refuse(where, `key '${missing}' is missing`);
  return Object.fromEntries(
    Object.entries(shapes).map(([key, shape]) => [key, shape(value[key], `${where}, ${key}`)]),
  );
}

/** A JSON object with exactly the keys of `shapes`. */
export function record(value, where, shapes) {
  const found = part(value, where, shapes);
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(shapes, key));
  if (unknown !== undefined) refuse(where, `unknown key '${unknown}'`);
  return found;
}

/** A list of `least` to `most` items. */
export function listOf(item, least = 0, most = 10_000) {
  return (value, where) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      refuse(where, `a list of ${least} to ${most} items was expected`);
    }
    return value.map((one, position) => item(one, `${where} ${position}`));
  };
}

/** NFC text without control or direction-changing characters, of at most `longest` characters. */
export function text(longest, shortest = 0) {
  return (value, where) => {
    const length = typeof value === "string" ? [...value].length : -1;
    if (length < shortest || length > longest) {
      refuse(where, `a text of ${shortest} to ${longest} characters was expected`);
    }
    if (value.normalize("NFC") !== value) refuse(where, "the text is not in Unicode normal form C");
    if (CONTROL.test(value)) refuse(where, "the text holds control characters");
    return value;
  };
}

/** 1 to 63 of a–z, 0–9 and the hyphen. */
export function identifier(value, where) {
  if (typeof value !== "string" || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(value)) {
    refuse(where, "an identifier of a–z, 0–9 and hyphens was expected");
  }
  return value;
}

/** One of the listed words. */
export function oneOf(...allowed) {
  return (value, where) => {
    if (!allowed.includes(value)) refuse(where, `one of ${allowed.join(", ")} was expected`);
    return value;
  };
}

/** A JSON integer in [least, most]. */
export function whole(least, most) {
  return (value, where) => {
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      refuse(where, `a whole number from ${least} to ${most} was expected`);
    }
    return value;
  };
}

/** true or false. */
export function boolean(value, where) {
  if (typeof value !== "boolean") refuse(where, "true or false was expected");
  return value;
}

/** A part whose shape is not looked at. */
export function anything(value) {
  return value;
}

/** A UTC time rounded to the minute, such as 2026-11-20T13:05Z; it stays text. */
export function minute(value, where) {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  if (Number.isNaN(time) || `${new Date(time).toISOString().slice(0, 16)}Z` !== value) {
    refuse(where, "a time such as 2026-11-20T13:05Z was expected");
  }
  return value;
}

/** A big integer (bigint) of `width` bytes on the wire. */
export function number(width) {
  return (value, where) => named(where, () => decodeInteger(value, width));
}

/** A key, hash or seed of `size` bytes. */
export function octets(size) {
  return (value, where) => named(where, () => decodeBytes(value, size));
}

function named(where, decode) {
  try {
    return decode();
  } catch (error) {
    throw new Refused(error.code, `${where}: ${error.reason}`);
  }
}
