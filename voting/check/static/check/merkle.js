/** The Merkle tree of the board, RFC 6962 with SHA-256, as verifier/crypto/merkle.py: what a reader checks of it. */
import { concat } from "../booth/crypto/encoding.js";
import { sha256 } from "../booth/crypto/webcrypto.js";

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** SHA-256(0x00 ‖ data): a promise of 32 bytes. */
export async function leafHash(data) {
  return sha256(concat(LEAF, data));
}

function nodeHash(left, right) {
  return sha256(concat(NODE, left, right));
}

/**
 * The root that an inclusion path leads to (RFC 9162, 2.1.3.2): a promise of 32 bytes, or of null when the path cannot
 * be one of leaf `index` in `size` leaves. `leaf` is the leaf's hash; sizes are safe integers.
 */
export async function rootFromPath(leaf, index, size, path) {
  if (!(index >= 0 && index < size) || !areHashes(leaf, ...path)) return null;
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const node of path) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      root = await nodeHash(node, root);
      while (fn > 0 && fn % 2 === 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      root = await nodeHash(root, node);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? root : null;
}

/**
 * Does `path` show that the tree of `old` leaves is a prefix of the tree of `size` leaves (RFC 9162, 2.1.4.2)? The
 * empty tree needs no proof and gets none: `old` is at least 1. A promise of a boolean.
 */
export async function consistencyHolds(old, size, oldRoot, root, path) {
  if (!(old >= 1 && old <= size) || !areHashes(oldRoot, root, ...path)) return false;
  if (old === size) return path.length === 0 && sameBytes(oldRoot, root);
  const proof = isPowerOfTwo(old) ? [oldRoot, ...path] : path;
  if (proof.length < 2) return false;
  let [fn, sn] = [old - 1, size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [proof[0], proof[0]];
  for (const node of proof.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [await nodeHash(node, fr), await nodeHash(node, sr)];
      while (fn > 0 && fn % 2 === 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      sr = await nodeHash(sr, node);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameBytes(fr, oldRoot) && sameBytes(sr, root);
}

/** Are these the same bytes? Nothing here is secret. */
export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Sizes of boards reach beyond the 32 bits of `>>`. */
function half(number) {
  return Math.floor(number / 2);
}

function isPowerOfTwo(number) {
  while (number % 2 === 0) number = half(number);
  return number === 1;
}

function areHashes(...values) {
  return values.every((value) => value.length === HASH_BYTES);
}
