/**
 * @module A mount namespace in which the system's trusted certificates and its users are its own: what is changed there changes nothing outside.
 */
import { spawn, execFileSync, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The system's list of certificates is cut to this many: each look at all of them takes the system's program some seconds. */
const mostCertificates = 3;

/** Such a namespace. */
export interface PrivateMounts {
  /** Starts a program inside, as root. */
  spawnIn(program: string, words: readonly string[], options?: SpawnOptions): ChildProcess;
  end(): Promise<void>;
}

/**
 * Makes one.
 * @param users lines of passwd(5) that there are inside beside those of the system
 */
export async function openPrivateMounts(users: readonly string[]): Promise<PrivateMounts> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-mounts-"));
  const own = (name: string): string => join(folder, name);
  const authorities = readFileSync("/etc/ca-certificates.conf", "utf8").match(/^[^#!\n].*$/gm) ?? [];
  writeFileSync(own("conf"), `${authorities.slice(0, mostCertificates).join("\n")}\n`);
  writeFileSync(own("passwd"), `${readFileSync("/etc/passwd", "utf8").trimEnd()}\n${users.join("\n")}\n`);
  mkdirSync(own("certs"));
  mkdirSync(own("local"));
  mkdirSync(own("hooks"));
  const steps = [
    [own("certs"), "/etc/ssl/certs"],
    [own("local"), "/usr/local/share/ca-certificates"],
    [own("conf"), "/etc/ca-certificates.conf"],
    // Nothing in there: what other packages hang on to a change of certificates, Java's with dpkg among it, would reach outside.
    [own("hooks"), "/etc/ca-certificates/update.d"],
    [own("passwd"), "/etc/passwd"],
  ].map(([copy, path]) => `mount --bind ${copy} ${path}`);
  // It ends when its input does, and with this process.
  const script = `${steps.join(" && ")} && update-ca-certificates >/dev/null && echo ready && exec cat`;
  const keeper = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [said] = (await once(keeper.stdout, "data")) as [Buffer];
  if (String(said).trim() !== "ready") throw new Error("The mount namespace could not be made.");
  return {
    spawnIn: (program, words, options = {}) =>
      spawn("nsenter", ["--target", String(keeper.pid), "--mount", "--", program, ...words], options),
    async end() {
      const ended = once(keeper, "exit");
      keeper.stdin.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Why it cannot be made here, or `null`. */
export function whyNoPrivateMounts(): string | null {
  if (process.platform !== "linux") return "mount namespaces are Linux's";
  if (process.getuid?.() !== 0) return "making mount namespaces takes root";
  try {
    execFileSync("unshare", ["--mount", "--propagation", "private", "true"], { stdio: ["ignore", "ignore", "pipe"] });
    return null;
  } catch (error) {
    return `mounting is refused here: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`;
  }
}
