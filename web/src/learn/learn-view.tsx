/**
 * @module Placeholder.
 */

export function LearnView() {
  return <p>LearnView</p>;
}
