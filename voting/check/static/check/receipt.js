/** A voter's receipt, as verifier/receipt.py: what the voter holds against what the board shows. */
import { encodeBytes, parse, utf8 } from "../booth/crypto/encoding.js";
import { Refused } from "../booth/crypto/errors.js";
import { listOf, octets, record, whole } from "../booth/crypto/schema.js";
import { MAX_BYTES, parseNote, verifyBoard } from "./checkpoint.js";
import { HASH_BYTES, leafHash, rootFromPath, sameBytes } from "./merkle.js";
import { fetchBallot, requireOneBoard } from "./record.js";

export const MAX_RECEIPT_BYTES = 2 * MAX_BYTES + (16 << 10); // a checkpoint, every character escaped, and the rest
const RECEIPT = {
  election: octets(HASH_BYTES),
  tracker: octets(HASH_BYTES),
  entry: whole(0, 2 ** 40),
  path: listOf(octets(HASH_BYTES), 0, 64),
  checkpoint: (value) => parseNote(utf8(value)),
};

/**
 * A receipt from the text of its file. Refused "bad-receipt".
 *
 * @typedef {{election: Uint8Array, tracker: Uint8Array, entry: number, path: Uint8Array[], checkpoint: object}} Receipt
 * @returns {Receipt}
 */
export function readReceipt(text) {
  try {
    return record(parse(text, MAX_RECEIPT_BYTES), "receipt", RECEIPT);
  } catch (error) {
    throw new Refused("bad-receipt", error.reason ?? "this is no receipt");
  }
}

/**
 * The ballot of a receipt, as by fetchBallot, when receipt and board fit together. Refused as by fetchBallot,
 * "other-election" or "bad-receipt" when the receipt is none of this board, "missing" when the board does not have what
 * it signed for.
 *
 * @param {import("./record.js").Setup} setup
 * @param {Receipt} receipt
 */
export async function checkReceipt(setup, receipt) {
  if (!sameBytes(receipt.election, setup.election)) {
    throw new Refused("other-election", "the receipt is of another election");
  }
  const { origin, key } = setup.authority.board;
  const { checkpoint } = receipt;
  if (!(await verifyBoard(checkpoint, origin, key))) {
    throw new Refused("bad-receipt", "the board's signature on the receipt does not verify");
  }
  await requireOneBoard(setup, checkpoint);
  const found = await ballotOf(setup, receipt);
  const root = await rootFromPath(await leafHash(utf8(found.raw)), receipt.entry, checkpoint.size, receipt.path);
  if (root === null || !sameBytes(root, checkpoint.root)) {
    throw new Refused("bad-receipt", "the receipt's proof does not lead from the ballot to its checkpoint");
  }
  return found;
}

async function ballotOf(setup, receipt) {
  try {
    return await fetchBallot(setup, encodeBytes(receipt.tracker));
  } catch (error) {
    if (error.code !== "not-on-board") throw error;
    throw new Refused("missing", "the board does not show the ballot of a receipt that it signed");
  }
}
