import { expect, test } from "vitest";
import type { ListedService } from "../../../src/operations/schemas.ts";
import { chaptersOf } from "./chapters.ts";

const service = (port: number, scope: string): ListedService =>
  ({
    port,
    transport: "tcp",
    title: null,
    names: [],
    urls: [`http://127.0.0.1:${port}/`],
    localUrl: `http://127.0.0.1:${port}/`,
    reach: { scope },
  }) as never;

test("an empty machine has the whole lesson, too", () => {
  const chapters = chaptersOf([]);
  expect(chapters).toHaveLength(7);
  for (const { text } of chapters) for (const line of text) expect(line).not.toMatch(/undefined|NaN/);
});

test("the lesson points at real doors", () => {
  const chapters = chaptersOf([service(3000, "machine"), service(5500, "everywhere")]);
  expect(chapters[1]!.ports).toEqual([3000]);
  expect(chapters[1]!.text[0]).toMatch("floor 11, apartment 184");
  expect(chapters[6]!.ports).toEqual([3000, 5500]);
});
