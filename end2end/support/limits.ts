// How long anything may take before it counts as hung, in milliseconds: the one place for it. These catch what never comes,
// and nothing else. What takes long on a busy machine is no failure, so they are many times what is needed.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A test, with what it needs; `test.slow()` triples it. */
export const TEST = 10 * MINUTE;
/** What a page is expected to show. */
export const EXPECTATION = 90 * SECOND;
/** A vault's start. */
export const START = 4 * MINUTE;
/** A vault's end, after it was asked to stop. */
export const STOP = 2 * MINUTE;
