/** What a browser may lack, taken away in the Worker that imports this; `what` names it. */
export function take(what) {
  if (what === "BigInt") delete globalThis.BigInt;
  if (what === "chance") replace(crypto, "getRandomValues", fail);
  if (what === "speed") replace(crypto.subtle, "digest", slowly(crypto.subtle.digest.bind(crypto.subtle)));
}

function replace(object, name, value) {
  Object.defineProperty(object, name, { value });
}

function fail() {
  throw new Error("no entropy");
}

const slowly =
  (digest) =>
  async (...given) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return digest(...given);
  };
