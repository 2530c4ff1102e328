/**
 * @module What an open door is, as claims: proved by its handshake, or guessed from its number.
 */
import { claim, compareClaims, type Claim, type Port, type Transport } from "../core/index.ts";
import { conventionsOf, primaryNameOf } from "../registry/index.ts";
import type { FoundDoor, Identification } from "../scan/index.ts";
import type { ListedIdentification } from "./identification-schema.ts";
import type { ListedDoor } from "./scan-schemas.ts";

/** A found door for a result. */
export function describeDoor(door: FoundDoor): ListedDoor {
  const { target, transport, port, state, reason, roundTripMs } = door;
  return {
    address: target.address,
    host: target.name,
    transport,
    port,
    state,
    reason,
    roundTripMs,
    ...describeIdentified(transport, port, door.identification),
  };
}

/** Names, product and version of a door, and what they rest on. */
export function describeIdentified(
  transport: "tcp" | "udp",
  port: number,
  identification: Identification | null,
): Pick<ListedDoor, "title" | "names" | "product" | "version" | "identification"> {
  const names = [
    ...(identification === null ? [] : claimsOfIdentification(identification)),
    ...claimsOfNumber(port as Port, transport),
  ].sort(compareClaims);
  return {
    title: names[0] ?? null,
    names,
    product: factOf(identification, "product"),
    version: factOf(identification, "version"),
    identification: identification === null ? null : describeIdentification(identification),
  };
}

/** An identification for a result: its door is told by what stands around it. */
export function describeIdentification(identification: Identification): ListedIdentification {
  const { layers, tls, unexplained, evidence, connections, asked, elapsedMs, complete } = identification;
  return { layers, tls, unexplained, evidence, connections, asked, elapsedMs, complete };
}

/**
 * What a handshake lets claim, innermost protocol first: that is what people call the service. Strong evidence is proof; weak
 * evidence is an inference.
 */
export function claimsOfIdentification({ layers, tls }: Identification): Claim<string>[] {
  return layers
    .map(({ protocol, title, strength, evidence }) => {
      const overTls = tls !== null && protocol !== "tls" && !/\b(?:TLS|HTTPS)\b/.test(title);
      return claim(overTls ? `${title} over TLS` : title, strength === "strong" ? "proved" : "inferred", evidence);
    })
    .toReversed();
}

/** What the number alone says: by common use, then by assignment. */
export function claimsOfNumber(port: Port, transport: Transport): Claim<string>[] {
  const claims = conventionsOf(port, transport).map(({ title, source }) =>
    claim(title, "convention", `port ${port} by common use (${source})`),
  );
  const assigned = primaryNameOf(port, transport);
  if (assigned !== undefined) {
    claims.push(claim(assigned, "assigned", `port ${port}/${transport} in the IANA registry`));
  }
  return claims;
}

/** A fact as text, from the innermost layer that has it. */
export function factOf(
  identification: Pick<Identification, "layers"> | null,
  name: Identification["layers"][number]["facts"][number]["name"],
): string | null {
  for (const { facts } of identification?.layers.toReversed() ?? []) {
    const fact = facts.find((candidate) => candidate.name === name);
    if (fact !== undefined) return Array.isArray(fact.value) ? fact.value.join(", ") : String(fact.value);
  }
  return null;
}
