/**
 * The operations of tests/vectors/generate.py in terms of the booth's modules. Integers cross as hexadecimal, bytes as
 * hexadecimal of two digits each.
 */
import { answerOf, decodeAnswer, encodeAnswer, fits, isBlank, plaintextsOf } from "/booth/crypto/answers.js";
import { invert, power } from "/booth/crypto/arithmetic.js";
import { makeBallot, readBallot } from "/booth/crypto/ballot.js";
import * as encoding from "/booth/crypto/encoding.js";
import { signedMessage, statementDigest, tracker } from "/booth/crypto/entries.js";
import { Refused } from "/booth/crypto/errors.js";
import { shake256 } from "/booth/crypto/keccak.js";
import {
  choicesOf,
  ciphertextsOf,
  electionId,
  parseContest,
  parseManifest,
  proofsOf,
} from "/booth/crypto/manifest.js";
import { PublicKey } from "/booth/crypto/paillier.js";
import {
  knowledgeChallenge,
  knowledgeRecord,
  membershipChallenge,
  membershipRecord,
  proveKnowledge,
  proveMembership,
} from "/booth/crypto/proofs.js";
import { CHANCE, Randomness } from "/booth/crypto/randomness.js";
import { exponent, exponentBits, plaintext } from "/booth/crypto/seed.js";
import { Transcript, digest, hashToRange } from "/booth/crypto/transcript.js";

// JSON forms

