/** The Worker that seals, as a function that is asked and answers. */
import { Refused } from "./crypto/errors.js";

export class Sealer {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #open = new Map();
  #last = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.#worker.addEventListener("error", () => this.#fail());
  }

  /**
   * A promise of what the Worker answers to `what`; `onProgress` hears shares from 0 to 1. Refused as the Worker says.
   */
  ask(what, request = {}, onProgress = () => {}) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ ...request, id, do: what });
    });
  }

  #hear({ id, progress, result, refused }) {
    const asked = this.#open.get(id);
    if (!asked) return;
    if (progress !== undefined) return void asked.onProgress(progress);
    this.#open.delete(id);
    if (refused) asked.reject(new Refused(refused.code, refused.reason));
    else asked.resolve(result);
  }

  #fail() {
    for (const { reject } of this.#open.values()) reject(new Refused("no-crypto", "the program for sealing did not start"));
    this.#open.clear();
  }
}
