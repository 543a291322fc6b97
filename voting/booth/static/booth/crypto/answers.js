/**
 * What the ciphertexts of an answer encrypt (verifier/record/answers.py, tally/ballot.py): B^j, or 0 and 1, in
 * homomorphic contests; in mixnet contests two bytes of length, the payload, zeros up to the full plaintexts.
 *
 * An answer is an option id or "blank" (choose one, index), a list of ids (choose several, ranking), or a text.
 */
import { bytesOf, concat, fromUtf8, integerOf, utf8 } from "./encoding.js";
import { Refused } from "./errors.js";
import { BLANK, choicesOf, isHomomorphic, limitsOf, optionId } from "./manifest.js";

const LENGTH_BYTES = 2;
const INDEX_BYTES = 2;
const CONTROL = /\p{Cc}/u;

const notAllowed = (contest, reason) => new Refused("choice", `contest ${contest.id}: ${reason}`);
const undecodable = (reason) => new Refused("undecodable", reason);

// Homomorphic contests

/** What one ciphertext may encrypt: B^j for *choose one*, 0 or 1 for *choose several*. Bigints. */
export function listedValues(contest, base) {
  if (contest.kind === "choose-several") return [0n, 1n];
  return Array.from({ length: choicesOf(contest) }, (_, j) => base ** BigInt(j));
}

/** The plaintexts (bigints) of a choice. Refused "choice" for one that the contest does not allow. */
export function plaintextsOf(contest, modulusBits, base, choice) {
  if (!isHomomorphic(contest)) return encodeAnswer(contest, modulusBits, choice);
  return contest.kind === "choose-one" ? onePlaintext(contest, base, choice) : markPlaintexts(contest, choice);
}

function onePlaintext(contest, base, choice) {
  const ids = contest.options.map((option) => option.id);
  const at = (contest.blank ? [...ids, BLANK] : ids).indexOf(choice);
  if (at < 0) throw notAllowed(contest, "this option is not on the list");
  return [listedValues(contest, base)[at]];
}

function markPlaintexts(contest, choice) {
  const ids = contest.options.map((option) => option.id);
  const marks = Array.isArray(choice) ? choice : [choice];
  if (new Set(marks).size !== marks.length) throw notAllowed(contest, "the same mark twice");
  if (!marks.every((mark) => ids.includes(mark)) || !limitsOf(contest).includes(marks.length)) {
    throw notAllowed(contest, "these marks are not allowed");
  }
  return ids.map((id) => BigInt(marks.includes(id)));
}

/** The answer that plaintexts of any kind of contest carry. Refused "undecodable" with the reason. */
export function answerOf(contest, modulusBits, base, plaintexts) {
  if (!isHomomorphic(contest)) return decodeAnswer(contest, modulusBits, plaintexts);
  const places = plaintexts.map((m) => listedValues(contest, base).indexOf(m));
  if (places.includes(-1)) throw undecodable("the ballot holds something that cannot be voted");
  if (contest.kind === "choose-one") return optionId(contest, places[0]);
  const marked = contest.options.filter((_, at) => places[at] === 1);
  if (!limitsOf(contest).includes(marked.length)) throw undecodable("a number of marks that is not allowed");
  return marked.map((option) => option.id);
}

// Mixnet contests

/** Payload bytes of one plaintext. */
export function blockBytes(modulusBits) {
  return Math.floor((modulusBits - 1) / 8);
}

/** The longest payload that an answer to this contest can have. */
export function payloadBytes(contest) {
  if (contest.kind === "index") return INDEX_BYTES;
  return contest.kind === "ranking" ? INDEX_BYTES * contest.most : contest.most;
}

/** Does every answer fit the contest's plaintexts? */
export function fits(contest, modulusBits) {
  return LENGTH_BYTES + payloadBytes(contest) <= contest.width * blockBytes(modulusBits);
}

