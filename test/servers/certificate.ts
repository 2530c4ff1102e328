/**
 * @module The certificate that the harbour's servers show: made once per test process, valid for `localhost`.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeServerFile } from "./launch.ts";

let made: Promise<{ certificate: string; key: string }> | undefined;

/** Writes `certificate.pem` and `key.pem` into a server's folder and returns their paths. */
export async function writeCertificate(folder: string): Promise<{ certificate: string; key: string }> {
  made ??= makeCertificate();
  const { certificate, key } = await made;
  return {
    certificate: writeServerFile(folder, "certificate.pem", certificate),
    // PostgreSQL refuses a key that others may read.
    key: writeServerFile(folder, "key.pem", key, 0o600),
  };
}

/** A key and a certificate for `localhost` that it signs itself, as PEM. */
export async function makeCertificate(): Promise<{ certificate: string; key: string }> {
  const folder = await mkdtemp(join(tmpdir(), "portolan-certificate-"));
  try {
    const certificate = join(folder, "certificate.pem");
    const key = join(folder, "key.pem");
    // RSA, because not every old server takes elliptic curves.
    const words =
      "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    await promisify(execFile)("openssl", [...words.split(" "), "-keyout", key, "-out", certificate], {
      timeout: 30_000,
    });
    return { certificate: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
