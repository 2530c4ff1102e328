/**
 * @module What must hold of every chaotic conversation, whatever happened to it.
 */
import type { PeerOutcome } from "./chaos-peer.ts";

/** Two sides of one conversation. */
export interface ChaosPair {
  readonly client: PeerOutcome;
  readonly server: PeerOutcome;
}

/** Who talked with whom, by the numbers that they heard, and who with nobody. */
export function pairUp(
  clients: readonly PeerOutcome[],
  servers: readonly PeerOutcome[],
): { pairs: ChaosPair[]; alone: PeerOutcome[] } {
  const serverOf = new Map(servers.map((server) => [server.number, server]));
  const byClient = new Map(
    servers.flatMap((server) => (server.otherNumber === null ? [] : [[server.otherNumber, server] as const])),
  );
  const met = new Set<PeerOutcome>();
  const pairs: ChaosPair[] = [];
  for (const client of clients) {
    const server =
      client.otherNumber === null ? byClient.get(client.number) : (serverOf.get(client.otherNumber) ?? undefined);
    if (server === undefined) continue;
    met.add(client).add(server);
    pairs.push({ client, server });
  }
  return { pairs, alone: [...clients, ...servers].filter((peer) => !met.has(peer)) };
}

/** Everything that must not be, a line each. */
export function findFaults(clients: readonly PeerOutcome[], servers: readonly PeerOutcome[]): string[] {
  const { pairs, alone } = pairUp(clients, servers);
  const faults = [...clients, ...servers].flatMap((peer) => [
    ...(peer.wrongAt === null ? [] : [`a wrong byte at ${peer.wrongAt}: ${JSON.stringify(peer)}`]),
    ...(peer.hung ? [`never over: ${JSON.stringify(peer)}`] : []),
  ]);
  for (const peer of alone)
    // Nobody was there to end it, or whoever was there was cut off before its first byte.
    if (peer.heardEnd) faults.push(`an end from nobody: ${JSON.stringify(peer)}`);
  for (const { client, server } of pairs) {
    const told = `${JSON.stringify(client)} ${JSON.stringify(server)}`;
    if (server.otherNumber !== null && server.otherNumber !== client.number) faults.push(`crossed: ${told}`);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      if (to.receivedBytes > from.sentBytes) faults.push(`more came than was sent: ${told}`);
      // A side that closes without a reset cannot be told from one that has said all: TCP says the same of both.
      const whole = from.ended && to.receivedBytes === from.sentBytes;
      if (to.heardEnd && !whole && from.cut !== "close") faults.push(`an end before the end: ${told}`);
      const undisturbed = from.cut === null && to.cut === null;
      if (undisturbed && !(to.heardEnd && whole)) faults.push(`not all came: ${told}`);
      if (undisturbed && to.failure !== null) faults.push(`${to.failure} without a reason: ${told}`);
      if (!from.ended && from.cut === "reset" && to.cut === null && to.failure === null)
        faults.push(`a reset was not told: ${told}`);
    }
  }
  return faults;
}
