/**
 * @module The certificate authority as it is kept: key and certificate in one file, so that they belong together whatever happens, and a copy
 * of the certificate alone for programs that are to trust it.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { existsSync, readFileSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { PortolanError, isPortolanError, quote } from "../../core/index.ts";
import { readJsonFile, replaceFile, type JsonFile } from "../../store/index.ts";

/** What may be known of an authority by everybody. */
export interface AuthorityFacts {
  /** File of the certificate, PEM. */
  readonly certificatePath: string;
  /** Upper-case hexadecimal digits in pairs with colons, as other programs show it. */
  readonly fingerprintSha256: string;
  /** Its common name. */
  readonly subject: string;
  /** End of its validity, milliseconds since the Unix epoch. */
  readonly notAfterMs: number;
  /** Names that it may vouch for, each with every name below. */
  readonly names: readonly string[];
}

/** An authority with its key. */
export interface Authority extends AuthorityFacts {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
}

/** What is in the file. */
export interface AuthorityContent {
  readonly certificate: string;
  readonly privateKey: string;
  readonly names: readonly string[];
}

/** The folder of a user's authority, mode 0700. */
export function authorityFolder(stateFolder: string): string {
  return join(stateFolder, "ca");
}

/** The file with the key, mode 0600. */
export function authorityPath(stateFolder: string): string {
  return join(authorityFolder(stateFolder), "authority.json");
}

/** The file with the certificate alone. */
export function certificatePathOf(stateFolder: string): string {
  return join(authorityFolder(stateFolder), "portolan-ca.pem");
}

/** The file as store/ reads and writes it. */
export function authorityFile(stateFolder: string): JsonFile<AuthorityContent | null> {
  return { path: authorityPath(stateFolder), version: 1, empty: null, check: checkAuthority };
}

/** The beginning of a fingerprint, in lower case: enough to tell authorities of one user apart in names of files. */
export function shortFingerprint(fingerprintSha256: string): string {
  return fingerprintSha256.replaceAll(":", "").slice(0, 16).toLowerCase();
}

/** Where the certificate of an authority is kept that is no more: it may be trusted somewhere, and has to be found there. */
export function formerPathOf(stateFolder: string, fingerprintSha256: string): string {
  return join(authorityFolder(stateFolder), `former-${shortFingerprint(fingerprintSha256)}.pem`);
}

/**
 * Reads a user's authority; `null` when there is none yet.
 * @throws AUTHORITY_UNUSABLE when it is another user's, or damaged
 */
export function readAuthority(stateFolder: string): Authority | null {
  const path = authorityPath(stateFolder);
  if (ownStatus(path) === undefined) return null;
  let content: AuthorityContent | null;
  try {
    content = readJsonFile(authorityFile(stateFolder));
  } catch (error) {
    if (!isPortolanError(error, "STORE_FAILED")) throw error;
    throw unusable(path, error.message, { damaged: /damaged/.test(error.message) }, error);
  }
  return content === null ? null : describeAuthority(stateFolder, content);
}

/** @throws AUTHORITY_UNUSABLE when it is another user's */
export function ownStatus(path: string): Stats | undefined {
  let status: Stats | undefined;
  try {
    status = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") return undefined;
    throw unusable(path, `${quote(path)} may not be looked at (${code}).`, {}, error);
  }
  const uid = process.geteuid?.();
  if (status === undefined || uid === undefined || status.uid === uid) return status;
  throw unusable(path, `${quote(path)} belongs to user ${status.uid}, and this is user ${uid}.`, {
    hint: "Run it as that user, or let PORTOLAN_STATE_HOME name a folder of your own.",
  });
}

function unusable(path: string, message: string, details: object, cause?: unknown): PortolanError {
  return new PortolanError("AUTHORITY_UNUSABLE", message, { details: { path, ...details }, cause });
}

/** What is known of it. */
export function describeAuthority(stateFolder: string, content: AuthorityContent): Authority {
  const certificate = new X509Certificate(content.certificate);
  return {
    certificatePath: certificatePathOf(stateFolder),
    fingerprintSha256: certificate.fingerprint256,
    subject: commonNameOf(certificate),
    notAfterMs: Date.parse(certificate.validTo),
    names: content.names,
    certificate: content.certificate,
    privateKey: content.privateKey,
  };
}

/** The certificate beside the key is what other programs read: it is the same one. @throws STORE_FAILED */
export function keepCertificate({ certificatePath, certificate }: Authority): void {
  try {
    if (readFileSync(certificatePath, "utf8") === certificate) return;
  } catch {
    // It is missing, and written below.
  }
  replaceFile(certificatePath, certificate);
}

/**
 * What a Node program is told, so that it trusts its neighbours' https addresses: NODE_EXTRA_CA_CERTS, if it is not set already and there is an
 * authority.
 */
export function variablesForNode(
  stateFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const set = environment["NODE_EXTRA_CA_CERTS"];
  const path = certificatePathOf(stateFolder);
  return (set === undefined || set === "") && existsSync(path) ? { NODE_EXTRA_CA_CERTS: path } : {};
}

/** The name by which a certificate is shown. */
export function commonNameOf({ subject }: X509Certificate): string {
  return (/^CN=(.*)$/m.exec(subject)?.[1] ?? subject).replaceAll(/\\(.)/g, "$1");
}

/** nameConstraints (2.5.29.30) and TRUE in DER: one that could vouch for anything is none of ours, and must not get into a store. */
const criticalConstraints = Buffer.from("0603551d1e0101ff", "hex");

function checkAuthority(content: unknown): AuthorityContent | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const { certificate, privateKey, names } = content as Record<string, unknown>;
  if (typeof certificate !== "string" || typeof privateKey !== "string" || !isListOfTexts(names)) return undefined;
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.ca || !parsed.raw.includes(criticalConstraints)) return undefined;
    if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) return undefined;
  } catch {
    return undefined;
  }
  return content as AuthorityContent;
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}
