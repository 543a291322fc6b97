/** What tests/bench/sealing.py measures, in the thread of the page, where the processor can be slowed down. */
import { makeBallot } from "/booth/crypto/ballot.js";
import { Randomness } from "/booth/crypto/randomness.js";
import { settingOf } from "/booth/crypto/setting.js";
import { randomBytes } from "/booth/crypto/webcrypto.js";
import { ask, start } from "/tests/operations.js";

/** The time of one multiplication modulo N² by plain `%`: the median of several loops. */
export function product(modulus) {
  const N2 = BigInt(`0x${modulus}`) ** 2n;
  const y = N2 / 3n;
  const loop = () => {
    let x = N2 / 5n;
    const started = performance.now();
    for (let i = 0; i < 1000; i += 1) x = (x * y) % N2;
    return (performance.now() - started) / 1000 / 1000;
  };
  return Array.from({ length: 9 }, loop).sort((a, b) => a - b)[4];
}

const seconds = async (work) => {
  const started = performance.now();
  const result = await work();
  return [(performance.now() - started) / 1000, result];
};

/** [prepare, seal] in this thread. */
export async function inPage({ manifest, key, rows }, request) {
  const [prepare, [setting, randomness]] = await seconds(async () => {
    const found = await settingOf(manifest, key, rows);
    return [found, new Randomness(found.key)];
  });
  const [seal] = await seconds(() => makeBallot(setting, randomness, request, randomBytes(32)));
  return [prepare, seal];
}

/** [prepare, seal] in a Worker, its start included. */
export async function inWorker(election, request) {
  const [prepare] = await seconds(() => {
    start();
    return ask({ id: 1, do: "prepare", ...election });
  });
  const [seal, [{ refused }]] = await seconds(() => ask({ id: 2, do: "seal", ...request }));
  if (refused) throw new Error(refused.reason);
  return [prepare, seal];
}
