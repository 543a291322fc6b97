/** A ballot from choices, and choices from a ballot and its seed: work of a voter's device (protocol, section 3). */
import { answerOf, listedValues, plaintextsOf } from "./answers.js";
import { encodeBytes, encodeInteger } from "./encoding.js";
import { Refused } from "./errors.js";
import { ciphertextsOf, isHomomorphic, limitsOf, proofsOf } from "./manifest.js";
import { knowledgeRecord, membershipRecord, proveKnowledge, proveMembership } from "./proofs.js";
import { anything, identifier, listOf, number, octets, record, whole } from "./schema.js";
import { SEED_BYTES, exponent, plaintext } from "./seed.js";

const SLOT = identifier;
const SEQUENCE = whole(1, 1_000_000);
const SEED = octets(SEED_BYTES);
const CREDENTIAL = octets(32);
const HASH = octets(32);

/**
 * Products at |N| = 3072: a ciphertext takes 267 mod N², a branch of a membership proof as many, and 265 mod N.
 *
 * @typedef {{style: string, slot: string, sequence: number, credential: string, choices: object}} Request
 *   `credential` is the Ed25519 public key in base64url; `choices` has an answer for each contest of the style
 */

/**
 * The unsigned ballot in wire form. Refused "choice", naming the contest, for a choice that it does not allow.
 *
 * @param {import("./setting.js").Setting} setting
 * @param {import("./randomness.js").Randomness} randomness
 * @param {Request} request
 * @param {Uint8Array} seed fresh for each ballot
 * @param {(share: number) => void} progress hears the share that is done, 0 … 1, after each branch of a proof
 */
export function makeBallot(setting, randomness, request, seed, progress = () => {}) {
  const style = styleOf(setting, request.style);
  const contests = contestsOf(setting, style);
  const place = {
    election: setting.election,
    key: setting.key,
    slot: SLOT(request.slot, "slot"),
    sequence: SEQUENCE(request.sequence, "sequence"),
    credential: CREDENTIAL(request.credential, "credential"),
  };
  const marked = plaintextsByContest(setting, contests, request.choices ?? {});
  const branches = contests.reduce((sum, contest) => sum + branchesOf(contest, setting.base), 0);
  let done = 0;
  const tick = () => progress((done += 1) / branches);
  const answers = contests.map((contest, at) =>
    answerTo(setting, randomness, { ...place, contest: contest.id }, contest, marked[at], seed, tick),
  );
  const { slot, sequence } = place;
  return { election: encodeBytes(setting.election), style: style.id, slot, sequence, answers };
}

/** All choices are looked at before anything is computed. */
function plaintextsByContest(setting, contests, choices) {
  const ids = contests.map((contest) => contest.id);
  const foreign = Object.keys(choices).find((id) => !ids.includes(id));
  if (foreign !== undefined) throw new Refused("choice", `contest ${foreign}: it is not on this ballot`);
  return contests.map((contest) => {
    if (!Object.hasOwn(choices, contest.id)) throw new Refused("choice", `contest ${contest.id}: there is no answer`);
    return plaintextsOf(contest, setting.manifest.modulusBits, setting.base, choices[contest.id]);
  });
}

/** Branches of all proofs of an answer; a proof of plaintext knowledge counts as one. */
function branchesOf(contest, base) {
  if (!isHomomorphic(contest)) return contest.width;
  const total = contest.kind === "choose-several" ? limitsOf(contest).length : 0;
  return ciphertextsOf(contest) * listedValues(contest, base).length + total;
}

function answerTo(setting, randomness, context, contest, plaintexts, seed, tick) {
  const { key, width } = setting;
  const sealed = plaintexts.map((m, at) => {
    const alpha = exponent(key, seed, contest.id, at);
    return { m, alpha, c: ((1n + m * key.N) * randomness.power(alpha)) % key.N2 };
  });
  const proofs = isHomomorphic(contest)
    ? membershipProofs(setting, randomness, context, contest, sealed, tick)
    : knowledgeProofs(setting, randomness, context, sealed, tick);
  const ciphertexts = sealed.map(({ c }) => encodeInteger(c, 2 * width));
  return { contest: contest.id, ciphertexts, proofs };
}

