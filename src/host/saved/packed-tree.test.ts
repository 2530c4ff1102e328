import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unpackTree, type UnpackedTree } from "./packed-tree.ts";

const signal = new AbortController().signal;
const table = "@f /proc/net/tcp\n   sl  local_address\n";

async function unpack(text: string, look: (tree: UnpackedTree) => void = () => undefined): Promise<void> {
  const tree = await unpackTree(Buffer.from(text, "latin1"), signal);
  try {
    look(tree);
  } finally {
    tree.remove();
  }
  expect(existsSync(tree.root)).toBe(false);
}

describe("records of another machine", () => {
  test("become files and links of a tree", async () => {
    const text =
      `${table}\n@f /proc/12/cmdline\n node\u0001-e\u0001x\n y\u0001\n@f /proc/sys/kernel/hostname\n harbour\n` +
      "@s /proc/12/fd/3 socket:[77]\n@d\n lrwxrwxrwx 1 r r 0 Nov 1 1:00 /proc/12/cwd -> /home/a b\n@h\n /proc/13/fd:\n total 0\n" +
      " lrwx------ 1 r r 64 Nov 1 1:00 5 -> socket:[78]\n lrwx------ 1 r r 64 Nov 1 1:00 6 -> /dev/null\n@end\n";
    await unpack(text, ({ root, hostName }) => {
      expect(hostName).toBe("harbour");
      expect(readFileSync(join(root, "proc/12/cmdline"), "latin1")).toBe("node\0-e\0x\ny\0");
      expect(readlinkSync(join(root, "proc/12/fd/3"))).toBe("socket:[77]");
      expect(readlinkSync(join(root, "proc/12/cwd"))).toBe("/home/a b");
      expect(readlinkSync(join(root, "proc/13/fd/5"))).toBe("socket:[78]");
      expect(existsSync(join(root, "proc/13/fd/6"))).toBe(false);
    });
  });

  test("write nothing outside the tree, and nothing of other forms", async () => {
    const paths = [
      "/proc/net/../../x",
      "/etc/shadow",
      "/proc/1/environ",
      "../x",
      "/sys/class/net/../x/flags",
      "/proc/1/fd/../../x",
      "/x",
    ];
    const text = paths
      .map((path) => `@f ${path}\n evil\n@s ${path} /etc/passwd\n@s /proc/1/fd/4 /etc/passwd\n`)
      .join("");
    await unpack(table + text, ({ root }) => {
      expect(existsSync(join(root, "x"))).toBe(false);
      expect(existsSync(join(root, "etc"))).toBe(false);
      expect(lstatSync(join(root, "proc/1"), { throwIfNoEntry: false })?.isDirectory() ?? true).toBe(true);
      expect(existsSync(join(root, "proc/1/fd/4"))).toBe(false);
    });
  });

  test("that contradict each other are passed over", async () => {
    await unpack(`${table}@f /proc/sys/net/a\n 1\n@f /proc/sys/net/a/b\n 1\n@s /proc/1/cwd /a\n@s /proc/1/cwd /b\n`);
  });

  test("without a table of sockets, or more than a machine has, are refused", async () => {
    await expect(unpackTree(Buffer.from("@f /etc/passwd\n x\n"), signal)).rejects.toMatchObject({
      code: "SNAPSHOT_INVALID",
    });
    const flood = Array.from({ length: 600_000 }, () => "@f /x\n x\n").join("");
    await expect(unpackTree(Buffer.from(flood), signal)).rejects.toMatchObject({ code: "SNAPSHOT_INVALID" });
  }, 60_000);

  test("end at an interrupt", async () => {
    const abort = new AbortController();
    const waiting = unpackTree(Buffer.from(`${table}${"\n".repeat(20_000_000)}`), abort.signal);
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("an empty flood costs no memory of its own", async () => {
    await unpack(`${"\n".repeat(30_000_000)}${table}`);
  }, 60_000);
});
