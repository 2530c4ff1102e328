/**
 * @module Placeholder.
 */

export function ScanView() {
  return <p>ScanView</p>;
}
