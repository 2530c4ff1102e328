/**
 * @module Finds out what a TCP door proves to be, with as few connections and as little surprise as possible.
 *
 * 1. Where the server usually speaks first, or nothing is known, the door is listened to before anything is sent.
 * 2. The port's usual protocol is asked on the connection that is there already.
 * 3. Only then others are asked, each on a connection of its own: first those that recognise the bytes that came, then those whose usual
 *    port looks like this one, then the rest, least harm first.
 */
import { Talk, type Protocol, type TlsFacts, type Verdict } from "../../protocols/index.ts";
import type { Identification, IdentifiedLayer } from "../identification.ts";
import { ask, describeLayer, type Connect, type Line } from "./ask.ts";
import { otherProtocols, protocolOf, recogniseBytes, usualProtocols, usuallyEncrypted } from "./candidates.ts";
import type { Channel } from "./channel.ts";
import { askApplications } from "./identify-applications.ts";
import { Inquiry, longestIdentificationMs, type IdentifyOptions, type TcpDoor } from "./inquiry.ts";

/** How long a server that usually speaks first may take to do so, milliseconds. */
const greetingPatienceMs = 4000;

/** How long a door of unknown protocol is listened to, milliseconds, and twice the round trip. */
const listeningMs = 300;

/** How long a door is listened to whose client usually speaks first, milliseconds, and twice the round trip. */
const shortListeningMs = 40;

/** Offered by ALPN (RFC 7301) to a service of unknown kind. */
const webProtocols: readonly string[] = ["h2", "http/1.1"];

/** How long a handshake of TLS is waited for that nothing speaks for, milliseconds. */
const blindTlsMs = 2000;

/** What was found on the outermost or an inner layer. */
interface Found {
  readonly layers: readonly IdentifiedLayer[];
  readonly tls: TlsFacts | null;
}

/** Identifies one TCP door. Never rejects: what goes wrong is part of the answer. */
export async function identifyTcp(door: TcpDoor, options: IdentifyOptions): Promise<Identification> {
  const inquiry = new Inquiry(door, options);
  const open: Channel[] = [];
  const connect: Connect = async () => {
    const channel = await inquiry.connect();
    if (channel === null) return null;
    open.push(channel);
    return { channel, talk: new Talk("tcp") };
  };
  try {
    const found = await identifyLayer(inquiry, connect, null);
    return conclude(inquiry, found);
  } finally {
    for (const channel of open) channel.close();
  }
}

function conclude(inquiry: Inquiry, found: Found): Identification {
  const { door, options, connections, asked, startedMs } = inquiry;
  const innermost = found.layers.at(-1);
  const unexplained = found.layers.length > 0 || inquiry.unexplained === null ? null : inquiry.unexplained;
  const timedOut = options.nowMs() - startedMs > longestIdentificationMs;
  return {
    transport: "tcp",
    port: door.port,
    layers: found.layers,
    tls: found.tls,
    unexplained: unexplained === null ? null : new TextDecoder("latin1").decode(unexplained.subarray(0, 256)),
    evidence:
      innermost?.evidence ??
      (unexplained !== null
        ? "it answered, in no protocol that is known here"
        : asked.length === 0
          ? "it accepted a connection and was asked nothing"
          : `it accepted connections and answered none of ${asked.length} protocols`),
    connections,
    asked: [...asked],
    elapsedMs: Math.round(options.nowMs() - startedMs),
    complete: !options.signal.aborted && !timedOut,
  };
}

