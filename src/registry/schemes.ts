/**
 * @module URLs and ports: which port a scheme means, which scheme a port number suggests, which ports browsers refuse.
 */
import type { Transport } from "../core/index.ts";
import { conventionsOf } from "./conventions.ts";

/** Default ports of URL schemes, each by the scheme's registration or its program's documentation. */
const portsOfSchemes: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  bolt: 7687,
  coap: 5683,
  coaps: 5684,
  dict: 2628,
  dns: 53,
  finger: 79,
  ftp: 21,
  ftps: 990,
  gemini: 1965,
  git: 9418,
  gopher: 70,
  http: 80,
  https: 443,
  imap: 143,
  imaps: 993,
  ipp: 631,
  ipps: 631,
  irc: 6667,
  ircs: 6697,
  ldap: 389,
  ldaps: 636,
  mariadb: 3306,
  memcached: 11_211,
  mongodb: 27_017,
  "mongodb+srv": 27_017,
  mqtt: 1883,
  mqtts: 8883,
  mssql: 1433,
  mysql: 3306,
  nats: 4222,
  neo4j: 7687,
  nfs: 2049,
  nntp: 119,
  ntp: 123,
  pop: 110,
  pop3: 110,
  postgres: 5432,
  postgresql: 5432,
  rdp: 3389,
  redis: 6379,
  rediss: 6379,
  rsync: 873,
  rtmp: 1935,
  rtsp: 554,
  rtsps: 322,
  sftp: 22,
  sip: 5060,
  sips: 5061,
  smb: 445,
  smtp: 25,
  smtps: 465,
  snmp: 161,
  socks4: 1080,
  socks5: 1080,
  socks5h: 1080,
  sqlserver: 1433,
  ssh: 22,
  stun: 3478,
  stuns: 5349,
  svn: 3690,
  telnet: 23,
  tftp: 69,
  turn: 3478,
  turns: 5349,
  valkey: 6379,
  valkeys: 6379,
  vnc: 5900,
  ws: 80,
  wss: 443,
};

/** The port that a URL of this scheme means when it names none. */
export function portOfScheme(scheme: string): number | undefined {
  return Object.hasOwn(portsOfSchemes, scheme.toLowerCase()) ? portsOfSchemes[scheme.toLowerCase()] : undefined;
}

/** Ports assigned to the web beside those of conventions. */
const assignedSchemes: Readonly<Record<number, "http" | "https">> = {
  80: "http",
  443: "https",
  591: "http",
  8008: "http",
  8080: "http",
  8443: "https",
};

/** What a browser would speak to a port by its number alone; a guess, to be shown as one. */
export function schemeOf(port: number, transport: Transport): "http" | "https" | null {
  if (transport !== "tcp") return null;
  return assignedSchemes[port] ?? conventionsOf(port, transport)[0]?.scheme ?? null;
}

/** Ports that browsers refuse to open: Fetch standard, section "Port blocking", list of bad ports. */
export const browserBlockedPorts: readonly number[] = [
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
];
