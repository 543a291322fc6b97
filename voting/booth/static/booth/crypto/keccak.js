/**
 * SHAKE-256 (FIPS 202), which WebCrypto does not have. A lane of 64 bits is two 32-bit halves: lane i is
 * state[2i] (low) and state[2i + 1] (high).
 */

const RATE = 136; // bytes absorbed or squeezed by one permutation
const ROUNDS = 24;

/** ι: the round constants, low and high halves in turn, from the LFSR of FIPS 202, 3.2.5. */
const CONSTANTS = roundConstants();
/** ρ and π: lane SOURCE[i] moves to lane i, rotated by TURN[i] bits. */
const [SOURCE, TURN] = moves();

function roundConstants() {
  const constants = new Uint32Array(2 * ROUNDS);
  let register = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let j = 0; j < 7; j += 1) {
      const bit = (1 << j) - 1;
      if (register & 1) constants[2 * round + (bit >> 5)] ^= 1 << (bit & 31);
      register = register & 0x80 ? (register << 1) ^ 0x171 : register << 1;
    }
  }
  return constants;
}

function moves() {
  const source = new Uint8Array(25);
  const turn = new Uint8Array(25);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t += 1) {
    const from = x + 5 * y;
    [x, y] = [y, (2 * x + 3 * y) % 5];
    source[x + 5 * y] = from;
    turn[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
  }
  return [source, turn];
}

/** Keccak-f[1600] in place; `moved` is room for as many words as `state` has. */
function permute(state, moved, parity) {
  for (let round = 0; round < ROUNDS; round += 1) {
    // θ
    for (let i = 0; i < 10; i += 1) {
      parity[i] = state[i] ^ state[i + 10] ^ state[i + 20] ^ state[i + 30] ^ state[i + 40];
    }
    for (let x = 0; x < 5; x += 1) {
      const before = 2 * ((x + 4) % 5);
      const after = 2 * ((x + 1) % 5);
      const low = parity[before] ^ ((parity[after] << 1) | (parity[after + 1] >>> 31));
      const high = parity[before + 1] ^ ((parity[after + 1] << 1) | (parity[after] >>> 31));
      for (let i = 2 * x; i < 50; i += 10) {
        state[i] ^= low;
        state[i + 1] ^= high;
      }
    }
    // ρ and π; a rotation by 32 or more swaps the halves
    for (let lane = 0; lane < 25; lane += 1) {
      const swap = TURN[lane] >> 5;
      const by = TURN[lane] & 31;
      const low = state[2 * SOURCE[lane] + swap];
      const high = state[2 * SOURCE[lane] + 1 - swap];
      moved[2 * lane] = by ? (low << by) | (high >>> (32 - by)) : low;
      moved[2 * lane + 1] = by ? (high << by) | (low >>> (32 - by)) : high;
    }
    // χ
    for (let row = 0; row < 50; row += 10) {
      for (let i = 0; i < 10; i += 1) {
        state[row + i] = moved[row + i] ^ (~moved[row + ((i + 2) % 10)] & moved[row + ((i + 4) % 10)]);
      }
    }
    state[0] ^= CONSTANTS[2 * round];
    state[1] ^= CONSTANTS[2 * round + 1];
  }
}

/** A running SHAKE-256. */
export class Shake256 {
  #state = new Uint32Array(50);
  #moved = new Uint32Array(50);
  #parity = new Uint32Array(10);
  #at = 0;

  /** Absorb bytes. */
  update(bytes) {
    for (const byte of bytes) {
      this.#add(byte, this.#at);
      this.#at += 1;
      if (this.#at < RATE) continue;
      permute(this.#state, this.#moved, this.#parity);
      this.#at = 0;
    }
  }

  /** `length` bytes of output for what was absorbed so far; more can be absorbed afterwards. */
  digest(length) {
    const held = this.#state.slice();
    this.#add(0x1f, this.#at);
    this.#add(0x80, RATE - 1);
    const output = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) {
      if (at % RATE === 0) permute(this.#state, this.#moved, this.#parity);
      const byte = at % RATE;
      output[at] = this.#state[byte >> 2] >>> (8 * (byte & 3));
    }
    this.#state = held;
    return output;
  }

  #add(byte, at) {
    this.#state[at >> 2] ^= byte << (8 * (at & 3));
  }
}

/** `length` bytes of SHAKE-256 of `bytes`. */
export function shake256(bytes, length) {
  const hash = new Shake256();
  hash.update(bytes);
  return hash.digest(length);
}
