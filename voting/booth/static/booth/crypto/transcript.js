/**
 * Strong Fiat–Shamir and hashing to integers, as verifier/crypto/transcript.py (protocol, section 10): hashes over
 * typed, length-prefixed items, so that two different sequences of items never give the same bytes.
 */
import { bytesOf, concat, encodeItem, integerOf } from "./encoding.js";
import { Shake256, shake256 } from "./keccak.js";
import { sha256 } from "./webcrypto.js";

export const PROTOCOL = "tashika/1";
export const CHALLENGE_BITS = 128; // λ

/** A running hash: what has been absorbed determines every later challenge. */
export class Transcript {
  #hash = new Shake256();

  /**
   * @param {string} kind names the statement ("membership" …)
   * @param {Uint8Array} election the manifest's 32-byte hash
   */
  constructor(kind, election) {
    this.absorb(PROTOCOL, kind, election);
  }

  /** Add items in order: what encodeItem takes. */
  absorb(...items) {
    for (const item of items) this.#hash.update(encodeItem(item));
  }

  /** A challenge (bigint) in [0, 2^bits); `bits` is a multiple of 8. */
  challenge(label, bits = CHALLENGE_BITS) {
    this.absorb("challenge", label);
    return integerOf(this.#hash.digest(bits / 8));
  }
}

/**
 * A value (bigint) in [1, bound), by rejection from SHAKE-256 over (PROTOCOL, tag, items). Every use has its own tag.
 * RangeError when the range is empty.
 */
export function hashToRange(bound, tag, ...items) {
  if (bound < 2n) throw new RangeError("nothing lies in an empty range");
  const bits = (bound - 1n).toString(2).length;
  const size = Math.ceil(bits / 8);
  const seed = encodeItem([PROTOCOL, "hash to range", tag, items]);
  for (let attempt = 0n; ; attempt += 1n) {
    const value = integerOf(shake256(concat(seed, bytesOf(attempt, 8)), size)) >> BigInt(8 * size - bits);
    if (value > 0n && value < bound) return value;
  }
}

/** SHA-256 over (PROTOCOL, tag, items): a promise of 32 bytes. */
export async function digest(tag, ...items) {
  return sha256(encodeItem([PROTOCOL, tag, items]));
}
