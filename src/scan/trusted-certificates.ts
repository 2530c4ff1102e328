/**
 * @module Whose certificates a client of this machine trusts: Node's list, the system's, and what the environment adds.
 */
import { readFileSync } from "node:fs";
import * as tls from "node:tls";

/** Where systems keep the list of all, one file each: Debian, Fedora, Alpine and the BSDs, SUSE. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
  "/etc/ssl/ca-bundle.pem",
];

/** Node 22.15 and later ask the systems that have no such file. */
type MoreOfTls = typeof tls & { readonly getCACertificates?: (which: "system") => string[] };

/** Certificates, PEM. What cannot be read is left out. */
export function readTrustedCertificates(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const own = environment["SSL_CERT_FILE"];
  const files = own === undefined || own === "" ? bundles : [own];
  const system = files.map(tryRead).find((text) => text !== undefined);
  const extra = tryRead(environment["NODE_EXTRA_CA_CERTS"] ?? "");
  return [
    ...tls.rootCertificates,
    ...(system === undefined ? ((tls as MoreOfTls).getCACertificates?.("system") ?? []) : [system]),
    ...(extra === undefined ? [] : [extra]),
  ];
}

function tryRead(path: string): string | undefined {
  if (path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