function knowledgeProofs(setting, randomness, context, sealed, tick) {
  return sealed.map(({ m, alpha, c }, at) => {
    const proof = proveKnowledge(randomness, context, at, m, c, alpha);
    tick();
    return knowledgeRecord(proof, setting.width);
  });
}

/** The last proof of *choose several* is about the product, which encrypts the number of marks. */
function membershipProofs(setting, randomness, context, contest, sealed, tick) {
  const values = listedValues(contest, setting.base);
  const statements = sealed.map((one) => ({ ...one, values }));
  if (contest.kind === "choose-several") {
    statements.push({ ...productOf(sealed, setting.key.N2), values: limitsOf(contest).map(BigInt) });
  }
  return statements.map(({ m, alpha, c, values: listed }, at) => {
    const proof = proveMembership(randomness, context, at, listed, listed.indexOf(m), c, alpha, tick);
    return membershipRecord(proof, setting.width);
  });
}

function productOf(sealed, N2) {
  return sealed.reduce(
    (product, one) => ({ m: product.m + one.m, alpha: product.alpha + one.alpha, c: (product.c * one.c) % N2 }),
    { m: 0n, alpha: 0n, c: 1n },
  );
}

// Reading

/**
 * What a ballot says, by its seed (base64url): {contest id: answer}. Refused "mismatch", naming the contest, when the
 * seed does not open a ciphertext, "undecodable" when it opens to what cannot be voted, "other-election",
 * "not-canonical", "bad-integer" or "out-of-domain" for what is no ballot of this election.
 */
export function readBallot(setting, randomness, value, seed) {
  const bytes = SEED(seed, "seed");
  const answers = parseBallot(setting, value);
  const read = answers.map(({ contest, ciphertexts }) => [
    contest.id,
    readAnswer(setting, randomness, contest, ciphertexts, bytes),
  ]);
  return Object.fromEntries(read);
}

function readAnswer(setting, randomness, contest, ciphertexts, seed) {
  const { key, manifest, base } = setting;
  const plaintexts = ciphertexts.map((c, at) => {
    const m = plaintext(key, c, randomness.power(-exponent(key, seed, contest.id, at)));
    if (m === null) throw new Refused("mismatch", `contest ${contest.id}: the seed does not open ciphertext ${at}`);
    return m;
  });
  try {
    return answerOf(contest, manifest.modulusBits, base, plaintexts);
  } catch (error) {
    throw new Refused("undecodable", `contest ${contest.id}: ${error.reason}`);
  }
}

/** Contests and ciphertexts of a ballot, the domain of each ciphertext checked; proofs are the board's affair. */
function parseBallot(setting, value) {
  const fields = record(value, "ballot", {
    election: HASH,
    style: identifier,
    slot: SLOT,
    sequence: SEQUENCE,
    answers: listOf(anything, 1, 100),
  });
  if (encodeBytes(fields.election) !== encodeBytes(setting.election)) {
    throw new Refused("other-election", "the ballot is of another election");
  }
  const contests = contestsOf(setting, styleOf(setting, fields.style));
  if (fields.answers.length !== contests.length) {
    throw new Refused("not-canonical", `ballot, answers: ${contests.length} answers were expected`);
  }
  return contests.map((contest, at) => parseAnswer(setting, contest, fields.answers[at], `ballot, answers ${at}`));
}

function parseAnswer(setting, contest, value, where) {
  const [ciphertexts, proofs] = [ciphertextsOf(contest), proofsOf(contest)];
  const found = record(value, where, {
    contest: identifier,
    ciphertexts: listOf(number(2 * setting.width), ciphertexts, ciphertexts),
    proofs: listOf(anything, proofs, proofs),
  });
  if (found.contest !== contest.id) {
    throw new Refused("not-canonical", `${where}: an answer to contest ${contest.id} was expected`);
  }
  const wrong = found.ciphertexts.findIndex((c) => !setting.key.isCiphertext(c));
  if (wrong >= 0) {
    throw new Refused("out-of-domain", `contest ${contest.id}: ciphertext ${wrong} is none of this election's key`);
  }
  return { contest, ciphertexts: found.ciphertexts };
}

function styleOf({ manifest }, id) {
  const style = manifest.styles.find((one) => one.id === id);
  if (!style) throw new Refused("not-canonical", "the election has no such ballot style");
  return style;
}

function contestsOf({ manifest }, style) {
  return style.contests.map((id) => manifest.contests.find((contest) => contest.id === id));
}
