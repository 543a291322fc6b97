/** What an entry's signatures stand for and cover, as verifier/record/entries.py. */
import { encodeItem, serialise, utf8 } from "./encoding.js";
import { PROTOCOL, digest } from "./transcript.js";

export { PROTOCOL };

/** The hash of an unsigned ballot {election, style, slot, sequence, answers}: a promise of 32 bytes. */
export async function tracker(ballot) {
  return digest("tracker", utf8(serialise(ballot)));
}

/** What a signature stands for: a ballot's tracker, or the hash of any other body. A promise of 32 bytes. */
export async function statementDigest(type, body) {
  if (type === "ballot-cast") return tracker(body);
  if (type === "ballot-opened") return tracker(body.ballot);
  return digest("body", utf8(serialise(body)));
}

/** The bytes under an entry's signatures; `statement` is what statementDigest gives. */
export async function signedMessage(type, statement) {
  return encodeItem([PROTOCOL, "signature", type, statement]);
}
