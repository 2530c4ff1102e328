import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { factTitles, readerCapabilities, readerFacts, readerNames } from "./capabilities.ts";

test("every reader says of every fact whether it tells it, and when it does so only sometimes", () => {
  expect(Object.keys(readerCapabilities)).toEqual([...readerNames]);
  for (const reader of readerNames) {
    expect(Object.keys(readerCapabilities[reader]).toSorted()).toEqual([...readerFacts].toSorted());
    for (const [fact, { tells, note }] of Object.entries(readerCapabilities[reader])) {
      if (tells === "sometimes") expect(note, `${reader} ${fact}`).toMatch(/\.$/);
      if (tells === "yes") expect(note, `${reader} ${fact}`).toBeNull();
    }
  }
  expect(new Set(Object.values(factTitles)).size).toBe(readerFacts.length);
});

test("docs/readers.md has the same table", () => {
  const page = readFileSync(new URL("../../docs/readers.md", import.meta.url), "utf8").split("\n");
  const rows = page.map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  for (const fact of readerFacts) {
    const cells = readerNames.map((reader) => {
      const { tells, note } = readerCapabilities[reader][fact];
      return note === null ? tells : `${tells}. ${note}`;
    });
    expect(rows).toContainEqual([factTitles[fact], ...cells]);
  }
});
