// Chance that can be had again: the same seed gives the same.

/** Numbers from 0 to 1. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes that repeat nothing: what comes to lie at a wrong place shows. */
export function bytes(count: number, seed: number): Buffer {
  const next = chance(seed);
  const words = new Uint32Array(Math.ceil(count / 4));
  for (let at = 0; at < words.length; at++) words[at] = next() * 2 ** 32;
  return Buffer.from(words.buffer, 0, count);
}

/** The seed of this run: `SEED=7 scripts/try-clients` repeats one. */
export const SEED = Number(process.env.SEED ?? 20_260_101);
