/**
 * The two proofs that a ballot carries: membership (protocol, 3.1) and plaintext knowledge (3.2), made as
 * tally/ballot.py makes them. What they prove is about c = E(m; r) with r = h_N^α.
 *
 * Whoever makes c knows α, so that everything is a power of h_N, with exponents that are added before:
 *
 *     r^e       = h_N^{α·e}
 *     c_j^{−e}  = (1 + e·(m_j − m)·N) · (h_N^N)^{−α·e}        as (1 + N)^k = 1 + k·N mod N²
 *
 * A branch then costs one power mod N² and one mod N, whether it is the true one or not, and no inverse.
 */
import { encodeInteger } from "./encoding.js";
import { CHALLENGE_BITS, Transcript } from "./transcript.js";

/** One byte more than [0, 2^128) needs, so that the range of a challenge is checked, not implied. */
const CHALLENGE_WIDTH = 17;
const CHALLENGES = 1n << BigInt(CHALLENGE_BITS);

/**
 * What binds a proof to one place in one ballot of one voter.
 * @typedef {{election: Uint8Array, key: import("./paillier.js").PublicKey, contest: string, slot: string,
 *   sequence: number, credential: Uint8Array}} Context
 */

/** `position` counts the proofs of one answer from 0. */
function transcriptOf(context, kind, position) {
  const transcript = new Transcript(kind, context.election);
  transcript.absorb(
    context.key.N,
    context.contest,
    position,
    context.slot,
    context.sequence,
    context.credential,
  );
  return transcript;
}

/** e = H(statement, a_0 … a_{L−1}) in [0, 2^λ). */
export function membershipChallenge(context, position, values, c, a) {
  const transcript = transcriptOf(context, "membership", position);
  transcript.absorb(values, c, a);
  return transcript.challenge("e");
}

/** e = H(statement, a) in [0, 2^λ). */
export function knowledgeChallenge(context, position, c, a) {
  const transcript = transcriptOf(context, "plaintext knowledge", position);
  transcript.absorb(c, a);
  return transcript.challenge("e");
}

/**
 * `c` = E(values[choice]; h_N^α) encrypts one of `values`. Returns {a, e, z}, lists of bigints.
 *
 * s and every simulated z_j are powers of h_N, like r: otherwise the fake branches show (protocol, 3.4).
 *
 * @param {import("./randomness.js").Randomness} randomness
 * @param {Context} context
 * @param {() => void} tick is called after each branch
 */
export function proveMembership(randomness, context, position, values, choice, c, alpha, tick = () => {}) {
  const { N, N2 } = context.key;
  const sigma = randomness.fresh(); // s = h_N^σ
  const e = values.map(() => 0n);
  const zeta = values.map(() => sigma); // z_j = h_N^ζ_j
  for (const j of values.keys()) {
    if (j === choice) continue;
    e[j] = randomness.chance.bits(CHALLENGE_BITS);
    zeta[j] = randomness.fresh();
  }
  // z_j^N · c_j^{−e_j}; in the true branch e_j is still 0, which leaves s^N
  const a = values.map((m, j) => {
    const shift = (e[j] * (m - values[choice])) % N;
    const commitment = ((1n + shift * N) * randomness.power(zeta[j] - alpha * e[j])) % N2;
    tick();
    return commitment < 0n ? commitment + N2 : commitment;
  });
  const challenge = membershipChallenge(context, position, values, c, a);
  const others = e.reduce((sum, e_j) => sum + e_j, 0n);
  e[choice] = (((challenge - others) % CHALLENGES) + CHALLENGES) % CHALLENGES;
  zeta[choice] = sigma + alpha * e[choice]; // z_l = s · r^{e_l}
  return { a, e, z: zeta.map((exponent) => randomness.root(exponent)) };
}

/**
 * The plaintext m of `c` = E(m; h_N^α) is known. Returns {a, zM, zR}.
 *
 * @param {import("./randomness.js").Randomness} randomness
 * @param {Context} context
 */
export function proveKnowledge(randomness, context, position, m, c, alpha) {
  const { N, N2 } = context.key;
  const u = randomness.chance.below(N);
  const sigma = randomness.fresh(); // s = h_N^σ
  const a = ((1n + u * N) * randomness.power(sigma)) % N2;
  const e = knowledgeChallenge(context, position, c, a);
  return { a, zM: (u + e * m) % N, zR: randomness.root(sigma + alpha * e) };
}

/** The wire form of a membership proof; `width` is the modulus in bytes. */
export function membershipRecord({ a, e, z }, width) {
  return {
    a: a.map((a_j) => encodeInteger(a_j, 2 * width)),
    e: e.map((e_j) => encodeInteger(e_j, CHALLENGE_WIDTH)),
    z: z.map((z_j) => encodeInteger(z_j, width)),
  };
}

/** The wire form of a proof of plaintext knowledge; `width` is the modulus in bytes. */
export function knowledgeRecord({ a, zM, zR }, width) {
  return { a: encodeInteger(a, 2 * width), z_m: encodeInteger(zM, width), z_r: encodeInteger(zR, width) };
}
