/** What a sealed ballot contains, found in the booth's Worker: every ciphertext is opened again by the seed. */
import { Refused } from "../booth/crypto/errors.js";

/**
 * The answers {contest id: option id | ids | text} of a ballot by its seed (43 characters). `progress` is called with a
 * share from 0 to 1. Refused "mismatch", "undecodable" and whatever else the Worker refuses.
 *
 * @param {import("./record.js").Setup} setup
 */
export async function readBallot(setup, ballot, seed, progress) {
  const worker = new Worker(new URL("../booth/worker.js", import.meta.url), { type: "module" });
  try {
    const { manifest, key, rows } = setup;
    await request(worker, { do: "prepare", manifest, key, rows }, progress);
    return (await request(worker, { do: "read", ballot, seed }, progress)).answers;
  } finally {
    worker.terminate();
  }
}

function request(worker, message, progress) {
  return new Promise((resolve, reject) => {
    worker.onerror = () => reject(new Refused("failed", "the program that reads the ballot does not run"));
    worker.onmessage = ({ data }) => {
      if (data.refused) reject(new Refused(data.refused.code, data.refused.reason));
      else if (data.result) resolve(data.result);
      else progress(data.progress);
    };
    worker.postMessage({ id: 1, ...message });
  });
}
