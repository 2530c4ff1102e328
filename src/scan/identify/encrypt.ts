/**
 * @module TLS on a connection that is open already, for what the handshake tells; nothing is checked and nothing trusted.
 */
import type { Socket } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { CertificateFacts, TlsFacts } from "../../protocols/index.ts";

/** How to encrypt. */
export interface EncryptOptions {
  /** SNI; `null` for none (RFC 6066 §3 allows no addresses). */
  readonly serverName: string | null;
  readonly alpn: readonly string[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Longest text that is kept of a certificate's name, and how many names. */
const longestName = 256;
const mostNames = 64;

/** Makes the handshake. The socket must not be used by anybody else afterwards. */
export function encrypt(
  socket: Socket,
  options: EncryptOptions,
): Promise<{ readonly socket: TLSSocket; readonly facts: TlsFacts } | { readonly failed: string }> {
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
  socket.removeAllListeners("error");
  socket.removeAllListeners("close");
  return new Promise((resolve) => {
    const secure = connect({
      socket,
      rejectUnauthorized: false,
      // Old services must be recognised too; nothing secret is sent.
      minVersion: "TLSv1",
      ciphers: "DEFAULT:@SECLEVEL=0",
      ALPNProtocols: [...options.alpn],
      ...(options.serverName === null ? {} : { servername: options.serverName }),
    });
    const done = (failed: string | null): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", onAbort);
      secure.removeListener("error", onError);
      secure.removeListener("close", onClose);
      secure.removeListener("end", onClose);
      if (failed === null) {
        resolve({ socket: secure, facts: describeTls(secure) });
        return;
      }
      secure.on("error", () => undefined);
      secure.destroy();
      socket.destroy();
      resolve({ failed });
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      done(error.code ?? "handshake failed");
    };
    const onClose = (): void => {
      done("the connection was closed");
    };
    const onAbort = (): void => {
      done("stopped");
    };
    const timer = setTimeout(
      () => {
        done("no answer");
      },
      Math.max(0, options.deadlineMs),
    );
    secure.once("error", onError);
    secure.once("close", onClose);
    secure.once("end", onClose);
    if (options.signal.aborted) onAbort();
    else options.signal.addEventListener("abort", onAbort);
    secure.once("secureConnect", () => {
      done(null);
    });
  });
}

function describeTls(socket: TLSSocket): TlsFacts {
  const alpn = socket.alpnProtocol;
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher().name,
    alpn: typeof alpn === "string" && alpn !== "" ? alpn : null,
    certificate: readCertificate(socket),
  };
}

/** What the certificate says of itself; `null` when there is none or it cannot be read. */
function readCertificate(socket: TLSSocket): CertificateFacts | null {
  try {
    // Partial: with no certificate at all Node gives an empty object.
    const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(false);
    if (certificate.fingerprint256 === undefined) return null;
    const subject = nameText(certificate.subject);
    const issuer = nameText(certificate.issuer);
    return {
      subject,
      issuer,
      names: (certificate.subjectaltname ?? "")
        .split(", ")
        .filter((name) => name !== "")
        .slice(0, mostNames)
        .map((name) => name.slice(0, longestName)),
      validFrom: dateText(certificate.valid_from),
      validTo: dateText(certificate.valid_to),
      selfSigned: subject === issuer,
      fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    };
  } catch {
    return null;
  }
}

/** A distinguished name as `CN=localhost, O=Test` (RFC 4514 order aside). */
function nameText(name: DetailedPeerCertificate["subject"] | undefined): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(name ?? {})) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value as unknown])
      parts.push(`${key}=${String(one)}`);
  }
  return parts.join(", ").slice(0, longestName);
}

function dateText(text: string | undefined): string {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? "" : new Date(time).toISOString();
}
