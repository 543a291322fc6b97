/**
 * Entries of a public board, each with the proof that it is there. Nothing that the server says is handed on before
 * it is proved; only `status` is the server's word.
 *
 * What is proved rests on the election id, the hash of the manifest: the manifest names the board's key and the
 * officials who signed the election's key. So the id has to be compared with one from elsewhere: the ballot and the
 * receipt hold it.
 */
import { decodeBytes, encodeBytes, parse, utf8 } from "../booth/crypto/encoding.js";
import { signedMessage, statementDigest } from "../booth/crypto/entries.js";
import { Refused } from "../booth/crypto/errors.js";
import { electionId } from "../booth/crypto/manifest.js";
import { anything, listOf, minute, octets, oneOf, part, record, text, whole } from "../booth/crypto/schema.js";
import { parseNote, verifyBoard } from "./checkpoint.js";
import { HASH_BYTES, consistencyHolds, leafHash, rootFromPath, sameBytes } from "./merkle.js";
import { KEY_BYTES, SIGNATURE_BYTES, verify } from "./signatures.js";

const STATUSES = ["counts", "not counted yet", "superseded", "withdrawn", "opened"];
const BALLOTS = ["ballot-cast", "ballot-opened"];
const MOST_ENTRIES = 2 ** 40;

// Shapes of what the server answers
const PATH = listOf(octets(HASH_BYTES), 0, 64);
const PROVEN = { raw: string, index: whole(0, MOST_ENTRIES), path: PATH };
const proven = (value, where) => record(value, where, PROVEN);
const SIGNATURE = { key: octets(KEY_BYTES), signature: octets(SIGNATURE_BYTES) };
const ENTRY = {
  type: text(40, 1),
  time: minute,
  body: anything,
  signatures: listOf((value, where) => record(value, where, SIGNATURE), 0, 100),
};
const NEEDED = whole(2, 100);
/** Of a manifest: whose signatures count for what. */
const AUTHORITY = {
  board: (value, where) => record(value, where, { origin: text(200, 1), key: octets(KEY_BYTES) }),
  officials: listOf((value, where) => part(value, where, { key: octets(KEY_BYTES) }), 2, 100),
  acts: (value, where) => part(value, where, { manifest: NEEDED, key: NEEDED, "roll-commitment": NEEDED }),
};

/**
 * The board of an election: manifest, key and roll commitment, under one signed checkpoint and signed by the officials
 * of the manifest.
 *
 * @typedef {{slug: string, election: Uint8Array, manifest: object, key: object, rows: number, head: object,
 *   authority: object, raw: {manifest: string, key: string, "roll-commitment": string}}} Setup
 *   `key` is the body of the key entry; `head` the largest checkpoint that was proved, which later answers continue
 * @returns {Promise<Setup>}
 * Refused "offline", "unavailable", "not-on-board", "unproved", "forked", "no-crypto".
 */
export async function fetchSetup(slug) {
  const answer = await ask(slug, "setup");
  const shapes = { manifest: proven, key: proven, "roll-commitment": proven, checkpoint: string };
  const { checkpoint, ...entries } = understood(() => record(answer, "setup", shapes));
  const first = understood(() => parseEntry(entries.manifest.raw, "manifest"));
  const authority = understood(() => part(first.body, "manifest", AUTHORITY));
  const setup = { slug, election: await electionId(first.body), manifest: first.body, authority, raw: {} };
  const head = await signedHead(setup, checkpoint);
  const bodies = {};
  for (const [type, found] of Object.entries(entries)) {
    const entry = await requireIncluded(found, head);
    if (entry.type !== type) unproved(`an entry of type ${type} was expected`);
    await requireOfficials(authority, entry);
    setup.raw[type] = found.raw;
    bodies[type] = entry.body;
  }
  if (entries.manifest.index !== 0) unproved("the manifest is not the first entry");
  const named = { election: octets(HASH_BYTES) };
  const stated = understood(() => [
    part(bodies.key, "key", named).election,
    part(bodies["roll-commitment"], "roll commitment", named).election,
  ]);
  if (!stated.every((id) => sameBytes(id, setup.election))) unproved("the key or the roll is of another election");
  const { rows } = understood(() => part(bodies["roll-commitment"], "roll commitment", { rows: whole(1, MOST_ENTRIES) }));
  return { ...setup, key: bodies.key, rows, head };
}

/**
 * Entry `index` of the board: {index, raw, entry, checkpoint}. Refused as by fetchSetup.
 *
 * @param {Setup} setup
 */
export async function fetchEntry(setup, index) {
  const answer = await ask(setup.slug, `entry/${index}`);
  const shapes = { ...PROVEN, checkpoint: string };
  const found = await requireProven(setup, understood(() => record(answer, "entry", shapes)));
  if (found.index !== index) unproved("this is another entry than the one asked for");
  return found;
}

/**
 * The ballot with this tracker (43 characters): {index, raw, entry, checkpoint, ballot, seed, status}. `seed` is null
 * unless it was opened. `status` is what the server says became of it.
 *
 * Refused as by fetchSetup, "bad-tracker", "other-election", and "older" for an answer of a board that was shorter than
 * what it has shown before.
 *
 * @param {Setup} setup
 */
