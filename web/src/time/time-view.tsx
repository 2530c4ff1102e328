/**
 * @module Placeholder.
 */

export function TimeView() {
  return <p>TimeView</p>;
}
