/**
 * @module From a name to its port numbers, without descriptions: what sets of ports need.
 */
import { aliases } from "./aliases.ts";
import { allConventions } from "./conventions.ts";
import { portsOfName } from "./names.ts";

/** Longest name that is looked up, in characters; registered names have at most 15, older ones some more. */
const longestName = 64;

/** Ports of a service by its exact name, a name that people say, or a convention's word; `undefined` when nobody knows it. */
export function resolveServiceName(name: string): readonly number[] | undefined {
  if (name.length > longestName) return undefined;
  const asked = name.toLowerCase();
  const meant = Object.hasOwn(aliases, asked) ? aliases[asked] : undefined;
  const ports =
    meant === undefined
      ? portsOfName(asked)
      : meant.flatMap((target) => (typeof target === "number" ? [target] : portsOfName(target)));
  if (ports.length > 0) return ports;
  const conventional = allConventions().filter((convention) => convention.name === asked);
  return conventional.length === 0 ? undefined : conventional.map((convention) => convention.port);
}
