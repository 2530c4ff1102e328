/**
 * @module What the recorder wrote down before the page was opened.
 */

/** Says how to begin until there is something. */
export function Recorded() {
  return null;
}
