/**
 * @module Placeholder.
 */

export function Door() {
  return <p>Door</p>;
}