/** The `width` plaintexts of an answer. Refused "choice" for an answer that the contest does not allow. */
export function encodeAnswer(contest, modulusBits, answer) {
  const payload = payloadOf(contest, answer);
  if (payload.length > payloadBytes(contest)) throw notAllowed(contest, "the answer is too long");
  const size = blockBytes(modulusBits);
  const data = new Uint8Array(contest.width * size);
  data.set(concat(bytesOf(BigInt(payload.length), LENGTH_BYTES), payload));
  const plaintexts = Array.from({ length: contest.width }, (_, at) =>
    integerOf(data.slice(at * size, (at + 1) * size)),
  );
  try {
    decodeAnswer(contest, modulusBits, plaintexts);
  } catch (error) {
    throw notAllowed(contest, error.reason);
  }
  return plaintexts;
}

function payloadOf(contest, answer) {
  if (contest.kind === "text") return payloadOfText(contest, answer);
  const ids = contest.options.map((option) => option.id);
  if (contest.kind === "index" && contest.blank) ids.push(BLANK);
  const indexes = (Array.isArray(answer) ? answer : [answer]).map((id) => ids.indexOf(id));
  if (indexes.includes(-1)) throw notAllowed(contest, "unknown option");
  return concat(...indexes.map((index) => bytesOf(BigInt(index), INDEX_BYTES)));
}

function payloadOfText(contest, answer) {
  if (typeof answer !== "string") throw notAllowed(contest, "a text was expected");
  try {
    return utf8(answer);
  } catch {
    throw notAllowed(contest, "the text is not Unicode");
  }
}

/** The answer that the plaintexts, of which each is in [0, N), carry. Refused "undecodable" with the reason. */
export function decodeAnswer(contest, modulusBits, plaintexts) {
  const size = blockBytes(modulusBits);
  if (plaintexts.some((m) => m >> BigInt(8 * size))) {
    throw undecodable("the plaintext is larger than an encoded answer");
  }
  const data = concat(...plaintexts.map((m) => bytesOf(m, size)));
  const length = Number(integerOf(data.slice(0, LENGTH_BYTES)));
  const end = LENGTH_BYTES + length;
  if (end > data.length || length > payloadBytes(contest)) throw undecodable("the answer is too long");
  if (data.slice(end).some((byte) => byte)) throw undecodable("the padding is not zero");
  const payload = data.slice(LENGTH_BYTES, end);
  return contest.kind === "text" ? textOf(contest, payload) : optionsOf(contest, payload);
}

function textOf(contest, payload) {
  let text;
  try {
    text = fromUtf8(payload);
  } catch {
    throw undecodable("the text is not UTF-8");
  }
  if (text.normalize("NFC") !== text) throw undecodable("the text is not in Unicode normal form C");
  if (CONTROL.test(text)) throw undecodable("the text holds control characters");
  if (tooShort(contest, payload.length)) throw undecodable("the text is too short");
  return text;
}

function optionsOf(contest, payload) {
  if (payload.length % INDEX_BYTES) throw undecodable("half an option");
  const indexes = Array.from({ length: payload.length / INDEX_BYTES }, (_, at) =>
    Number(integerOf(payload.slice(INDEX_BYTES * at, INDEX_BYTES * (at + 1)))),
  );
  const limit = contest.kind === "index" ? choicesOf(contest) : contest.options.length;
  if (indexes.some((index) => index >= limit)) throw undecodable("an option that is not on the list");
  if (contest.kind === "index") {
    if (indexes.length !== 1) throw undecodable("not exactly one option");
    return optionId(contest, indexes[0]);
  }
  if (new Set(indexes).size !== indexes.length) throw undecodable("an option ranked twice");
  if (tooShort(contest, indexes.length)) throw undecodable("too few options ranked");
  return indexes.map((index) => optionId(contest, index));
}

function tooShort(contest, length) {
  return !(contest.blank && !length) && length < Math.max(contest.least, 1);
}

/** Is this a blank vote? */
export function isBlank(contest, answer) {
  return contest.kind === "index" || contest.kind === "choose-one" ? answer === BLANK : !answer.length;
}
