import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import { readPortLimits } from "./limits.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function saveTree(files: Readonly<Record<string, string>>): { root: string } {
  const root = mkdtempSync(join(tmpdir(), "portolan-limits-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root };
}

test("a saved machine's limits are read as the kernel wrote them", () => {
  const tree = saveTree({
    "proc/sys/net/ipv4/ip_unprivileged_port_start": "80\n",
    "proc/sys/net/ipv4/ip_local_port_range": "1024\t65535\n",
    "proc/sys/net/ipv4/ip_local_reserved_ports": "8080,9000-9100\n",
    "proc/sys/net/ipv6/bindv6only": "1\n",
    "proc/sys/net/ipv6/ip_nonlocal_bind": "1\n",
    "proc/net/fib_trie":
      "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.5.0.0\n        /24 host LOCAL\n     |-- 10.6.0.0\n        /24 link UNICAST\n",
  });
  expect(readPortLimits(tree)).toEqual({
    unprivilegedPortStart: known(80),
    ephemeralRange: known({ first: 1024, last: 65535 }),
    reservedPorts: known("8080,9000-9100"),
    // Who looks at a saved machine is nobody on it.
    mayBindPrivileged: unknown("unsupported"),
    v6onlyDefault: known(true),
    localNetworks: known(["127.0.0.0/8", "10.5.0.0/24"]),
    nonlocalBind: { ipv4: unknown("unsupported"), ipv6: known(true) },
  });
});

test("what is not there or makes no sense is unknown", () => {
  const tree = saveTree({
    "proc/sys/net/ipv4/ip_unprivileged_port_start": "many\n",
    "proc/sys/net/ipv4/ip_local_port_range": "1024\n",
    "proc/sys/net/ipv4/ip_local_reserved_ports": "\n",
  });
  const cannot = unknown("unsupported");
  expect(readPortLimits(tree)).toEqual({
    unprivilegedPortStart: cannot,
    ephemeralRange: cannot,
    reservedPorts: known(""),
    mayBindPrivileged: cannot,
    v6onlyDefault: cannot,
    localNetworks: cannot,
    nonlocalBind: { ipv4: cannot, ipv6: cannot },
  });
});

test.skipIf(process.platform !== "linux")("the live machine tells all of them", () => {
  const limits = readPortLimits({ root: "" });
  expect(limits.unprivilegedPortStart.known && limits.ephemeralRange.known && limits.mayBindPrivileged.known).toBe(
    true,
  );
});
