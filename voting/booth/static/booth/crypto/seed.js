/** The randomness of a ballot's ciphertexts, expanded from one 32-byte ballot seed (protocol, 3.4). */
import { encodeItem, integerOf } from "./encoding.js";
import { shake256 } from "./keccak.js";
import { PROTOCOL } from "./transcript.js";

export const SEED_BYTES = 32;

/** |N|/2 + 64: short exponents of a square are as good as uniform ones (Goldreich–Rosen). */
export function exponentBits(key) {
  return Math.floor(key.bits / 2) + 64;
}

/** α in [0, 2^(|N|/2 + 64)) for the ciphertext at `position` of `contest`: its randomness is r = h_N^α. */
export function exponent(key, seed, contest, position) {
  const bits = exponentBits(key);
  const size = Math.ceil(bits / 8);
  const data = shake256(encodeItem([PROTOCOL, "ballot randomness", seed, contest, position]), size);
  return integerOf(data) >> BigInt(8 * size - bits);
}

/**
 * m = ((c·r^{−N} mod N²) − 1)/N, or null when r is not the randomness of c; `inverse` is r^{−N} mod N².
 *
 * The division must be exact: a floor division would accept any r (protocol, section 9).
 */
export function plaintext(key, c, inverse) {
  const quotient = (c * inverse) % key.N2;
  return quotient % key.N === 1n ? (quotient - 1n) / key.N : null;
}
