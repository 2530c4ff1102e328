/**
 * @module Which protocols to ask at a door, and in which order.
 */
import { protocols, type HttpPage, type ProbeTransport, type Protocol, type UsualPort } from "../../protocols/index.ts";

/**
 * The order in which a TCP door without usual protocol is asked, once it has kept silent. Web servers come first: they are the most likely
 * by far, and developers' ones print complaints about anything that is no request. Then TLS, whose servers complain about anything
 * else. PostgreSQL, RabbitMQ, Mosquitto, Samba and xrdp log every hello that is not theirs (test/servers/matrix.test.ts shows who logs
 * what), so that none of them can be spared by the order: `nearProtocols` finds most of them before it comes to this.
 */
const orderOfUnknown: readonly string[] = [
  "http",
  "tls",
  "postgresql",
  "redis",
  "mqtt",
  "amqp",
  "rdp",
  "smb",
  "ldap",
  "mongodb",
  "memcached",
  "http2",
  "dns",
  "sip",
  "websocket",
];

/** Protocols on the transport itself that have a probe there, in the order of the table. */
export function probedProtocols(transport: ProbeTransport): readonly Protocol[] {
  return protocols.filter(
    (protocol) =>
      protocol.over === "transport" &&
      protocol.probe !== undefined &&
      (transport === "udp"
        ? protocol.datagram !== undefined
        : protocol.usualPorts.some((usual) => usual.transport === "tcp")),
  );
}

/** A protocol by its id. */
export function protocolOf(id: string): Protocol | undefined {
  return protocols.find((protocol) => protocol.id === id);
}

/** Protocols usually met at the port, with TLS or without. */
export function usualProtocols(port: number, transport: ProbeTransport, tls: boolean): readonly Protocol[] {
  const isUsual = (protocol: Protocol): boolean =>
    protocol.usualPorts.some((usual) => usual.port === port && usual.transport === transport && usual.tls === tls);
  const isWebPort = transport === "tcp" && protocols.some((protocol) => protocol.over === "http" && isUsual(protocol));
  return probedProtocols(transport).filter((protocol) => isUsual(protocol) || (isWebPort && protocol.id === "http"));
}

/** True when the usual protocol of the port starts with TLS. */
export function usuallyEncrypted(port: number): boolean {
  const tcp = protocols.flatMap(({ usualPorts }) => usualPorts).filter((usual) => usual.transport === "tcp");
  return (
    tcp.some((usual) => usual.port === port && usual.tls) && !tcp.some((usual) => usual.port === port && !usual.tls)
  );
}

/**
 * Protocols whose usual port people turn into this one: by counting up (5433, 8081), by writing digits before or after it
 * (15432, 33890), or by lifting it out of the privileged range (2222, 1445).
 * @param tls inside TLS: ports at which the protocol is usually encrypted count
 */
export function nearProtocols(port: number, transport: ProbeTransport, tls = false): readonly Protocol[] {
  const near = probedProtocols(transport)
    .map((protocol) => ({ protocol, distance: distanceOf(port, protocol, transport, tls) }))
    .filter(({ distance }) => distance < Infinity);
  return near.sort((left, right) => left.distance - right.distance).map(({ protocol }) => protocol);
}

/** 1 is nearest; `Infinity` for not near. */
function distanceOf(port: number, protocol: Protocol, transport: ProbeTransport, inside: boolean): number {
  let least = Infinity;
  // Near a port that is encrypted for whatever protocol, encryption is what to try.
  const usualPorts =
    protocol.id === "tls" && !inside ? encryptedPorts() : protocol.usualPorts.filter(({ tls }) => tls === inside);
  for (const usual of usualPorts) {
    if (usual.transport !== transport || usual.port === port) continue;
    const distance = nearness(String(port), String(usual.port));
    // Counting up by a few says little of encryption, and by many nothing of web servers, which are everywhere.
    const counted = distance <= 10 || distance > 40;
    const weight =
      protocol.id === "tls" && !inside && counted ? 5 : protocol.id === "http" && distance > 40 ? Infinity : 1;
    if (distance * weight < least) least = distance * weight;
  }
  return least;
}

function encryptedPorts(): readonly UsualPort[] {
  return protocols.flatMap(({ usualPorts }) => usualPorts.filter(({ tls }) => tls));
}

function nearness(port: string, usual: string): number {
  const above = Number(port) - Number(usual);
  if (usual.length >= 4 && above > 0 && above <= 10) return above;
  // Longer usual ports say more: 15432 is PostgreSQL rather than anything about 543.
  if (port.length > usual.length && usual.length >= 2 && port.endsWith(usual)) return 20 - usual.length;
  if (port.length > usual.length && usual.length >= 3 && port.startsWith(usual)) return 30 - usual.length;
  // 2222, 5353 and their neighbours: a short number written twice.
  const aboveTwice = Number(port) - Number(usual + usual);
  if (usual.length === 2 && aboveTwice >= 0 && aboveTwice < 10) return 20 + aboveTwice;
  if (usual.length >= 4 && above > 0 && above <= 100) return 40 + above / 100;
  return Infinity;
}

/** Everything that may be asked at a TCP door, most likely first, what is usual there left out. */
export function otherProtocols(port: number, usual: readonly Protocol[], tls: boolean): readonly Protocol[] {
  const clientFirst = nearProtocols(port, "tcp", tls).filter(({ speaksFirst }) => speaksFirst === "client");
  const ordered = [
    ...clientFirst,
    ...orderOfUnknown.map((id) => protocolOf(id)).filter((found) => found !== undefined),
  ];
  return [...new Set(ordered)].filter((protocol) => !usual.includes(protocol));
}

/** Applications on HTTP that the page or the port makes worth asking, those at their usual port first. */
export function applicationsOf(page: HttpPage, port: number): readonly Protocol[] {
  const worth = protocols.filter(
    (protocol) =>
      protocol.probe !== undefined &&
      (protocol.id !== "grpc" || page.httpVersion === "2") &&
      protocol.worthAsking?.(page, port) === true,
  );
  const usual = (protocol: Protocol): number => (protocol.usualPorts.some((at) => at.port === port) ? 0 : 1);
  return worth.sort((left, right) => usual(left) - usual(right));
}

/** Protocols that recognise bytes from a server; those that have seen enough first. */
export function recogniseBytes(bytes: Uint8Array): readonly Protocol[] {
  if (bytes.length === 0) return [];
  const matches: Protocol[] = [];
  const maybes: Protocol[] = [];
  const start = bytes.subarray(0, 512);
  for (const protocol of protocols) {
    if (protocol.over !== "transport" || protocol.probe === undefined) continue;
    const verdict = protocol.recognise?.(start);
    if (verdict === "match") matches.push(protocol);
    else if (verdict === "more") maybes.push(protocol);
  }
  // Two protocols can open alike (220 of FTP and SMTP): the one that the text names goes first.
  const text = new TextDecoder("latin1").decode(start).toLowerCase();
  const named = (protocol: Protocol): number => (text.includes(protocol.id) ? 0 : 1);
  return [...matches.sort((left, right) => named(left) - named(right)), ...maybes];
}
