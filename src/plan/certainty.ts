/**
 * @module Answers that may hang on facts nobody can read: yes, no, depends.
 */

/** `depends`: what decides is out of sight. */
export type Certainty = "yes" | "no" | "depends";

/** Yes when all are, no when one is not. */
export function all(...answers: readonly Certainty[]): Certainty {
  if (answers.includes("no")) return "no";
  return answers.includes("depends") ? "depends" : "yes";
}

/** Yes when one is, no when none is. */
export function any(...answers: readonly Certainty[]): Certainty {
  if (answers.includes("yes")) return "yes";
  return answers.includes("depends") ? "depends" : "no";
}

/** The opposite. */
export function not(answer: Certainty): Certainty {
  return answer === "yes" ? "no" : answer === "no" ? "yes" : "depends";
}

/** A fact, `undefined` when it is out of sight. */
export function certaintyOf(fact: boolean | undefined): Certainty {
  return fact === undefined ? "depends" : fact ? "yes" : "no";
}
