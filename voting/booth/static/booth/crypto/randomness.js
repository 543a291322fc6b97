/** h_N^α with its N-th power, from two fixed-base tables that are built once per key (protocol, 3.4). */
import { FixedBase, invert, power } from "./arithmetic.js";
import { integerOf } from "./encoding.js";
import { Refused } from "./errors.js";
import { exponentBits } from "./seed.js";
import { CHALLENGE_BITS } from "./transcript.js";
import { randomBytes } from "./webcrypto.js";

/** Room for the sum of the α of as many as 65536 ciphertexts. */
const SUM_BITS = 16;

/** Where secrets are drawn from: the browser. Only tests draw from elsewhere. */
export const CHANCE = {
  /** An integer (bigint) in [0, 2^bits). */
  bits(bits) {
    const size = Math.ceil(bits / 8);
    return integerOf(randomBytes(size)) >> BigInt(8 * size - bits);
  },

  /** An integer (bigint) in [0, bound), by rejection. */
  below(bound) {
    const bits = (bound - 1n).toString(2).length;
    for (;;) {
      const value = this.bits(bits);
      if (value < bound) return value;
    }
  },
};

export class Randomness {
  #bits;
  #root;
  #power;
  #offset;
  #back;

  /**
   * Products at |N| = 3072: for h_N^N 3855 mod N²; for the tables 3035 mod N² and as many mod N. After that a power
   * takes 266 mod N², a root 265 mod N.
   *
   * Refused "bad-key" where h_N is no unit.
   *
   * @param {import("./paillier.js").PublicKey} key
   * @param {(share: number) => void} progress hears the share that is done, 0 … 1
   */
  constructor(key, chance = CHANCE, progress = () => {}) {
    this.key = key;
    this.chance = chance;
    this.#bits = exponentBits(key);
    const span = this.#bits + CHALLENGE_BITS + SUM_BITS + 1; // of σ + α·e, for a sum α of exponents and a challenge e
    const table = FixedBase.products(span);
    const all = 5 * Math.ceil(key.bits / 4) + table + table / 3; // a product mod N takes a third of one mod N²
    let made = 0;
    const tick = (products) => progress((made += products) / all);
    const base = power(key.h, key.N, key.N2, tick);
    this.#power = new FixedBase(base, key.N2, span, tick);
    this.#root = new FixedBase(key.h, key.N, span, (products) => tick(products / 3));
    this.#offset = 1n << BigInt(span - 1);
    try {
      this.#back = invert(this.#power.pow(this.#offset), key.N2);
    } catch {
      throw new Refused("bad-key", "the election's key has a factor in common with its randomness base");
    }
  }

  /** A fresh short exponent α. */
  fresh() {
    return this.chance.bits(this.#bits);
  }

  /** h_N^e mod N for e ≥ 0. */
  root(e) {
    return this.#root.pow(e);
  }

  /** (h_N^e)^N mod N²; e may be negative. */
  power(e) {
    return (this.#power.pow(e + this.#offset) * this.#back) % this.key.N2;
  }
}
