/**
 * @module A scan's result made by hand, with everything in it that another side may send: for tests of how results are written.
 */
import type { ScanResult } from "../../src/operations/scan.ts";
import type { ListedDoor } from "../../src/operations/scan-schemas.ts";

/** Escapes, markup, NUL, invalid characters, quotes, a formula and a text-direction mark. */
export const hostileText = '=1+1\u001b[31m<b a="\'">]]>&amp;\u0000\u202e\ud800\uffff\u009b2J,"\r\n';

/** An open door that says hostile things of itself everywhere. */
export const hostileDoor: ListedDoor = {
  address: "127.0.0.1",
  host: hostileText,
  transport: "tcp",
  port: 8443,
  state: "open",
  reason: "syn-ack",
  roundTripMs: 0.25,
  title: { value: hostileText, basis: "proved", evidence: hostileText },
  names: [
    { value: hostileText, basis: "proved", evidence: hostileText },
    { value: "pcsync-https", basis: "assigned", evidence: "port 8443/tcp in the IANA registry" },
  ],
  product: hostileText,
  version: hostileText,
  identification: {
    layers: [
      { protocol: "tls", title: "TLS", strength: "strong", evidence: hostileText, facts: [] },
      {
        protocol: "http",
        title: hostileText,
        strength: "strong",
        evidence: hostileText,
        facts: [
          { name: "product", value: hostileText, from: "Server header" },
          { name: "hostName", value: hostileText, from: "greeting" },
          { name: "capabilities", value: [hostileText, "b"], from: "greeting" },
        ],
      },
      { protocol: "vite", title: "Vite", strength: "weak", evidence: "/@vite/client", facts: [] },
    ],
    tls: {
      version: "TLSv1.3",
      cipher: "TLS_AES_256_GCM_SHA384",
      alpn: hostileText,
      certificate: {
        subject: hostileText,
        issuer: hostileText,
        names: [hostileText],
        validFrom: "2026-01-01T00:00:00.000Z",
        validTo: "2027-01-01T00:00:00.000Z",
        selfSigned: false,
        fingerprint: "00ff",
      },
    },
    unexplained: hostileText,
    evidence: hostileText,
    connections: 2,
    asked: ["tls", "http", "vite"],
    elapsedMs: 12,
    complete: true,
  },
};

/** A door of which only the number speaks. */
export const guessedDoor: ListedDoor = {
  ...hostileDoor,
  host: null,
  port: 22,
  title: { value: "ssh", basis: "assigned", evidence: "port 22/tcp in the IANA registry" },
  names: [{ value: "ssh", basis: "assigned", evidence: "port 22/tcp in the IANA registry" }],
  product: null,
  version: null,
  identification: null,
};

/** A whole result with these doors on one device, and a second device that did not answer. */
export function makeScanResult(doors: readonly ListedDoor[] = [hostileDoor, guessedDoor]): ScanResult {
  return {
    complete: true,
    startedAt: "2026-11-23T10:00:00.000Z",
    elapsedMs: 1234,
    ports: { tcp: "22,80,8443,9100-9107", udp: "53" },
    asked: 8,
    devices: 2,
    hosts: [
      {
        address: "127.0.0.1",
        family: "ipv4",
        host: doors[0]?.host ?? null,
        answered: true,
        doors: [...doors],
        states: [
          { transport: "tcp", state: "open", reason: "syn-ack", count: doors.length, ports: "22,8443" },
          { transport: "tcp", state: "closed", reason: "connection-refused", count: 1, ports: "80" },
          { transport: "tcp", state: "unscanned", reason: "skipped", count: 8, ports: "9100-9107" },
          { transport: "udp", state: "open|filtered", reason: "no-answer", count: 1, ports: "53" },
        ],
      },
      {
        address: "2001:db8::9",
        family: "ipv6",
        host: null,
        answered: false,
        doors: [],
        states: [{ transport: "tcp", state: "filtered", reason: "no-answer", count: 3, ports: "22,80,8443" }],
      },
    ],
    unresolved: [],
    engines: [],
    remarks: [],
  };
}
