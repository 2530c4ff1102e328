import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FindingList, buildInodeIndex, findInode, groupFindings } from "./inode-index.ts";

const inode = fc.integer({ min: 1, max: 0xffffffff });

test("every inode is found at its own place, and no other", () => {
  fc.assert(
    fc.property(fc.array(inode, { maxLength: 300 }), inode, (inodes, other) => {
      const index = buildInodeIndex([0, ...inodes, ...inodes], inodes.length);
      const distinct = new Set(inodes);
      expect(index.count).toBe(distinct.size);
      expect(new Set([...distinct].map((each) => findInode(index, each))).size).toBe(distinct.size);
      for (const each of distinct) expect(index.keys[findInode(index, each)]).toBe(each);
      expect(findInode(index, other) >= 0).toBe(distinct.has(other));
      expect(findInode(index, 0)).toBe(-1);
    }),
  );
});

test("findings come out by inode, in order of pid and descriptor", () => {
  const holding = fc.tuple(fc.nat(20), fc.nat(5), fc.nat(5));
  fc.assert(
    fc.property(fc.array(holding, { maxLength: 60 }), fc.nat(60), (holdings, cut) => {
      const index = buildInodeIndex(
        Array.from({ length: 21 }, (_, at) => at + 100),
        21,
      );
      const lists = [new FindingList(), new FindingList()];
      holdings.forEach(([at, pid, descriptor], position) => {
        lists[position < cut ? 0 : 1]!.add(findInode(index, at + 100), pid, descriptor);
      });
      const holdersOf = groupFindings(index, lists);
      for (let at = 0; at <= 20; at++) {
        const own = holdings.filter((each) => each[0] === at);
        const pids = [...new Set(own.map((each) => each[1]))].sort((a, b) => a - b);
        expect(holdersOf(at + 100)).toEqual(
          pids.map((pid) => ({
            pid,
            fileDescriptors: [...new Set(own.filter((each) => each[1] === pid).map((each) => each[2]))].sort(
              (a, b) => a - b,
            ),
          })),
        );
      }
      expect(holdersOf(99)).toEqual([]);
    }),
  );
});
