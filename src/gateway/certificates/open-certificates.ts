/**
 * @module Certificates for the gateway's names, made when a browser first asks for one, kept in memory and made anew in time.
 */
import { X509Certificate, createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { authorityPath, type Authority, type AuthorityFacts } from "./authority-file.ts";
import { isCoveredName, isHostName } from "./authority-names.ts";
import { buildLeaf, certificatePem, type ValidityMs } from "./build-certificate.ts";
import { backdatedMs, ensureAuthority } from "./ensure-authority.ts";

/** Where the gateway has its certificates from. */
export interface CertificateSource {
  /**
   * What to show a client that asks for this name (RFC 6066, section 3); `undefined` when the authority may not vouch for it.
   * @param servername as the client sent it; `undefined` when it named none, as for an address
   */
  contextFor(servername: string | undefined): Promise<SecureContext | undefined>;
  /**
   * A new certificate for this machine itself, as a server takes it (`tls.createServer`, `server.setSecureContext`): Node asks `contextFor` only for clients
   * that name what they want, and a client that goes to an address names nothing. Good for 90 days.
   */
  ownCredentials(): Promise<Credentials>;
  readonly authority: AuthorityFacts;
  /** What the user should know of the authority: that it was made anew, that others could read its key. */
  readonly notes: readonly string[];
}

/** A certificate and its key, PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** What it takes. */
export interface CertificateOptions {
  readonly stateFolder: string;
  readonly nowMs: () => number;
  /** Whether somebody has this name: such names get a certificate whatever else is asked for. */
  readonly mayHave: (name: string) => boolean;
  /** Names beside `localhost` that the authority has to cover. */
  readonly extraNames: readonly string[];
  /** So many certificates are kept, the latest asked for. Default 1000. */
  readonly mostKept?: number;
}

const dayMs = 86_400_000;
/** How long a certificate is good for; browsers take at most 398 days. */
const leafDays = 90;
/** With less than this left it is made anew. */
const renewMs = 30 * dayMs;
const usuallyKept = 1000;
/** Certificates for names that nobody has, for the page that says so: so many at once, and one more every so often. */
const strangersAtOnce = 30;
const strangerEveryMs = 2000;

/** Names and addresses of the certificate for whoever names none that somebody has. */
const ownNames: readonly string[] = ["localhost", "portolan.localhost"];
const ownAddresses: readonly string[] = ["127.0.0.1", "::1"];

/**
 * Opens the user's authority, made if need be.
 * @throws AUTHORITY_UNUSABLE when it is another user's or of a later version, STORE_FAILED
 */
export async function openCertificates(options: CertificateOptions): Promise<CertificateSource> {
  const { authority, notes } = await ensureAuthority(options);
  return new Certificates(options, authority, notes);
}

interface Kept extends ValidityMs {
  readonly context: Promise<SecureContext>;
}

class Certificates implements CertificateSource {
  readonly #options: CertificateOptions;
  #authority: Authority;
  #key: KeyObject;
  #notes: readonly string[];
  /** What the authority's file was when it was read. */
  #mark: string | undefined;
  #reopening: Promise<void> | undefined;
  /** The latest asked for is the last. */
  readonly #kept = new Map<string, Kept>();
  #strangers = strangersAtOnce;
  #countedAtMs: number;

  constructor(options: CertificateOptions, authority: Authority, notes: readonly string[]) {
    this.#options = options;
    this.#authority = authority;
    this.#key = createPrivateKey(authority.privateKey);
    this.#notes = notes;
    this.#mark = markOf(options.stateFolder);
    this.#countedAtMs = options.nowMs();
  }

  get authority(): AuthorityFacts {
    const { certificatePath, fingerprintSha256, subject, notAfterMs, names } = this.#authority;
    return { certificatePath, fingerprintSha256, subject, notAfterMs, names };
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  async contextFor(servername: string | undefined): Promise<SecureContext | undefined> {
    if (this.#isOutdated()) await this.#reopen();
    const name = (servername ?? "").toLowerCase().replace(/\.$/, "");
    if (name === "" || ownNames.includes(name)) return this.#contextOf("");
    if (!isHostName(name) || !isCoveredName(name, this.#authority)) return undefined;
    if (this.#isKept(name) || this.#options.mayHave(name) || this.#takeStranger()) return this.#contextOf(name);
    return this.#contextOf("");
  }

  async ownCredentials(): Promise<Credentials> {
    if (this.#isOutdated()) await this.#reopen();
    return this.#issue("", this.#validityNow());
  }

  /** The authority was replaced or deleted by a command, or comes to its end. */
  #isOutdated(): boolean {
    const { stateFolder, nowMs } = this.#options;
    return markOf(stateFolder) !== this.#mark || this.#authority.notAfterMs - nowMs() < dayMs;
  }

  async #reopen(): Promise<void> {
    this.#reopening ??= (async () => {
      try {
        const { authority, notes } = await ensureAuthority(this.#options);
        this.#authority = authority;
        this.#key = createPrivateKey(authority.privateKey);
        this.#notes = notes;
        this.#kept.clear();
      } catch (error) {
        // What is in memory goes on; a disk that is full for a moment ends no connection.
        this.#notes = [(error as Error).message];
      } finally {
        this.#mark = markOf(this.#options.stateFolder);
        this.#reopening = undefined;
      }
    })();
    await this.#reopening;
  }

  #isKept(name: string): boolean {
    const kept = this.#kept.get(name);
    return kept !== undefined && this.#isGood(kept);
  }

  /** Also after a clock that was wrong has been set right. */
  #isGood({ notBeforeMs, notAfterMs }: ValidityMs): boolean {
    const now = this.#options.nowMs();
    return now >= notBeforeMs && now < notAfterMs - renewMs;
  }

  /** Under its name; the empty one is this machine itself. Asked for twice in the same moment it is made once. */
  #contextOf(name: string): Promise<SecureContext> {
    let kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept === undefined || !this.#isGood(kept)) kept = this.#keep(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > (this.#options.mostKept ?? usuallyKept)) this.#kept.delete(this.#kept.keys().next().value!);
    return kept.context;
  }

  #keep(name: string): Kept {
    const validity = this.#validityNow();
    const kept = { ...validity, context: this.#issue(name, validity).then(createSecureContext) };
    kept.context.catch(() => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
    });
    return kept;
  }

  #validityNow(): ValidityMs {
    const now = this.#options.nowMs();
    return { notBeforeMs: now - backdatedMs, notAfterMs: now + leafDays * dayMs };
  }

  #issue(name: string, validity: ValidityMs): Promise<Credentials> {
    const names = name === "" ? ownNames : [name];
    const addresses = name === "" ? ownAddresses : [];
    return issueCertificate(this.#authority, this.#key, { names, addresses, validity });
  }

  /** Whether one more name that nobody has may cost a certificate. */
  #takeStranger(): boolean {
    const now = this.#options.nowMs();
    const earned = Math.max(0, now - this.#countedAtMs) / strangerEveryMs;
    this.#strangers = Math.min(strangersAtOnce, this.#strangers + earned);
    this.#countedAtMs = now;
    if (this.#strangers < 1) return false;
    this.#strangers -= 1;
    return true;
  }
}

async function issueCertificate(
  authority: Authority,
  key: KeyObject,
  wish: { readonly names: readonly string[]; readonly addresses: readonly string[]; readonly validity: ValidityMs },
): Promise<Credentials> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const certificate = buildLeaf({
    authority: { certificate: new X509Certificate(authority.certificate).raw, privateKey: key },
    publicKey,
    ...wish,
  });
  return {
    cert: certificatePem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** Tells the authority's file from any other that was or will be in its place. */
function markOf(stateFolder: string): string | undefined {
  try {
    const { ino, mtimeMs, size } = statSync(authorityPath(stateFolder));
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return undefined;
  }
}