/** Asks at one layer: the plain connection, or inside TLS. */
async function identifyLayer(inquiry: Inquiry, connect: Connect, tls: TlsFacts | null): Promise<Found> {
  const { door } = inquiry;
  const nothing: Found = { layers: [], tls };
  let current = await connect();
  if (current === null) return nothing;
  if (tls === null && usuallyEncrypted(door.port)) {
    inquiry.asked.push("tls");
    const found = await askTls(inquiry, current, connect);
    if (found !== undefined) return found;
    current = await connect();
    if (current === null) return nothing;
  }
  const usual = usualInner(door.port, tls);
  const listened = await listen(inquiry, current, usual, tls);
  if (listened) {
    const found = await askSpeaker(inquiry, current, connect, usual);
    // STARTTLS and its like: the conversation itself has encrypted the connection.
    if (found !== undefined) return { layers: found, tls: tls ?? current.channel.tls };
    // Who speaks first and in no known way is asked nothing more, unless something else is usual here.
    if (usual.length === 0) return nothing;
    current = null;
  }

  const others = inquiry.options.depth === "usual" ? [] : otherProtocols(door.port, usual, tls !== null);
  const queue: Protocol[] = [...usual, ...others];
  const done = new Set<Protocol>();
  const isTlsSettled = tls !== null || inquiry.asked.includes("tls");
  const hinted = new Set<Protocol>(usual);
  const blind = (protocol: Protocol): boolean => !hinted.has(protocol);
  let weak: readonly IdentifiedLayer[] | undefined;
  while (queue.length > 0) {
    const protocol = queue.shift()!;
    if (done.has(protocol) || (isTlsSettled && protocol.id === "tls")) continue;
    done.add(protocol);
    if (current === null || current.talk.sent > 0 || !current.channel.usable || current.talk.unread.length > 0) {
      current?.channel.close();
      current = inquiry.exhausted ? null : await connect();
    }
    if (current === null) break;
    if (protocol.id === "tls") {
      inquiry.asked.push("tls");
      const found = await askTls(inquiry, current, connect);
      if (found !== undefined) return found;
      continue;
    }
    const cautious = protocol.id === "http" && !usual.includes(protocol) && tls === null;
    const verdict = await ask(inquiry, current, protocol, { cautious, blind: blind(protocol) });
    if (verdict.outcome === "proved" || verdict.outcome === "suggested") {
      const layer = describeLayer(protocol, verdict);
      if (cautious) {
        // Now that it is known to be a web server it may be asked in full.
        const full = await connect();
        const second = full === null ? undefined : await ask(inquiry, full, protocol);
        if (full !== null && second !== undefined && (second.outcome === "proved" || second.outcome === "suggested")) {
          const layers = [
            describeLayer(protocol, second),
            ...(await askApplications(inquiry, full, connect, protocol, second.page)),
          ];
          return { layers, tls };
        }
        if (second?.outcome === "other") unshift(queue, suggestions(second), done, hinted);
        weak ??= [layer];
        if (second?.outcome === "other" && second.suggests !== undefined) continue;
        return { layers: weak, tls };
      }
      if (verdict.outcome === "suggested") return { layers: weak ?? [layer], tls: tls ?? current.channel.tls };
      const layers = [layer, ...(await askApplications(inquiry, current, connect, protocol, verdict.page))];
      return { layers, tls: tls ?? current.channel.tls };
    }
    if (verdict.outcome === "other") {
      const seen = current.talk.unread;
      if (inquiry.unexplained === null && seen.length > 0) inquiry.unexplained = seen.slice(0, 256);
      unshift(queue, [...suggestions(verdict), ...recogniseBytes(seen)], done, hinted);
    }
  }
  return { layers: weak ?? [], tls };
}

/** Puts protocols to the front of the queue, those that were not asked yet. */
function unshift(
  queue: Protocol[],
  wished: readonly Protocol[],
  done: ReadonlySet<Protocol>,
  hinted: Set<Protocol>,
): void {
  const fresh = [...new Set(wished)].filter((protocol) => !done.has(protocol));
  for (const protocol of fresh) hinted.add(protocol);
  queue.unshift(...fresh);
}

function suggestions(verdict: Verdict): Protocol[] {
  if (verdict.outcome !== "other") return [];
  return (verdict.suggests ?? []).map((id) => protocolOf(id)).filter((found) => found !== undefined);
}

