/**
 * @module Placeholder.
 */

export function Streets() {
  return <p>Streets</p>;
}
