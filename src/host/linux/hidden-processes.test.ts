import { expect, test } from "vitest";
import { isHidingMounted } from "./hidden-processes.ts";

const mount = (options: string, at = "/proc"): string =>
  `63 45 0:39 / ${at} rw,relatime - proc proc rw${options}\n64 63 0:40 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw\n`;

test.each([
  ["", false],
  [",hidepid=invisible", true],
  [",hidepid=ptraceable", true],
  [",gid=5,hidepid=2", true],
  [",hidepid=2,gid=5", true],
  [",hidepid=4", true],
  // These show that the processes are there.
  [",hidepid=1", false],
  [",hidepid=noaccess", false],
  [",hidepid=off", false],
])("mounted with %j", (options, hides) => {
  expect(isHidingMounted(mount(options))).toBe(hides);
});

test("the mount on top counts, and only at /proc", () => {
  expect(isHidingMounted(mount(",hidepid=2") + mount(""))).toBe(false);
  expect(isHidingMounted(mount("") + mount(",hidepid=2"))).toBe(true);
  expect(isHidingMounted(mount("") + mount(",hidepid=2", "/chroot/proc"))).toBe(false);
  expect(isHidingMounted("")).toBe(false);
});
