/**
 * The device's key: made here, not extractable, kept in IndexedDB for this site only (protocol, 3.5).
 *
 * Beside it stands what the device was registered for, and the tracker of a ballot whose outcome is not known yet;
 * never a choice, a seed or a ballot.
 */
import { decodeBytes, encodeBytes, encodeItem } from "./crypto/encoding.js";
import { PROTOCOL, signedMessage, statementDigest } from "./crypto/entries.js";
import { Refused } from "./crypto/errors.js";
import { ask, place, showProblem } from "./page.js";

const DATABASE = "tashika", STORE = "devices";

/** @typedef {{credential: string, slug: string, election: string, reference: string, keys: CryptoKeyPair,
 *   pending?: string}} Device `reference` of the application tells apart people who share a phone */

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "credential" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(new Refused("no-storage", "IndexedDB does not open"));
  });
}

async function inStore(mode, act) {
  let database;
  try {
    database = await open();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } catch {
    throw new Refused("no-storage", "IndexedDB does not keep anything");
  } finally {
    database?.close();
  }
}

/**
 * The keys that this browser holds for this election: one for each voter who registered here, and lost ones. Refused
 * "other-election" when all of them are of another election under the same name.
 *
 * @returns {Promise<Device[]>}
 */
export async function kept() {
  const named = (await inStore("readonly", (store) => store.getAll())).filter(({ slug }) => slug === place.slug);
  const devices = named.filter(({ election }) => election === place.election);
  if (named.length && !devices.length) throw new Refused("other-election", "another manifest");
  return devices;
}

/** A new device with a fresh key, kept. Refused "no-crypto" where the browser has no Ed25519. */
export async function fresh() {
  const device = await generate();
  await navigator.storage?.persist?.().catch(() => false);
  await inStore("readwrite", (store) => store.add(device));
  return device;
}

async function generate() {
  const { slug, election, reference } = place;
  try {
    const keys = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    const credential = encodeBytes(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)));
    return { credential, slug, election, reference, keys };
  } catch {
    throw new Refused("no-crypto", "this browser has no Ed25519");
  }
}

/** Remember (or, with null, forget) the tracker of a ballot that is on its way. */
export async function remember(device, tracker) {
  const { pending: _old, ...rest } = device;
  const changed = tracker === null ? rest : { ...rest, pending: tracker };
  await inStore("readwrite", (store) => store.put(changed));
  return changed;
}

async function sign(device, message) {
  return encodeBytes(new Uint8Array(await crypto.subtle.sign("Ed25519", device.keys.privateKey, message)));
}

/** The device's signature under a ballot, cast or opened, base64url. */
export async function signBallot(device, type, body) {
  return sign(device, await signedMessage(type, await statementDigest(type, body)));
}

const BINDING = {
  "credential-registered": "credential election index leaf path slot style",
  "credential-replaced": "credential election slot",
};

/**
 * The device's signature under the entry that binds it to a slot. It looks at what it signs: the server's word alone
 * must not get a signature under anything else. Refused "failed".
 */
export async function signBinding(device, type, body) {
  const keys = Object.keys(body ?? {}).sort().join(" ");
  if (keys !== BINDING[type] || body.election !== device.election || body.credential !== device.credential) {
    throw new Refused("failed", "this entry does not bind this device");
  }
  return sign(device, await signedMessage(type, await statementDigest(type, body)));
}

/** Log in by this device and the date of birth as typed. Refused as the server says. */
export async function logIn(device, birth) {
  const { nonce } = await ask(place.challenge, { election: place.slug });
  const message = encodeItem([PROTOCOL, "device login", decodeBytes(place.election, 32), decodeBytes(nonce, 32)]);
  const signature = await sign(device, message);
  await ask(place.login, { election: place.slug, credential: device.credential, signature, birth });
}

/** Let the form for the date of birth log in the device that `chosen` gives; then `done`. */
export function logInBy(form, chosen, done) {
  const box = form.querySelector(".error-summary");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { calendar, year, month, day } = form.elements;
    const typed = `${calendar.value}${year.value.trim()}-${month.value.trim()}-${day.value.trim()}`;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await logIn(chosen(), typed.normalize("NFKC"));
      box.hidden = true;
      form.reset();
      done();
    } catch (error) {
      showProblem(box, error);
    } finally {
      button.disabled = false;
    }
  });
}