const big = (text) => (text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`));
const hexadecimal = (integer) => BigInt(integer).toString(16);
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

function named(proof) {
  const text = (part) => (Array.isArray(part) ? part.map(hexadecimal) : hexadecimal(part));
  return Object.fromEntries(Object.entries(proof).map(([name, part]) => [name, text(part)]));
}

const items = {
  integer: big,
  text: (text) => text,
  bytes,
  list: (list) => list.map(itemOf),
  other: (other) => other,
};

function itemOf(item) {
  const [[kind, value]] = Object.entries(item);
  return items[kind](value);
}

// What is kept between cases

const kept = new Map();

function keep(name, make) {
  if (!kept.has(name)) kept.set(name, make());
  return kept.get(name);
}

const keyOf = (modulus) => keep(`key ${modulus}`, () => new PublicKey(big(modulus)));
const tablesOf = (modulus) => keep(`tables ${modulus}`, () => new Randomness(keyOf(modulus)));

/** The tables of a modulus with another source of chance. */
function drawing(modulus, chance) {
  const tables = tablesOf(modulus);
  return {
    key: tables.key,
    chance,
    fresh: () => chance.bits(exponentBits(tables.key)),
    root: (e) => tables.root(e),
    power: (e) => tables.power(e),
  };
}

/** The stream of tests/vectors/generate.py, which lists what was drawn. */
function streamOf(seed) {
  let attempts = 0n;
  const draws = [];
  const attempt = (bits) => {
    const size = Math.ceil(bits / 8);
    const data = shake256(encoding.concat(bytes(seed), encoding.bytesOf(attempts, 8)), size);
    attempts += 1n;
    return encoding.integerOf(data) >> BigInt(8 * size - bits);
  };
  const drawn = (value) => {
    draws.push(hexadecimal(value));
    return value;
  };
  return {
    draws,
    bits: (bits) => drawn(attempt(bits)),
    below(bound) {
      for (;;) {
        const value = attempt((bound - 1n).toString(2).length);
        if (value < bound) return drawn(value);
      }
    },
  };
}

const chanceOf = (given) => (given.stream ? streamOf(given.stream) : { ...CHANCE, draws: [] });

async function settingOf(given) {
  const election = await electionId(given.manifest);
  const key = keyOf(given.modulus);
  return {
    manifest: parseManifest(given.manifest),
    election,
    key,
    base: 1n << BigInt(given.rows.toString(2).length),
    width: Math.ceil(key.bits / 8),
  };
}

function contextOf(given) {
  return {
    election: bytes(given.election),
    key: keyOf(given.modulus),
    contest: given.contest,
    slot: given.slot,
    sequence: given.sequence,
    credential: bytes(given.credential),
  };
}

// The operations

const OPERATIONS = {
  // canonical forms
  "parse-json": (given) => ({
    value: encoding.parse(encoding.fromUtf8(bytes(given.bytes)), given.max_bytes, given.max_depth),
  }),
  "serialise-json": (given) => ({ bytes: hex(encoding.utf8(encoding.serialise(given.value))) }),
  "encode-bytes": (given) => ({ text: encoding.encodeBytes(bytes(given.bytes)) }),
  "decode-bytes": (given) => ({ bytes: hex(encoding.decodeBytes(given.text, given.size)) }),
  "encode-integer": (given) => ({ text: encoding.encodeInteger(big(given.integer), given.width) }),
  "decode-integer": (given) => ({ integer: hexadecimal(encoding.decodeInteger(given.text, given.width)) }),

  // hashes
  shake: (given) => ({ digest: hex(shake256(bytes(given.bytes), given.length)) }),
  "encode-item": (given) => ({ bytes: hex(encoding.encodeItem(itemOf(given.item))) }),
  "hash-to-range": (given) => ({
    integer: hexadecimal(hashToRange(big(given.bound), given.tag, ...given.items.map(itemOf))),
  }),
  digest: async (given) => ({ digest: hex(await digest(given.tag, ...given.items.map(itemOf))) }),
  "roll-leaf": async (given) => ({ leaf: hex(await digest("roll row", given.index, bytes(given.salt), given.row)) }),
  transcript(given) {
    const running = new Transcript(given.kind, bytes(given.election));
    const steps = {
      absorb: (what) => running.absorb(...what.map(itemOf)) ?? null,
      challenge: ({ label, bits }) => hexadecimal(running.challenge(label, bits)),
      challenges({ label, count }) {
        const stream = encoding.bytesOf(running.challenge(label, 128 * count), 16 * count);
        const at = Array.from({ length: count }, (_, i) => 16 * i);
        return at.map((start) => hexadecimal(encoding.integerOf(stream.slice(start, start + 16))));
      },
      scalar: ({ label, q }) => hexadecimal(running.challenge(label, 640) % big(q)),
    };
    return { results: given.steps.map((step) => Object.entries(step).map(([kind, what]) => steps[kind](what))[0]) };
  },

  // Paillier and ballot seeds
  "paillier-key": (given) => ({ bits: keyOf(given.modulus).bits, h: hexadecimal(keyOf(given.modulus).h) }),
  "paillier-encrypt"(given) {
    const { N, N2 } = keyOf(given.modulus);
    return {
      ciphertext: hexadecimal(((1n + big(given.plaintext) * N) * power(big(given.randomness), N, N2)) % N2),
    };
  },
  "ciphertext-domain": (given) => ({
    is_ciphertext: keyOf(given.modulus).isCiphertext(big(given.value)),
    is_element: keyOf(given.modulus).isElement(big(given.value)),
  }),
  "seed-randomness"(given) {
    const key = keyOf(given.modulus);
    const alpha = exponent(key, bytes(given.seed), given.contest, given.position);
    const randomness = tablesOf(given.modulus).root(alpha);
    return {
      bits: exponentBits(key),
      exponent: hexadecimal(alpha),
      randomness: hexadecimal(randomness),
    };
  },
  "recover-plaintext"(given) {
    const key = keyOf(given.modulus);
    const inverse = invert(power(big(given.randomness), key.N, key.N2), key.N2);
    const m = plaintext(key, big(given.ciphertext), inverse);
    return { plaintext: m === null ? null : hexadecimal(m) };
  },

  // proofs
  "prove-membership"(given) {
    const [context, values, alpha] = [contextOf(given), given.values.map(big), big(given.alpha)];
    const { N, N2 } = context.key;
    const chance = chanceOf(given);
    const randomness = drawing(given.modulus, chance);
    const c = ((1n + values[given.choice] * N) * randomness.power(alpha)) % N2;
    const proof = proveMembership(randomness, context, given.position, values, given.choice, c, alpha);
    return {
      ciphertext: hexadecimal(c),
      randomness: hexadecimal(randomness.root(alpha)),
      draws: chance.draws,
      challenge: hexadecimal(membershipChallenge(context, given.position, values, c, proof.a)),
      proof: named(proof),
      wire: membershipRecord(proof, Math.ceil(context.key.bits / 8)),
    };
  },
  "prove-knowledge"(given) {
    const [context, m, alpha] = [contextOf(given), big(given.plaintext), big(given.alpha)];
    const { N, N2 } = context.key;
    const chance = chanceOf(given);
    const randomness = drawing(given.modulus, chance);
    const c = ((1n + m * N) * randomness.power(alpha)) % N2;
    const proof = proveKnowledge(randomness, context, given.position, m, c, alpha);
    return {
      ciphertext: hexadecimal(c),
      randomness: hexadecimal(randomness.root(alpha)),
      draws: chance.draws,
      challenge: hexadecimal(knowledgeChallenge(context, given.position, c, proof.a)),
      proof: named({ a: proof.a, z_m: proof.zM, z_r: proof.zR }),
      wire: knowledgeRecord(proof, Math.ceil(context.key.bits / 8)),
    };
  },

  // contests, answers and ballots
  "parse-contest"(given) {
    const contest = parseContest(given.contest);
    return { choices: choicesOf(contest), ciphertexts: ciphertextsOf(contest), proofs: proofsOf(contest) };
  },
  "encode-answer": (given) => ({
    plaintexts: encodeAnswer(parseContest(given.contest), given.modulus_bits, given.answer).map(hexadecimal),
  }),
  "decode-answer"(given) {
    const contest = parseContest(given.contest);
    const answer = decodeAnswer(contest, given.modulus_bits, given.plaintexts.map(big));
    return { answer, blank: isBlank(contest, answer) };
  },
  fits: (given) => ({ fits: fits(parseContest(given.contest), given.modulus_bits) }),
  async "ballot-plaintexts"(given) {
    const { manifest, base } = await settingOf(given);
    const contest = manifest.contests.find((one) => one.id === given.contest);
    const plaintexts = plaintextsOf(contest, manifest.modulusBits, base, given.choice);
    const read = answerOf(contest, manifest.modulusBits, base, plaintexts);
    if (encoding.serialise(read) !== encoding.serialise(given.choice)) throw new Error("they say another thing");
    return { plaintexts: plaintexts.map(hexadecimal) };
  },
  async "make-ballot"(given) {
    const setting = await settingOf(given);
    const { manifest, base, key, election } = setting;
    const chance = chanceOf(given);
    const seed = bytes(given.seed);
    const request = {
      style: given.style,
      slot: given.slot,
      sequence: given.sequence,
      credential: encoding.encodeBytes(await publicKey(given.credential_seed)),
      choices: given.choices,
    };
    const ballot = makeBallot(setting, drawing(given.modulus, chance), request, seed);
    const read = readBallot(setting, tablesOf(given.modulus), ballot, encoding.encodeBytes(seed));
    if (encoding.serialise(read) !== encoding.serialise(given.choices)) throw new Error("it says another thing");
    const style = manifest.styles.find((one) => one.id === given.style);
    const plaintexts = {};
    const exponents = {};
    for (const id of style.contests) {
      const contest = manifest.contests.find((one) => one.id === id);
      const sealed = plaintextsOf(contest, manifest.modulusBits, base, given.choices[id]);
      plaintexts[id] = sealed.map(hexadecimal);
      exponents[id] = sealed.map((_, at) => hexadecimal(exponent(key, seed, id, at)));
    }
    const hash = await tracker(ballot);
    return {
      election: hex(election),
      base: hexadecimal(base),
      plaintexts,
      exponents,
      draws: chance.draws,
      ballot: hex(encoding.utf8(encoding.serialise(ballot))),
      tracker: hex(hash),
      cast_message: hex(await signedMessage("ballot-cast", hash)),
      open_message: hex(await signedMessage("ballot-opened", hash)),
    };
  },
  async "read-ballot"(given) {
    const setting = await settingOf(given);
    return { answers: readBallot(setting, tablesOf(given.modulus), given.ballot, given.seed) };
  },

  // entries
  async entry(given) {
    const { type, body } = encoding.parse(encoding.fromUtf8(bytes(given.bytes)));
    const statement = await statementDigest(type, body);
    return { statement: hex(statement), message: hex(await signedMessage(type, statement)) };
  },
  "election-id": async (given) => ({
    election: hex(await electionId(given.manifest)),
    bytes: encoding.utf8(encoding.serialise(given.manifest)).length,
  }),
};

async function publicKey(seed) {
  // PKCS #8 of a raw Ed25519 seed (RFC 8410)
  const pkcs8 = encoding.concat(bytes("302e020100300506032b657004220420"), bytes(seed));
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  return encoding.decodeBytes(x, 32);
}

export const names = () => Object.keys(OPERATIONS);

export async function runAll(cases) {
  const found = [];
  for (const { operation, input } of cases) found.push(await run(operation, input));
  return found;
}

async function run(operation, input) {
  try {
    return { output: await OPERATIONS[operation](input) };
  } catch (error) {
    if (error instanceof Refused) return { error: `Refused ${error.code}`, reason: error.reason };
    return { error: error.name, reason: error.message, stack: error.stack };
  }
}

// The Worker

let worker = null;
let heard = [];

/** Starts a Worker of `path`, with an empty record of what it says. */
export function start(path = "/booth/worker.js") {
  worker?.terminate();
  heard = [];
  worker = new Worker(path, { type: "module" });
  worker.addEventListener("message", ({ data }) => heard.push(data));
  return null;
}

/** Sends messages at once, and waits for the answer to each; {result} or {refused}. */
export async function ask(...messages) {
  if (!worker) start();
  const answers = messages.map(
    (message) =>
      new Promise((resolve, reject) => {
        const listen = ({ data }) => {
          if (data.id !== message.id || "progress" in data) return;
          worker.removeEventListener("message", listen);
          const { id, ...rest } = data;
          resolve(rest);
        };
        worker.addEventListener("message", listen);
        worker.addEventListener("error", () => reject(new Error("the Worker failed")));
      }),
  );
  for (const message of messages) worker.postMessage(message);
  return Promise.all(answers);
}

/** Everything that the Worker has said since it was started. */
export const said = () => heard;

/** What the Worker makes of a message on which its own program fails: a manifest that holds itself. */
export function askForFault(preparation) {
  preparation.manifest.itself = preparation.manifest;
  return ask({ id: "fault", do: "prepare", ...preparation });
}
