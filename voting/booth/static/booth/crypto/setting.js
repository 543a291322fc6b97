/** What every ballot of an election refers to: manifest, key and slot base. */
import { bitLength } from "./arithmetic.js";
import { fits } from "./answers.js";
import { encodeBytes } from "./encoding.js";
import { Refused } from "./errors.js";
import { choicesOf, electionId, isHomomorphic, parseManifest } from "./manifest.js";
import { PublicKey } from "./paillier.js";
import { number, octets, part, whole } from "./schema.js";

/**
 * From the manifest, the body of the key entry, and `rows` of the roll commitment's body, which fixes B = 2^b, the
 * smallest above it. Refused "not-canonical", "bad-integer", "bad-key" or "bad-manifest".
 *
 * @typedef {{manifest: object, election: Uint8Array, key: PublicKey, base: bigint, width: number}} Setting
 *   `width` is the modulus in bytes
 * @returns {Promise<Setting>}
 */
export async function settingOf(manifestRecord, keyRecord, rows) {
  const manifest = parseManifest(manifestRecord);
  const election = await electionId(manifestRecord);
  const width = Math.ceil(manifest.modulusBits / 8);
  const body = part(keyRecord, "key", { election: octets(32), modulus: number(width) });
  if (encodeBytes(body.election) !== encodeBytes(election)) {
    throw new Refused("bad-key", "the key is of another election");
  }
  if (body.modulus % 2n === 0n) throw new Refused("bad-key", "the modulus is even");
  if (bitLength(body.modulus) !== manifest.modulusBits) {
    throw new Refused("bad-key", `the modulus has not ${manifest.modulusBits} bits`);
  }
  const slotBits = bitLength(BigInt(whole(1, 2 ** 40)(rows, "rows")));
  for (const contest of manifest.contests) requireRoom(contest, manifest.modulusBits, slotBits);
  return { manifest, election, key: new PublicKey(body.modulus), base: 1n << BigInt(slotBits), width };
}

/** Counts cannot overflow their slots, and answers fit their plaintexts (V3.4). */
function requireRoom(contest, modulusBits, slotBits) {
  const slots = contest.kind === "choose-one" ? choicesOf(contest) : contest.options.length;
  if (isHomomorphic(contest) && slotBits * slots >= modulusBits - 1) {
    const reason = `${slots} slots of ${slotBits} bits do not fit the modulus`;
    throw new Refused("bad-manifest", `contest ${contest.id}: ${reason}`);
  }
  if (!isHomomorphic(contest) && !fits(contest, modulusBits)) {
    throw new Refused("bad-manifest", `contest ${contest.id}: answers do not fit ${contest.width} plaintexts`);
  }
}
