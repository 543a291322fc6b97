/**
 * Ed25519, strictly, as verifier/crypto/signatures.py: RFC 8032 with S < L, canonical A and R, neither of small order.
 * The browser decides the equation, by S·B = R + k·A without the cofactor; what it may let pass is refused before.
 */
import { integerOf } from "../booth/crypto/encoding.js";
import { Refused } from "../booth/crypto/errors.js";
import { requireCrypto } from "../booth/crypto/webcrypto.js";

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
/** y of the points of order 8; those of order 1, 2 and 4 have y = 1, −1 and 0. */
const Y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

/**
 * Is `signature` (R ‖ S, 64 bytes) by `key` (A, 32 bytes) on `message`? Anything malformed is not. A promise of a
 * boolean. Refused "no-crypto" where the browser has no Ed25519: then nothing is said.
 */
export async function verify(key, message, signature) {
  if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const R = signature.slice(0, 32);
  if (!isSound(key) || !isSound(R) || littleEndian(signature.slice(32)) >= L) return false;
  requireCrypto();
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch (error) {
    if (error.name === "DataError") return false; // the key is no point of the curve
    throw new Refused("no-crypto", "this browser does not verify Ed25519 signatures");
  }
}

function isSound(point) {
  const y = littleEndian(point) % 2n ** 255n;
  return y < P && !SMALL_ORDER.has(y);
}

function littleEndian(bytes) {
  return integerOf(Uint8Array.from(bytes).reverse());
}
