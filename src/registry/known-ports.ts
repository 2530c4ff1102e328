/**
 * @module Which ports mean something: assigned by IANA, or some program's default.
 */
import { PortSet } from "../core/index.ts";
import { knownPortsBitmap } from "./known-ports.generated.ts";

let found: PortSet | undefined;

/** Every port that IANA has assigned, by any transport, and every one of the developer conventions. */
export function listKnownPorts(): PortSet {
  return (found ??= PortSet.fromBitmap(
    Uint8Array.from(atob(knownPortsBitmap), (character) => character.charCodeAt(0)),
  ));
}
