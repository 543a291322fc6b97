/**
 * The ballot prover, in a Worker of its own. Choices and seeds stay in here: only `reveal` lets a seed out, for the
 * ballot that was sealed last.
 *
 * A message {id, do, …} is answered by {id, progress} (0 … 1, any number of times) and then by {id, result} or
 * {id, refused: {code, reason}}; messages are worked on one after another.
 *
 *   prepare {manifest, key, rows} → {election}       `key` is the body of the key entry, `rows` that of the roll
 *                                                    commitment's body; builds the tables
 *   seal {style, slot, sequence, credential, choices} → {ballot, tracker, canonical}
 *   reveal {tracker} → {seed}
 *   forget {} → {}
 *   read {ballot, seed} → {answers}
 */
import { makeBallot, readBallot } from "./crypto/ballot.js";
import { encodeBytes, serialise } from "./crypto/encoding.js";
import { tracker as trackerOf } from "./crypto/entries.js";
import { Refused } from "./crypto/errors.js";
import { CHANCE, Randomness } from "./crypto/randomness.js";
import { SEED_BYTES } from "./crypto/seed.js";
import { settingOf } from "./crypto/setting.js";
import { randomBytes, requireCrypto } from "./crypto/webcrypto.js";

const LEAST_STEP = 0.01; // of progress that is worth a message

/** @type {{setting: object, randomness: Randomness} | null} */
let prepared = null;
/** The ballot sealed last. @type {{tracker: string, seed: Uint8Array} | null} */
let sealed = null;

async function prepare({ manifest, key, rows }, progress) {
  prepared = sealed = null;
  const setting = await settingOf(manifest, key, rows);
  prepared = { setting, randomness: new Randomness(setting.key, CHANCE, progress) };
  return { election: encodeBytes(setting.election) };
}

async function seal(request, progress) {
  sealed = null;
  const { setting, randomness } = requirePrepared();
  const seed = randomBytes(SEED_BYTES);
  const ballot = makeBallot(setting, randomness, request, seed, progress);
  const tracker = encodeBytes(await trackerOf(ballot));
  sealed = { tracker, seed };
  return { ballot, tracker, canonical: serialise(ballot) };
}

function reveal({ tracker }) {
  if (!sealed || tracker !== sealed.tracker) {
    throw new Refused("unknown-ballot", "this ballot is not the one sealed last");
  }
  return { seed: encodeBytes(sealed.seed) };
}

function forget() {
  sealed?.seed.fill(0);
  sealed = null;
  return {};
}

function read({ ballot, seed }) {
  const { setting, randomness } = requirePrepared();
  return { answers: readBallot(setting, randomness, ballot, seed) };
}

function requirePrepared() {
  if (!prepared) throw new Refused("not-prepared", "the election has not been prepared");
  return prepared;
}

const REQUESTS = new Map(Object.entries({ prepare, seal, reveal, forget, read }));

async function answer({ id, do: what, ...request }) {
  let told = 0;
  const progress = (share) => {
    if (share < 1 && share - told < LEAST_STEP) return;
    told = share;
    self.postMessage({ id, progress: Math.min(share, 1) });
  };
  try {
    requireCrypto();
    if (!REQUESTS.has(what)) throw new Refused("unknown-request", "the booth does not know this request");
    self.postMessage({ id, result: await REQUESTS.get(what)(request, progress) });
  } catch (error) {
    // What else goes wrong is a fault of this program, and its words might hold a choice.
    const { code, reason } = error instanceof Refused ? error : new Refused("failed", "the booth could not do this");
    self.postMessage({ id, refused: { code, reason } });
  }
}

let queue = Promise.resolve();
self.addEventListener("message", ({ data }) => {
  queue = queue.then(() => answer(data ?? {}));
});
