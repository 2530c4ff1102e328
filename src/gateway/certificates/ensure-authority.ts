/**
 * @module Makes a user's certificate authority when there is none that will do: once, however many ask in the same moment.
 */
import { createHash, generateKeyPair, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { isPortolanError } from "../../core/index.ts";
import { ownHostName } from "../../host/index.ts";
import { replaceFile, updateJsonFile, waitForLock } from "../../store/index.ts";
import {
  authorityFile,
  authorityFolder,
  authorityPath,
  describeAuthority,
  formerPathOf,
  keepCertificate,
  ownStatus,
  readAuthority,
  type Authority,
  type AuthorityContent,
} from "./authority-file.ts";
import { buildAuthority, certificatePem } from "./build-certificate.ts";
import { namesOfNext, readUsableAuthority, type AuthorityWish } from "./usable-authority.ts";

const dayMs = 86_400_000;
/** How long an authority is good for. */
const authorityDays = 3652;
/** So much before now it begins: clocks of containers and other devices differ. */
export const backdatedMs = dayMs;
/** How long another process may take to make it, milliseconds. */
const lockDeadlineMs = 10_000;

/** An authority that will do. */
export interface EnsuredAuthority {
  readonly authority: Authority;
  /** Whether this call made it. */
  readonly made: boolean;
  /** What the user should know: why one was made in place of another. */
  readonly notes: readonly string[];
}

/**
 * The user's authority, made if there is none, if it has ended, is damaged, or does not cover the names.
 * @throws AUTHORITY_UNUSABLE when it is another user's or of a later version, STORE_FAILED
 */
export async function ensureAuthority(wish: AuthorityWish): Promise<EnsuredAuthority> {
  const { stateFolder } = wish;
  const usable = readUsableAuthority(wish);
  if (typeof usable !== "string") {
    const notes = closeToOthers(stateFolder);
    keepCertificate(usable);
    return { authority: usable, made: false, notes };
  }
  const name = createHash("sha256").update(authorityPath(stateFolder)).digest("hex").slice(0, 32);
  const lock = await waitForLock(`authority/${name}`, lockDeadlineMs);
  try {
    // Whoever had the lock may have made it.
    const meanwhile = readUsableAuthority(wish);
    if (typeof meanwhile !== "string") return { authority: meanwhile, made: false, notes: [] };
    return await makeAuthority(wish, meanwhile);
  } finally {
    lock.release();
  }
}

async function makeAuthority(wish: AuthorityWish, why: string): Promise<EnsuredAuthority> {
  const { stateFolder, nowMs } = wish;
  const folder = authorityFolder(stateFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const former = setAside(stateFolder);
  const keys = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const names = namesOfNext(wish, former);
  const certificate = buildAuthority({
    keys,
    commonName: `Portolan local CA, ${ownerName()}@${ownHostName()}`,
    serialNumber: randomBytes(4).toString("hex"),
    names,
    validity: { notBeforeMs: nowMs() - backdatedMs, notAfterMs: nowMs() + authorityDays * dayMs },
  });
  const content: AuthorityContent = {
    certificate: certificatePem(certificate),
    privateKey: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    names,
  };
  if (former !== null) replaceFile(formerPathOf(stateFolder, former.fingerprintSha256), former.certificate);
  await updateJsonFile(authorityFile(stateFolder), () => content);
  const authority = describeAuthority(stateFolder, content);
  keepCertificate(authority);
  const notes = why === "" ? [] : [`${why} A new one was made: portolan gateway trust makes it trusted.`];
  return { authority, made: true, notes };
}

/** The one that there was. A damaged file is kept: whatever is still in it may be of use to its user. */
function setAside(stateFolder: string): Authority | null {
  try {
    return readAuthority(stateFolder);
  } catch (error) {
    if (!isPortolanError(error, "AUTHORITY_UNUSABLE")) throw error;
    const path = authorityPath(stateFolder);
    renameSync(path, `${path}.damaged`);
    return null;
  }
}

function ownerName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list.
    return String(process.geteuid?.() ?? "user");
  }
}

/** Takes away what others were allowed to do, and says that they were. */
function closeToOthers(stateFolder: string): string[] {
  const folder = authorityFolder(stateFolder);
  const path = authorityPath(stateFolder);
  const status = ownStatus(path);
  if (process.platform === "win32" || status === undefined) return [];
  const folderMode = statSync(folder).mode & 0o777;
  const open = (status.mode & 0o077) !== 0;
  if (folderMode !== 0o700) chmodSync(folder, 0o700);
  if (open) chmodSync(path, 0o600);
  if (!open || (folderMode & 0o077) === 0) return [];
  return [
    `The key of the certificate authority could be read by others: ${path} had mode ${(status.mode & 0o777).toString(8)}. ` +
      "It is closed now. If somebody else uses this machine: portolan gateway untrust --delete, then portolan gateway trust.",
  ];
}
