/**
 * @module Who is said to get in at a place.
 */
import { expect, test } from "vitest";
import { toPort } from "../core/index.ts";
import type { Host, NetworkInterface } from "../host/host.ts";
import { noteForPlace } from "./relay-schemas.ts";

const hostWith = (...addresses: string[]): { readonly host: Host } => ({
  host: {
    readInterfaces: () => [{ addresses: addresses.map((address) => ({ address })) } as unknown as NetworkInterface],
  } as unknown as Host,
});
const own = hostWith("127.0.0.1", "::1", "192.168.1.5", "fe80::1", "fd00::5");
const note = (address: string, host = own): string | null =>
  noteForPlace({ transport: "tcp", address, port: toPort(8080) }, host);

test.each(["127.0.0.1", "127.9.8.7", "::1"])("nobody else at %s", (address) => {
  expect(note(address)).toBeNull();
});

test("every address that other devices use is told, by family", () => {
  expect(note("::")).toBe(
    "[::]:8080 lets other devices in, at 192.168.1.5:8080, [fd00::5]:8080: every device in the same network, unless a firewall stops them. Nobody is asked who they are.",
  );
  expect(note("0.0.0.0")).toContain("at 192.168.1.5:8080: every device");
  expect(note("192.168.1.5")).toContain("at 192.168.1.5:8080: every device");
  expect(note("0.0.0.0", hostWith("127.0.0.1"))).toContain("as soon as this machine has an address");
});

test("the internet is told", () => {
  expect(note("::", hostWith("203.0.114.7"))).toContain("the internet included");
});
