import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { known } from "../../core/index.ts";
import * as libc from "./libc.ts";
import { startWalkWorker } from "./native-worker.ts";
import { takeSnapshot } from "./snapshot.ts";
import { tellsBoundSockets } from "./socket-tables.ts";

vi.mock(import("./libc.ts"), async (original) => ({ ...(await original()), loadNativeAccess: vi.fn() }));

const loadNativeAccess = vi.mocked(libc.loadNativeAccess);
const { loadNativeAccess: loadReally } = await vi.importActual<typeof libc>("./libc.ts");
const live = { root: "" };
const server = createServer();
let port = 0;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

/** The C library, with some functions replaced: by a number to return, or `undefined` for one that does not exist. */
function accessWith(replaced: Readonly<Record<string, number | undefined>>, errno = 0): libc.NativeAccess | null {
  const real = loadReally();
  if (real === null) return null;
  return {
    ...real,
    koffi: {
      load: (path) => real.koffi.load(path),
      address: (bytes) => real.koffi.address(bytes),
      errno: () => errno || real.koffi.errno(),
    },
    library: {
      func<F>(declaration: string): F {
        const name = /(\w+)\(/.exec(declaration)![1]!;
        if (!(name in replaced)) return real.library.func<F>(declaration);
        const value = replaced[name];
        if (value === undefined) throw new Error(`Cannot find function '${name}'`);
        return (() => value) as F;
      },
    },
  };
}

async function look(access: libc.NativeAccess | null, reader: "auto" | "netlink" = "auto") {
  loadNativeAccess.mockReturnValue(access);
  const snapshot = await takeSnapshot(live, reader, { ports: [port] });
  return { snapshot, holders: snapshot.sockets.map((socket) => snapshot.holdersOf(socket)) };
}

const ourselves = [known([expect.objectContaining({ pid: process.pid })])];

describe.skipIf(process.platform !== "linux")("what does not work is replaced by what does", () => {
  test("koffi is absent", async () => {
    const { snapshot, holders } = await look(null);
    expect(snapshot.reader).toBe("proc");
    expect(snapshot.blindSpots).toEqual([]);
    expect(holders).toEqual(ourselves);
    await expect(look(null, "netlink")).rejects.toMatchObject({ code: "READER_UNAVAILABLE" });
  });

  test.skipIf(loadReally() === null)("a C library without getdents64 and statx", async () => {
    const { snapshot, holders } = await look(accessWith({ getdents64: undefined, statx: undefined }));
    expect(snapshot.reader).toBe("netlink");
    expect(holders).toEqual(ourselves);
  });

  // Last: the calls that netlink.ts has declared are remembered.
  test.skipIf(loadReally() === null)("a kernel that forbids netlink", async () => {
    vi.resetModules();
    const { takeSnapshot: takeAnew } = await import("./snapshot.ts");
    const { loadNativeAccess: mocked } = await import("./libc.ts");
    vi.mocked(mocked).mockReturnValue(accessWith({ socket: -1 }, 1));
    const snapshot = await takeAnew(live, "auto", { ports: [port] });
    expect(snapshot.reader).toBe("proc");
    expect(snapshot.blindSpots).toEqual([
      expect.objectContaining({ what: "sockets", message: expect.stringContaining("socket gave EPERM") }),
    ]);
    expect(snapshot.holdersOf(snapshot.sockets[0]!)).toEqual(ourselves[0]);
    await expect(takeAnew(live, "netlink", {})).rejects.toMatchObject({ code: "READER_UNAVAILABLE" });
  });

  test("a thread that cannot load koffi gives no result, and nothing fails", async () => {
    const plan = {
      keys: new Uint32Array(new SharedArrayBuffer(64)),
      items: new Int32Array(new SharedArrayBuffer(16)),
      claims: new Int32Array(new SharedArrayBuffer(12)),
      directoryCall: { declaration: "", prefix: [] },
    };
    const worker = startWalkWorker("/nonexistent/koffi.node", plan, 2);
    expect(await worker.result).toBeUndefined();
    expect([...plan.claims]).toEqual([0, 0, 0]);
  });
});

test.each([
  ["6.8.0", true],
  ["6.18.44-custom", true],
  ["7.0", true],
  ["6.7.12", false],
  ["5.15.0-91-generic", false],
  ["", false],
])("kernel %s tells bound sockets: %s", (release, tells) => {
  expect(tellsBoundSockets(release)).toBe(tells);
});
