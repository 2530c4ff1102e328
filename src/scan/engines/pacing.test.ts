import { describe, expect, test } from "vitest";
import { createPacing, type Pacing, type PacingOptions } from "./pacing.ts";

const usual: PacingOptions = {
  hosts: 1,
  firstWindow: 64,
  mostWindow: 16_384,
  firstTimeoutMs: 500,
  leastTimeoutMs: 50,
  mostTimeoutMs: 1500,
  fixedTries: null,
  learnsRate: false,
};

/** Answers `count` doors, of which each one in `lostEvery` at its second try only. */
function answerMany(pacing: Pacing, count: number, lostEvery: number, nowMs = 0, roundTripMs = 1): void {
  for (let index = 1; index <= count; index++) {
    pacing.answered(0, roundTripMs, index % lostEvery === 0 ? 2 : 1, nowMs);
  }
}

describe("waiting time", () => {
  test("is the first one until the host answers, then follows RFC 6298 §2 between its bounds", () => {
    const pacing = createPacing({ ...usual, hosts: 2 });
    expect(pacing.timeoutMs(0, 0)).toBe(500);
    pacing.answered(0, 100, 1, 0);
    // SRTT 100, RTTVAR 50.
    expect(pacing.timeoutMs(0, 0)).toBe(300);
    pacing.answered(0, 200, 1, 0);
    // RTTVAR 0.75 * 50 + 0.25 * 100, SRTT 0.875 * 100 + 0.125 * 200.
    expect(pacing.timeoutMs(0, 0)).toBeCloseTo(112.5 + 4 * 62.5);
    // The other host is not this one.
    expect(pacing.timeoutMs(1, 0)).toBe(500);
  });

  test("never goes below what scheduling takes, nor above the ceiling, and doubles for repetitions", () => {
    const pacing = createPacing(usual);
    for (let index = 0; index < 100; index++) pacing.answered(0, 0.05, 1, index);
    expect(pacing.timeoutMs(0, 0)).toBe(50);
    expect(pacing.timeoutMs(0, 1)).toBe(100);
    for (let index = 0; index < 100; index++) pacing.answered(0, 1400 - (index % 2) * 1000, 1, index);
    expect(pacing.timeoutMs(0, 0)).toBe(1500);
    expect(pacing.timeoutMs(0, 1)).toBe(1500);
  });
});

test("eight repetitions a host wait as long as if nothing were known", () => {
  const pacing = createPacing(usual);
  pacing.answered(0, 1, 1, 0);
  const kinds = Array.from({ length: 10 }, () => pacing.repeatKind(0));
  expect(kinds).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 1, 1]);
  expect(pacing.timeoutMs(0, 2)).toBe(500);
});

/** A host that tells of closed ports so many times at once and then every `everyMs`, asked for 300 seconds. */
function askLimited(everyMs: number): { answered: number; asked: number } {
  const pacing = createPacing({ ...usual, learnsRate: true });
  let tokens = 6;
  let [answered, asked] = [0, 0];
  const vain: number[] = [];
  for (let now = 0; now < 300_000; now += 5) {
    tokens = Math.min(6, tokens + 5 / everyMs);
    const isRepeat = vain.length > 0 && (asked & 1) === 0;
    if (pacing.readyAt(0, isRepeat) > now) continue;
    asked++;
    pacing.sent(0, isRepeat, now);
    if (tokens < 1) {
      if (isRepeat) pacing.unheard(0);
      else vain.push(now);
      continue;
    }
    tokens--;
    answered++;
    const before = isRepeat ? vain.pop()! : -1;
    pacing.answered(0, 1, isRepeat ? 2 : 1, now);
    pacing.heard(0, before, now);
  }
  return { answered, asked };
}

test.each([
  [1000, 200],
  [100, 2000],
])("learns that a host tells of a closed port each %i ms only, and asks hardly faster", (everyMs, least) => {
  const { answered, asked } = askLimited(everyMs);
  expect(answered).toBeGreaterThan(least);
  expect(asked).toBeLessThan(answered * 3);
});

test("three repetitions in vain, and a host without answers, are asked at any rate", () => {
  const pacing = createPacing({ ...usual, learnsRate: true });
  pacing.sent(0, true, 20);
  expect(pacing.readyAt(0, true)).toBe(0);
  pacing.answered(0, 1, 1, 0);
  pacing.heard(0, -1, 0);
  expect(pacing.readyAt(0, false)).toBe(0);
  expect(pacing.readyAt(0, true)).toBe(1100);
  for (let trial = 0; trial < 3; trial++) pacing.unheard(0);
  expect(pacing.readyAt(0, true)).toBe(0);
});

