/**
 * @module Which files pass for IANA's registry, and what is made of them.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { assignmentRecord, makeRegistryFile, recordOf } from "../../test/support/registry-file.ts";
import { isPortolanError, transports } from "../core/index.ts";
import {
  allAssignments,
  findService,
  listKnownPorts,
  overlay,
  packAssignments,
  primaryNameOf,
  readOfficialFile,
  resolveServiceName,
  suggestServices,
  useAssignments,
} from "./index.ts";

const sound = makeRegistryFile();

afterEach(() => useAssignments());

function install(text: string): void {
  const { names, descriptions, sources } = packAssignments(readOfficialFile(text).rows, overlay, { keepOthers: true });
  useAssignments(() => ({ names: () => names, described: { descriptions: () => descriptions, sources } }));
}

function problemOf(text: string): string {
  try {
    readOfficialFile(text);
    return "none";
  } catch (error) {
    if (!isPortolanError(error, "REGISTRY_INVALID")) throw error;
    return String(error.details["problem"]);
  }
}

/** The sound file with a record of our own before its last ones. */
function withRecord(...fields: string[]): string {
  const filled = [...fields, ...Array.from({ length: 12 - fields.length }, () => "")];
  return makeRegistryFile({ extra: [recordOf(filled)] });
}

test("our own table comes back from a file made of it, name by name", () => {
  const before = [...allAssignments()].map(({ port, transport, name }) => `${port}/${transport} ${name}`);
  const primaries = primariesOfAll();
  const known = listKnownPorts().toArray();
  install(sound);
  const after = [...allAssignments()].map(({ port, transport, name }) => `${port}/${transport} ${name}`);
  expect(after.toSorted()).toEqual(before.toSorted());
  expect(primariesOfAll()).toEqual(primaries);
  expect(listKnownPorts().toArray()).toEqual(known);
});

function primariesOfAll(): string[] {
  const found: string[] = [];
  for (let port = 0; port <= 65_535; port++) {
    for (const transport of transports) found.push(`${port}/${transport} ${String(primaryNameOf(port, transport))}`);
  }
  return found;
}

test("new names are found by port, by name, by search; old ones are gone; the overlay still decides", () => {
  install(
    makeRegistryFile({
      extra: [
        assignmentRecord("brand-new", "48700-48702", "tcp", "Brand\r\nnew"),
        assignmentRecord("old_style", "48710", "udp"),
        assignmentRecord("other-mail", "465", "tcp"),
        assignmentRecord("unheard", "48720", ""),
      ],
      without: new Set(["49150 inspider"]),
    }),
  );
  expect(primaryNameOf(48_701, "tcp")).toBe("brand-new");
  expect(resolveServiceName("Brand-New")).toEqual([48_700, 48_701, 48_702]);
  expect(findService("brand-new")?.description).toBe("Brand new");
  expect(suggestServices("brand-nwe")).toContain("brand-new");
  expect(listKnownPorts().has(48_702)).toBe(true);
  expect(primaryNameOf(48_710, "udp")).toBe("old-style");
  expect(resolveServiceName("old_style")).toEqual([48_710]);
  expect(primaryNameOf(49_150, "tcp")).toBeUndefined();
  expect(primaryNameOf(48_720, "tcp")).toBeUndefined();
  expect(primaryNameOf(465, "tcp")).toBe("submissions");
  expect(resolveServiceName("other-mail")).toEqual([465]);
  expect(resolveServiceName("postgres")).toEqual([5432]);
  useAssignments();
  expect(resolveServiceName("brand-new")).toBeUndefined();
  expect(primaryNameOf(49_150, "tcp")).toBe("inspider");
});

test("a table that is not there after all leaves the one of the build", () => {
  useAssignments(() => undefined);
  expect(primaryNameOf(22, "tcp")).toBe("ssh");
});

test("a byte order mark and plain line feeds are no reason to refuse", () => {
  expect(problemOf(`\ufeff${sound}`)).toBe("none");
  expect(problemOf(makeRegistryFile({ lineEnd: "\n" }))).toBe("none");
});