/** What is usual at the port on this layer: inside TLS also what ALPN has agreed on. */
function usualInner(port: number, tls: TlsFacts | null): readonly Protocol[] {
  if (tls === null) return usualProtocols(port, "tcp", false);
  const agreed = tls.alpn === "h2" ? "http2" : tls.alpn?.startsWith("http/1") === true ? "http" : undefined;
  const first = agreed === undefined ? undefined : protocolOf(agreed);
  if (first !== undefined) return [first];
  return usualProtocols(port, "tcp", true).filter(({ id }) => id !== "tls");
}

/** Listens before speaking. True when the server said something. */
async function listen(
  inquiry: Inquiry,
  { channel, talk }: Line,
  usual: readonly Protocol[],
  tls: TlsFacts | null,
): Promise<boolean> {
  const roundTrip = 2 * Math.min(inquiry.door.roundTripMs ?? 0, 500);
  const serverFirst = usual.some(({ speaksFirst }) => speaksFirst === "server");
  // ALPN was agreed on: the client of every such protocol speaks first.
  if (tls?.alpn !== undefined && tls.alpn !== null) return false;
  const patienceMs = serverFirst ? greetingPatienceMs : (usual.length > 0 ? shortListeningMs : listeningMs) + roundTrip;
  return channel.drive(talk.listen(patienceMs), inquiry.options.nowMs);
}

/** The server spoke first: whoever recognises its words continues on this connection. */
async function askSpeaker(
  inquiry: Inquiry,
  first: Line,
  connect: Connect,
  usual: readonly Protocol[],
): Promise<readonly IdentifiedLayer[] | undefined> {
  inquiry.unexplained = first.talk.unread.slice(0, 256);
  const recognised = recogniseBytes(inquiry.unexplained);
  const ordered = [...recognised.filter((protocol) => usual.includes(protocol)), ...recognised];
  let weak: readonly IdentifiedLayer[] | undefined;
  let current: Line | null = first;
  for (const protocol of new Set(ordered)) {
    current ??= inquiry.exhausted ? null : await connect();
    if (current === null) break;
    const verdict = await ask(inquiry, current, protocol);
    if (verdict.outcome === "proved") {
      return [
        describeLayer(protocol, verdict),
        ...(await askApplications(inquiry, current, connect, protocol, verdict.page)),
      ];
    }
    if (verdict.outcome === "suggested") weak ??= [describeLayer(protocol, verdict)];
    current.channel.close();
    current = null;
  }
  return weak;
}

/** Tries TLS; inside it everything starts anew. `undefined`: no TLS here. */
async function askTls(inquiry: Inquiry, { channel, talk }: Line, connect: Connect): Promise<Found | undefined> {
  const protocol = protocolOf("tls");
  if (protocol === undefined) return undefined;
  const patienceMs = usuallyEncrypted(inquiry.door.port) ? undefined : blindTlsMs;
  const verdict = await channel.drive(
    protocol.probe!(talk, inquiry.context(channel, null)),
    inquiry.options.nowMs,
    patienceMs,
  );
  // An alert is TLS too, of a server that does not let in who knows no name of its own, or has no certificate.
  if (verdict.outcome === "suggested") return { layers: [describeLayer(protocol, verdict)], tls: null };
  if (verdict.outcome !== "proved" || channel.tls === null) return undefined;
  const outer = describeLayer(protocol, verdict);
  const tls = channel.tls;
  let first: Line | null = { channel, talk: new Talk("tcp") };
  const inside: Connect = async (alpn = webProtocols) => {
    const ready = first;
    first = null;
    if (ready !== null) return ready;
    const next = await connect();
    if (next === null) return null;
    const again = await next.channel.drive(next.talk.startTls(alpn), inquiry.options.nowMs);
    return "failed" in again ? null : { channel: next.channel, talk: new Talk("tcp") };
  };
  const inner = await identifyLayer(inquiry, inside, tls);
  return { layers: [outer, ...inner.layers], tls };
}
