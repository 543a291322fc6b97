/**
 * What comes from the browser itself: SHA-256 and chance. There is no second source: where the browser has none,
 * nothing is made.
 */
import { Refused } from "./errors.js";

const MISSING = "this browser does not offer the cryptography that a secret ballot needs";

/** Refused "no-crypto" where the browser lacks WebCrypto (a page without https) or BigInt. */
export function requireCrypto() {
  if (!globalThis.crypto?.subtle || typeof globalThis.crypto.getRandomValues !== "function") {
    throw new Refused("no-crypto", MISSING);
  }
  if (typeof globalThis.BigInt !== "function") throw new Refused("no-crypto", MISSING);
}

/** `size` bytes (at most 65536) that nobody can foresee. Refused "no-crypto". */
export function randomBytes(size) {
  requireCrypto();
  const bytes = new Uint8Array(size);
  try {
    globalThis.crypto.getRandomValues(bytes);
  } catch {
    throw new Refused("no-crypto", "this browser gives no random numbers");
  }
  return bytes;
}

/** SHA-256 of bytes: a promise of 32 bytes. Refused "no-crypto". */
export async function sha256(bytes) {
  requireCrypto();
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
}
