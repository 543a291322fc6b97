/** Paillier's cryptosystem, public side (protocol, section 1): E(m; r) = (1 + m·N) · r^N mod N². */
import { bitLength, gcd } from "./arithmetic.js";
import { hashToRange } from "./transcript.js";

/** A Paillier modulus and what is derived from it. */
export class PublicKey {
  /** @param {bigint} N */
  constructor(N) {
    this.N = N;
    this.N2 = N * N;
    this.bits = bitLength(N);
    const root = hashToRange(N, "randomness base", N);
    /** h_N: a square hashed from N, the base of short-exponent randomness (protocol, 3.4). */
    this.h = (root * root) % N;
  }

  /** Is x in [1, N) and coprime to N? */
  isElement(x) {
    return x > 0n && x < this.N && gcd(this.N, x) === 1n;
  }

  /** Is c in [1, N²) and coprime to N? */
  isCiphertext(c) {
    return c > 0n && c < this.N2 && gcd(this.N, c % this.N) === 1n;
  }
}