export async function fetchBallot(setup, tracker) {
  const wanted = readTracker(tracker);
  const answer = await ask(setup.slug, `ballot/${tracker}`);
  const shapes = { ...PROVEN, checkpoint: string, status: oneOf(...STATUSES) };
  const answered = understood(() => record(answer, "ballot", shapes));
  const { status } = answered;
  const before = setup.head;
  const found = await requireProven(setup, answered);
  if (found.checkpoint.size < before.size) throw new Refused("older", "the board was longer before");
  const { entry } = found;
  if (!BALLOTS.includes(entry.type)) unproved("this entry is not a ballot");
  const opened = entry.type === "ballot-opened";
  if (opened !== (status === "opened")) unproved("what the server says does not fit the entry");
  const { ballot, seed } = opened
    ? understood(() => record(entry.body, "ballot", { ballot: anything, seed: octets(32) }))
    : { ballot: entry.body, seed: null };
  if (!sameBytes(await statementDigest(entry.type, entry.body), wanted)) unproved("this is another ballot");
  const named = understood(() => part(ballot, "ballot", { election: octets(HASH_BYTES) }));
  if (!sameBytes(named.election, setup.election)) throw new Refused("other-election", "the ballot is of another election");
  return { ...found, ballot, seed: seed && encodeBytes(seed), status };
}

/** The 32 bytes of a tracker. Refused "bad-tracker". */
export function readTracker(tracker) {
  try {
    return decodeBytes(tracker, HASH_BYTES);
  } catch {
    throw new Refused("bad-tracker", "a tracker has 43 letters, digits, hyphens and underscores");
  }
}

/** A checkpoint (the text of a note) that the board signed and that fits to what it has shown before. */
async function signedHead(setup, note) {
  const head = understood(() => parseNote(utf8(note)));
  const { origin, key } = setup.authority.board;
  if (!(await verifyBoard(head, origin, key))) unproved("the board's signature under the checkpoint does not verify");
  if (setup.head) await requireOneBoard(setup, head);
  return head;
}

/**
 * A head that the board signed and the one of the setup are of one board that only grew; the larger is kept. Refused
 * "forked", and as by fetchSetup.
 */
export async function requireOneBoard(setup, head) {
  const [old, now] = head.size < setup.head.size ? [head, setup.head] : [setup.head, head];
  const path = old.size < now.size ? await consistencyPath(setup.slug, old.size, now.size) : [];
  if (!(await consistencyHolds(old.size, now.size, old.root, now.root, path))) {
    throw new Refused("forked", "the board has shown two histories that do not fit together");
  }
  setup.head = now;
}

async function consistencyPath(slug, old, now) {
  try {
    const answer = await ask(slug, `consistency/${old}/${now}`);
    return understood(() => part(answer, "consistency", { path: PATH })).path;
  } catch (error) {
    if (error.code !== "not-on-board") throw error;
    throw new Refused("forked", "the board does not have all the entries that it signed before");
  }
}

async function requireProven(setup, { raw, index, path, checkpoint }) {
  const head = await signedHead(setup, checkpoint);
  return { index, raw, entry: await requireIncluded({ raw, index, path }, head), checkpoint: head };
}

/** The entry, when the path leads from it to the head's root. */
async function requireIncluded({ raw, index, path }, head) {
  const entry = understood(() => parseEntry(raw, `entry ${index}`));
  const root = await rootFromPath(await leafHash(utf8(raw)), index, head.size, path);
  if (root === null || !sameBytes(root, head.root)) unproved("the inclusion proof does not lead to the checkpoint");
  return entry;
}

function parseEntry(raw, where) {
  return record(parse(raw), where, ENTRY);
}

/** As many different officials as the manifest says signed the entry, and nobody else. */
async function requireOfficials({ officials, acts }, entry) {
  const message = await signedMessage(entry.type, await statementDigest(entry.type, entry.body));
  const known = new Set(officials.map(({ key }) => encodeBytes(key)));
  const signing = new Set();
  for (const { key, signature } of entry.signatures) {
    if (!known.has(encodeBytes(key))) unproved(`the ${entry.type} is signed by somebody who is no official`);
    if (!(await verify(key, message, signature))) unproved(`a signature under the ${entry.type} does not verify`);
    signing.add(encodeBytes(key));
  }
  if (signing.size < acts[entry.type]) unproved(`too few officials signed the ${entry.type}`);
}

function string(value, where) {
  if (typeof value !== "string") throw new Refused("not-canonical", `${where}: a text was expected`);
  return value;
}

/** What the server answers, as JSON. Refused "offline", "unavailable", or with the server's own code. */
async function ask(slug, path) {
  let response;
  let answer;
  try {
    response = await fetch(`/board/${slug}/${path}`, { credentials: "omit" });
    answer = await response.json();
  } catch {
    if (response?.ok === false) throw new Refused("unavailable", `the server answered ${response.status}`);
    throw new Refused("offline", "the server did not answer");
  }
  if (response.ok) return answer;
  if (response.status === 404 && answer?.code === "not-on-board") {
    throw new Refused("not-on-board", "the server says that this is not on the board");
  }
  throw new Refused("unavailable", `the server answered ${response.status}`);
}

/** What cannot be read proves nothing. */
function understood(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return unproved(error.reason);
    throw error;
  }
}

function unproved(reason) {
  throw new Refused("unproved", reason);
}