describe("tries", () => {
  test("are two as long as no repetition was ever answered", () => {
    const pacing = createPacing(usual);
    expect(pacing.tries(0)).toBe(2);
    answerMany(pacing, 3, Infinity);
    expect(pacing.tries(0)).toBe(2);
  });

  test.each([
    [0.01, 1e-5],
    [0.0975, 1e-5],
    [0.3, 1e-5],
  ])("of a loss of %f leave at most one door in 100,000 that answers unheard", (loss, missed) => {
    const pacing = createPacing(usual);
    const random = linearRandom(7);
    for (let door = 0; door < 20_000; door++) {
      let tries = 1;
      while (random() < loss) tries++;
      if (tries <= 11) pacing.answered(0, 1, tries, door);
    }
    expect(pacing.measuredLoss()).toBeCloseTo(loss, 1);
    expect(loss ** pacing.tries(0)).toBeLessThanOrEqual(missed);
    // And not more than that takes, with one try to spare for what the sample may hide.
    expect(loss ** (pacing.tries(0) - 2)).toBeGreaterThan(missed);
  });

  test("end at eleven, and are fixed on demand", () => {
    const pacing = createPacing(usual);
    for (let door = 0; door < 100; door++) pacing.answered(0, 1, 5, 0);
    expect(pacing.tries(0)).toBe(11);
    expect(createPacing({ ...usual, fixedTries: 1 }).tries(0)).toBe(1);
  });

  test("of a host that answers seldom follow the experience with all", () => {
    const pacing = createPacing({ ...usual, hosts: 2 });
    answerMany(pacing, 1000, 10);
    expect(pacing.tries(1)).toBe(pacing.tries(0));
    expect(pacing.tries(1)).toBeGreaterThan(4);
  });
});

describe("window", () => {
  test("doubles once a round trip while doors answer and it is used up", () => {
    const pacing = createPacing(usual);
    pacing.advance(0, true);
    expect(pacing.window()).toBe(64);
    pacing.answered(0, 10, 1, 5);
    pacing.advance(11, true);
    expect(pacing.window()).toBe(128);
    pacing.answered(0, 10, 1, 12);
    pacing.advance(13, true);
    expect(pacing.window()).toBe(128);
    pacing.advance(25, true);
    expect(pacing.window()).toBe(256);
  });

  test("stays where it is when it is not used up", () => {
    const pacing = createPacing(usual);
    for (let now = 0; now < 1000; now += 10) {
      pacing.answered(0, 1, 1, now);
      pacing.advance(now, false);
    }
    expect(pacing.window()).toBe(64);
  });

  test("grows over silence too, but where nobody answers at all only to a part", () => {
    const pacing = createPacing(usual);
    for (let now = 0; now < 10_000; now += 5) pacing.advance(now, true);
    expect(pacing.window()).toBe(4096);
    pacing.answered(0, 1, 1, 10_000);
    for (let now = 10_000; now < 11_000; now += 5) pacing.advance(now, true);
    expect(pacing.window()).toBe(16_384);
  });

  test("shrinks when a wider one loses answers, and settles where nothing is lost", () => {
    const pacing = createPacing(usual);
    const random = linearRandom(3);
    let now = 0;
    let widest = 0;
    // A way on which 500 doors at once get through, and of more only so many.
    for (let round = 0; round < 400; round++, now += 10) {
      const window = pacing.window();
      widest = Math.max(widest, window);
      const loss = Math.max(0, 1 - 500 / window);
      for (let door = 0; door < 200; door++) {
        let tries = 1;
        while (tries < 10 && random() < loss) tries++;
        pacing.answered(0, 1, tries, now);
      }
      pacing.advance(now, true);
      if (round > 100) expect(window).toBeLessThan(2500);
    }
    expect(widest).toBeGreaterThan(500);
    expect(pacing.window()).toBeGreaterThan(100);
  });

  test("comes back when halving it changes nothing about the loss", () => {
    const pacing = createPacing(usual);
    const random = linearRandom(5);
    let now = 0;
    for (let round = 0; round < 300; round++, now += 10) {
      for (let door = 0; door < 100; door++) {
        let tries = 1;
        while (random() < 0.1) tries++;
        pacing.answered(0, 1, tries, now);
      }
      pacing.advance(now, true);
    }
    expect(pacing.window()).toBeGreaterThan(8000);
  });

  test("falls to what resources allow, and comes back slowly", () => {
    const pacing = createPacing({ ...usual, firstWindow: 1000 });
    pacing.exhausted(100);
    expect(pacing.window()).toBe(100);
    pacing.advance(0, true);
    pacing.advance(10, true);
    expect(pacing.window()).toBeGreaterThan(100);
    expect(pacing.window()).toBeLessThan(130);
    pacing.exhausted(0);
    expect(pacing.window()).toBe(1);
  });
});

test("the whole function works from its source text alone", () => {
  // oxlint-disable-next-line typescript/no-implied-eval -- this is how the thread gets it
  const copy = new Function(`return (${createPacing.toString()})`)() as typeof createPacing;
  expect(copy(usual).window()).toBe(64);
});

/** Numbers from 0 to 1 that are the same in each run. */
function linearRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
