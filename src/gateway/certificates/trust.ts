/**
 * @module Making an authority trusted, and taking that back: the stores that there are, and what is done to them.
 */
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findProgram, runProgram } from "../../act/index.ts";
import { knownOr } from "../../core/index.ts";
import { replaceFile } from "../../store/index.ts";
import {
  authorityFolder,
  authorityPath,
  certificatePathOf,
  commonNameOf,
  formerPathOf,
  type Authority,
} from "./authority-file.ts";
import { browserStores } from "./browser-stores.ts";
import { keychainStore, windowsStore } from "./other-stores.ts";
import { systemStores } from "./system-stores.ts";
import { asOwner, type TrustOwner } from "./trust-owner.ts";
import {
  bodyOf,
  type TrustAction,
  type TrustStore,
  type TrustSurroundings,
  type TrustedCertificate,
} from "./trust-store.ts";

/** How long a program may take: systems ask their user in a window. Milliseconds. */
const programTimeoutMs = 120_000;
/** Folders of the system's programs that are not in every user's PATH. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The stores of a user and of the system. */
export function listTrustStores(owner: TrustOwner, signal: AbortSignal): TrustStore[] {
  const surroundings = surroundingsOf(owner, signal);
  if (surroundings.platform === "darwin") return [keychainStore(surroundings)];
  if (surroundings.platform === "win32") return [windowsStore(surroundings)];
  return [...systemStores(surroundings), ...browserStores(surroundings)];
}

function surroundingsOf(owner: TrustOwner, signal: AbortSignal): TrustSurroundings {
  const environment = withSystemFolders(owner);
  return {
    platform: process.platform,
    root: "/",
    home: owner.home,
    isRoot: owner.isRoot,
    environment,
    find: (program) => findProgram(program, environment),
    ask: async (program, words) => {
      const outcome = await runAs(owner, program, words, signal, false);
      return outcome.ended === "well" ? outcome.output : null;
    },
  };
}

function withSystemFolders({ environment }: TrustOwner): TrustOwner["environment"] {
  if (process.platform === "win32") return environment;
  return { ...environment, PATH: [environment["PATH"] ?? "", ...systemFolders].join(delimiter) };
}

function runAs(
  owner: TrustOwner,
  program: string,
  words: readonly string[],
  signal: AbortSignal,
  asRoot: boolean,
): ReturnType<typeof runProgram> {
  const user = asRoot || owner.behind === null ? {} : { user: owner.behind };
  return runProgram(program, words, {
    deadlineMs: programTimeoutMs,
    signal,
    environment: withSystemFolders(owner),
    ...user,
  });
}

/** An authority as stores know it. */
export function trustedCertificateOf({ certificate, certificatePath }: Authority): TrustedCertificate {
  return describeCertificate(certificate, certificatePath);
}

function describeCertificate(pem: string, path: string): TrustedCertificate {
  const certificate = new X509Certificate(pem);
  return {
    path,
    pem,
    fingerprintSha256: certificate.fingerprint256,
    sha1: certificate.fingerprint.replaceAll(":", ""),
    subject: commonNameOf(certificate),
  };
}

/** Certificates of a user's earlier authorities, which may be trusted still. */
export function listFormerCertificates(stateFolder: string): TrustedCertificate[] {
  const folder = authorityFolder(stateFolder);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^former-[0-9a-f]+\.pem$/.test(name))
    .flatMap((name) => {
      const path = join(folder, name);
      try {
        return [describeCertificate(readFileSync(path, "utf8"), path)];
      } catch {
        // What is no certificate is trusted nowhere.
        return [];
      }
    });
}

/**
 * Does to a store what was said, and looks whether it has come true.
 * @returns what went wrong, or `null`
 */
export async function changeTrust(
  owner: TrustOwner,
  store: TrustStore,
  certificate: TrustedCertificate,
  wanted: "trusted" | "absent",
  signal: AbortSignal,
): Promise<string | null> {
  const actions = wanted === "trusted" ? store.adding(certificate) : store.removing(certificate);
  for (const action of actions) {
    const problem = await applyAction(owner, store, action, certificate, signal);
    if (problem !== null) return problem;
  }
  const state = await store.look(certificate);
  if (knownOr(state, wanted) === wanted) return null;
  return wanted === "trusted" ? "It is not trusted there all the same." : "It is there all the same.";
}

async function applyAction(
  owner: TrustOwner,
  store: TrustStore,
  action: TrustAction,
  certificate: TrustedCertificate,
  signal: AbortSignal,
): Promise<string | null> {
  if (action.do === "run") {
    const outcome = await runAs(owner, action.program, action.words, signal, store.needsRoot);
    if (outcome.ended === "well") return null;
    return outcome.ended === "missing" ? `There is no program ${action.program}.` : explain(outcome.message);
  }
  try {
    if (store.needsRoot) changeFile(action, certificate);
    else await asOwner(owner, () => changeFile(action, certificate));
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** NSS's certutil asks at the terminal itself for a password; without one it says this. */
function explain(message: string): string {
  return message.startsWith("Error opening input terminal")
    ? "It has a password (Firefox: the primary password), and there is no terminal to ask for it at."
    : message;
}

function changeFile(action: Exclude<TrustAction, { do: "run" }>, { pem }: TrustedCertificate): void {
  if (action.do === "make-folder") {
    mkdirSync(action.path, { recursive: true, mode: 0o700 });
    return;
  }
  if (action.do === "remove") {
    // Under that name is what was put there, or nothing that is ours to remove.
    if (isSame(action.path, pem)) rmSync(action.path);
    return;
  }
  // Written from what was read as a certificate, never copied from a path that may lead elsewhere by now.
  const temporary = `${action.path}.${process.pid}.new`;
  writeFileSync(temporary, pem, { flag: "wx", mode: 0o644 });
  chmodSync(temporary, 0o644);
  renameSync(temporary, action.path);
}

function isSame(path: string, pem: string): boolean {
  try {
    return bodyOf(readFileSync(path, "utf8")) === bodyOf(pem);
  } catch {
    return false;
  }
}

/**
 * Removes the key of a user's authority, and certificates that are trusted nowhere any more.
 * @param stillTrusted certificates that are kept, so that they can be found and taken out later
 */
export function deleteAuthority(stateFolder: string, stillTrusted: readonly TrustedCertificate[]): void {
  const folder = authorityFolder(stateFolder);
  rmSync(authorityPath(stateFolder), { force: true });
  rmSync(`${authorityPath(stateFolder)}.damaged`, { force: true });
  for (const certificate of stillTrusted)
    replaceFile(formerPathOf(stateFolder, certificate.fingerprintSha256), certificate.pem);
  rmSync(certificatePathOf(stateFolder), { force: true });
  forgetFormer(stateFolder, stillTrusted);
  if (stillTrusted.length === 0) rmSync(folder, { recursive: true, force: true });
}

/** Forgets earlier authorities, but for those that are trusted somewhere still. */
export function forgetFormer(stateFolder: string, stillTrusted: readonly TrustedCertificate[]): void {
  const kept = new Set(stillTrusted.map(({ fingerprintSha256 }) => fingerprintSha256));
  for (const { path, fingerprintSha256 } of listFormerCertificates(stateFolder))
    if (!kept.has(fingerprintSha256)) rmSync(path, { force: true });
}
