/**
 * @module macOS and the BSDs beside lsof: processes by ps, interfaces by ifconfig and netstat, limits by sysctl.
 */
import { release } from "node:os";
import { isPortolanError, unknown } from "../../core/index.ts";
import { capture, captureText } from "../capture.ts";
import type { NetworkInterface, PortLimits } from "../host.ts";
import { parseDefaultRoutes, parseIfconfig } from "./ifconfig.ts";
import { netstatWords, parseNetstat, type NetstatRow } from "./netstat.ts";
import { argumentWords, describeProcess, parseArguments, parseProcesses, processWords } from "./ps.ts";
import type { LsofSystem } from "./snapshot.ts";
import { limitsOfSysctl, parseSysctl, sysctlNames } from "./sysctl.ts";

/** The system that this program runs on. */
export function createBsdSystem(platform: string): LsofSystem {
  return {
    platform,
    wantsWorkingDirectories: true,
    networkNamespace: unknown("unsupported"),
    seesEveryProcess: process.getuid?.() === 0,
    blindSpots: [],
    readTables: readBsdTables,
    readInterfaces: readBsdInterfaces,
    readLimits: () => readBsdLimits(platform),
    async readProcesses({ workingDirectories }) {
      const [processes, words] = await Promise.all([
        capture({ program: "ps", words: processWords }),
        capture({ program: "ps", words: argumentWords }),
      ]);
      const listed = parseProcesses(processes.output.toString("utf8"));
      const found = parseArguments(words.output.toString("utf8"));
      return (pid) => describeProcess(pid, listed.get(pid), found.get(pid), workingDirectories.get(pid));
    },
  };
}

/** Every socket; `undefined` where netstat does not know the words or prints nothing that is known. */
async function readBsdTables(): Promise<readonly NetstatRow[] | undefined> {
  try {
    const told = await Promise.all(netstatWords.map((words) => capture({ program: "netstat", words })));
    const rows = told.flatMap(({ exitStatus, output }) =>
      exitStatus === 0 ? parseNetstat(output.toString("utf8")) : [],
    );
    return rows.length === 0 ? undefined : rows;
  } catch (error) {
    // lsof alone is still an answer.
    if (isPortolanError(error, "READER_UNAVAILABLE")) return undefined;
    throw error;
  }
}

/** Interfaces; none where ifconfig does not answer. */
export function readBsdInterfaces(): readonly NetworkInterface[] {
  const routes = (family: string): ReadonlySet<string> | undefined => {
    const text = captureText("netstat", ["-rn", "-f", family]);
    return text === undefined ? undefined : parseDefaultRoutes(text);
  };
  return parseIfconfig(captureText("ifconfig", ["-a"]) ?? "", { ipv4: routes("inet"), ipv6: routes("inet6") });
}

/** Limits. */
export function readBsdLimits(platform: string): PortLimits {
  // One by one, because a name that this system lacks would make sysctl fail for all.
  const text = sysctlNames.map((name) => captureText("sysctl", [name]) ?? "").join("\n");
  return limitsOfSysctl(parseSysctl(text), { platform, release: release(), asRoot: process.getuid?.() === 0 });
}