test.each([
  ["nothing", "", "it is empty"],
  ["a header alone", sound.slice(0, sound.indexOf("\n") + 1), "it has 0 records"],
  ["an error page", "<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n", "a web page"],
  ["an error page after lines", "\r\n\r\n<html></html>\n", "a web page"],
  ["JSON", '{"error":"rate limit"}\n', "line 1: a quote stands inside"],
  ["another header", sound.replace("Port Number", "Port"), "its header is not"],
  ["a header with one more", sound.replace("Assignment Notes", "Assignment Notes,More"), "its header is not"],
  ["a NUL", sound.replace("SSH", "S\0H"), "U+0000"],
  ["an escape sequence", withRecord("evil", "48700", "tcp", "\u001b]0;owned\u0007"), "U+001B"],
  ["an escape sequence of one byte", withRecord("evil", "48700", "tcp", "\u009b31m"), "U+009B"],
  ["text that runs backwards", withRecord("evil", "48700", "tcp", "abc\u202edef"), "U+202E"],
  ["a hidden character in the notes", withRecord("a", "48700", "tcp", "b", "c\u200bd"), "U+200B"],
  ["bytes that are no UTF-8", withRecord("a", "48700", "tcp", "\ufffd"), "U+FFFD"],
  ["half of a pair", withRecord("a", "48700", "tcp", "\ud800"), "U+D800"],
  ["a tabulator", withRecord("a", "48700", "tcp", "b\tc"), "U+0009"],
  ["a formula for a name", withRecord("=HYPERLINK(1)", "48700", "tcp", "x"), "is no service name"],
  ["a formula for a description", withRecord("evil", "48700", "tcp", "=cmd|' /C calc'!A0"), "is a formula"],
  ["an at sign", withRecord("evil", "48700", "tcp", "@SUM(1)"), "is a formula"],
  ["a minus", withRecord("evil", "48700", "tcp", "-1+1"), "is a formula"],
  ["a name like a path", withRecord("../../etc/passwd", "48700", "tcp", "x"), "is no service name"],
  ["a name that is too long", withRecord("a".repeat(65), "48700", "tcp", "x"), "is no service name"],
  ["a name with a line end", withRecord("a\nb", "48700", "tcp", "x"), "is no service name"],
  ["a name beyond ASCII", withRecord("sshé", "48700", "tcp", "x"), "is no service name"],
  ["a port too high", withRecord("a", "65536", "tcp", "x"), "is no range of ports"],
  ["a port in words", withRecord("a", "ninety", "tcp", "x"), "is no range of ports"],
  ["a port with a sign", withRecord("a", "-5", "tcp", "x"), "is no range of ports"],
  ["a range that runs backwards", withRecord("a", "48702-48700", "tcp", "x"), "is no range of ports"],
  ["a range without end", withRecord("a", "48702-", "tcp", "x"), "is no range of ports"],
  ["ports in hexadecimal", withRecord("a", "0x50", "tcp", "x"), "is no range of ports"],
  ["a transport that is none", withRecord("a", "48700", "TCP; rm", "x"), "is no transport protocol"],
  ["a field of a megabyte", withRecord("a", "48700", "tcp", "x".repeat(1024 * 1024)), "a field has more than"],
  ["a record that is too short", makeRegistryFile({ extra: ["a,48700,tcp"] }), "3 fields in place of 12"],
  [
    "a record that is too long",
    makeRegistryFile({ extra: [`a,48700,tcp${",".repeat(10)}`] }),
    "13 fields in place of 12",
  ],
  ["an empty line", makeRegistryFile({ extra: [""] }), "1 fields in place of 12"],
  ["a quote that does not end", makeRegistryFile({ extra: ['"a,48700,tcp'] }), "a field does not end where it should"],
  [
    "ranges that name everything",
    makeRegistryFile({
      extra: Array.from({ length: 5 }, (_, index) => assignmentRecord(`a${index}`, "0-65535", "tcp")),
    }),
    "more than 200000 named ports",
  ],
  [
    "records without end",
    makeRegistryFile({ extra: Array.from({ length: 200_001 }, () => ",,,,,,,,,,,") }),
    "more than 200000 records",
  ],
  ["another ssh", sound.replace("\nssh,22,tcp,", "\nsshd,22,tcp,"), "22/tcp is ssh"],
  ["no https", sound.replace("\nhttps,443,tcp,", "\nevil,443,tcp,"), "443/tcp is https"],
  [
    "odd names in masses",
    makeRegistryFile({
      extra: Array.from({ length: 900 }, (_, index) => assignmentRecord(`a_${index}`, "48700", "tcp")),
    }),
    "not as RFC 6335",
  ],
  ["the first half", sound.slice(0, sound.indexOf("\r\n", sound.length / 2) + 2), "records, and the registry has more"],
])("%s is refused", (_, text, problem) => {
  expect(problemOf(text)).toContain(problem);
});

test("a file that was cut anywhere is refused, unless only services without a port are lost", () => {
  const lines = sound.split("\r\n");
  const bytes = Buffer.from(sound);
  const decode = (length: number): string => bytes.subarray(0, length).toString("utf8");
  const tail = Buffer.byteLength(lines.slice(-4).join("\r\n"));
  let refused = 0;
  // Every place in the last records, where a cut is the hardest to tell; and some thousand places before.
  for (let length = bytes.length - tail - 200; length < bytes.length; length++) {
    const text = decode(length);
    if (text.endsWith('more"\r\n') || text.endsWith('more"\n')) continue;
    expect(problemOf(text), `${length} of ${bytes.length}`).not.toBe("none");
    refused += 1;
  }
  for (let length = 0; length < bytes.length - tail; length += 9973) {
    expect(problemOf(decode(length)), `${length} of ${bytes.length}`).not.toBe("none");
    refused += 1;
  }
  expect(refused).toBeGreaterThan(300);
});

const path =
  process.env["PORTOLAN_IANA_CSV"] ??
  fileURLToPath(new URL("../../../shared/data/iana-service-names-port-numbers.csv", import.meta.url));

function readOfficialText(): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    process.stdout.write("skipped: no official file; name one in PORTOLAN_IANA_CSV\n");
    return undefined;
  }
}

const officialText = readOfficialText();

test.skipIf(officialText === undefined)("the official file passes and says what the table of the build says", () => {
  const before = new Set([...allAssignments()].map(({ port, transport, name }) => `${port}/${transport} ${name}`));
  const primaries = primariesOfAll();
  install(officialText ?? "");
  const after = new Set([...allAssignments()].map(({ port, transport, name }) => `${port}/${transport} ${name}`));
  const changed =
    [...after].filter((one) => !before.has(one)).length + [...before].filter((one) => !after.has(one)).length;
  const others = primariesOfAll().filter((primary, index) => primary !== primaries[index]);
  process.stdout.write(
    `official registry: ${after.size} names, ${changed} other ones; ${others.length} other primaries\n`,
  );
  expect(changed).toBeLessThan(after.size * 0.01);
  // Below 1,024 the overlay and the file agree to the letter.
  expect(others.filter((primary) => Number.parseInt(primary, 10) < 1024)).toEqual([]);
  expect([...allAssignments()].filter(({ description }) => /well-formed|alias to/.test(description))).toEqual([]);
});
