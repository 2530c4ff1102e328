/**
 * @module From a name to its port numbers, without descriptions: what sets of ports need.
 */
import { meaningOfAlias } from "./aliases.ts";
import { conventionsNamed } from "./conventions.ts";
import { portsOfName } from "./names.ts";

/** Longest name that is looked up, in characters; registered names have at most 15, older ones some more. */
export const longestName = 64;

/** Ports of a service by its exact name, a name that people say, or a convention's word; `undefined` when nobody knows it. */
export function resolveServiceName(name: string): readonly number[] | undefined {
  if (name.length > longestName) return undefined;
  const asked = name.toLowerCase();
  const ports = (meaningOfAlias(asked) ?? [asked]).flatMap((target) =>
    typeof target === "number" ? [target] : portsOfWord(target),
  );
  return ports.length === 0 ? undefined : [...new Set(ports)];
}

/** A registered name comes before a convention's word. */
function portsOfWord(word: string): readonly number[] {
  const registered = portsOfName(word);
  return registered.length > 0 ? registered : conventionsNamed(word).map((convention) => convention.port);
}
