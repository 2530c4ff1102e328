/**
 * @module What can be said of a wish without looking at any machine: for continuous integration, where this machine is not the one that counts.
 */
import { browserBlockedPorts } from "../registry/index.ts";
import type { PortWish } from "../wishes/index.ts";
import type { BareFinding } from "./check-machine.ts";

/** Linux's own default (ip-sysctl.rst, ip_local_port_range). */
const usualEphemeral = { first: 32_768, last: 60_999 } as const;
/** First port that needs no privilege, on most machines (ip-sysctl.rst, ip_unprivileged_port_start). */
const usualStart = 1024;

/** What to beware of anywhere. */
export function judgeAlone(wish: PortWish): BareFinding[] {
  const { port, count, transport } = wish;
  const last = port + count - 1;
  const common = { severity: "warning", transport, holder: null } as const;
  const findings: BareFinding[] = [];
  if (wish.binder === "cluster") return findings;
  if (wish.binder === "user" && port < usualStart) {
    const message = `Ports below ${usualStart} need a privilege on most machines.`;
    findings.push({ ...common, kind: "privilege", port, message });
  }
  if (last >= usualEphemeral.first && port <= usualEphemeral.last) {
    const message = `Linux hands out ports ${usualEphemeral.first} to ${usualEphemeral.last} to any program's own connections, so it may be taken at any moment.`;
    findings.push({ ...common, kind: "ephemeral", port, message });
  }
  const blocked =
    wish.browser && transport === "tcp" ? browserBlockedPorts.find((one) => one >= port && one <= last) : undefined;
  if (blocked !== undefined) {
    const message = `Browsers refuse to open port ${blocked} (Fetch Standard, "bad port"), whatever answers there.`;
    findings.push({ ...common, kind: "browser-blocked", port: blocked, message });
  }
  return findings;
}
