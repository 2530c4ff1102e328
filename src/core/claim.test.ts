import * as fc from "fast-check";
import { expect, test } from "vitest";
import { claim, claimBases, compareClaims, known, knownOr, strongestClaim, unknown } from "./index.ts";

test("claims are ordered by what they rest on, strongest first, and equals keep their order", () => {
  const claims = claimBases.flatMap((basis) => [claim("first", basis, "seen"), claim("second", basis, "seen")]);
  expect(claims.sort(compareClaims).map(({ value, basis }) => `${basis} ${value}`)).toEqual([
    "proved first",
    "proved second",
    "inferred first",
    "inferred second",
    "convention first",
    "convention second",
    "assigned first",
    "assigned second",
  ]);
});

test("the strongest claim is the first of the sorted ones", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ value: fc.nat(), basis: fc.constantFrom(...claimBases), evidence: fc.string() })),
      (claims) => {
        expect(strongestClaim(claims)).toBe([...claims].sort(compareClaims)[0]);
      },
    ),
  );
});

test("a fact out of sight is neither empty nor zero", () => {
  expect(knownOr(known(""), "fallback")).toBe("");
  expect(knownOr(known(0), 7)).toBe(0);
  expect(knownOr(unknown("permission"), "fallback")).toBe("fallback");
});
