import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { requireOrSkip, whyNoProgram } from "../../../../test/support/netns.ts";
import { guessedDoor, hostileDoor, hostileText, makeScanResult } from "../../../../test/support/scan-result.ts";
import { formats, rowSources } from "../formats.ts";
import { offeredColumns, offeredFormats } from "../offered-formats.ts";
import { writeCsv } from "./csv.ts";
import { ndjsonFormat } from "./ndjson.ts";
import { csvOf, linesOf, tableOf } from "./row-formats.ts";
import { chooseColumns, type RowSource } from "./row-source.ts";
import { scanRows } from "./rows/scan-rows.ts";
import { scanXmlFormat } from "./scan-xml.ts";
import { element, escapeXml } from "./xml.ts";

const folder = mkdtempSync(join(tmpdir(), "portolan-formats-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const context = { version: "1.2.3", words: ["scan", "--xml", `--file=${hostileText}`] };
/** What a terminal could act on, beyond the line ends of the formats themselves. */
const unsafe = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u202e\ud800-\udfff]/;

test("every format that is offered has code, and none has code without being offered", () => {
  for (const [name, offered] of Object.entries(offeredFormats)) {
    const byRows = rowSources[name] === undefined ? [] : ["csv", "ndjson"];
    const coded = new Set([...Object.keys(formats[name] ?? {}), ...byRows]);
    expect([name, offered.map((format) => format.name).sort()]).toEqual([name, [...coded].sort()]);
  }
  for (const name of [...Object.keys(formats), ...Object.keys(rowSources)]) expect(offeredFormats).toHaveProperty(name);
});

test("every column that is offered has code, in the same order, and none has code without being offered", async () => {
  const coded: Record<string, readonly string[]> = {};
  for (const [name, load] of Object.entries(rowSources)) coded[name] = Object.keys((await load()).columns);
  expect(coded).toEqual(Object.fromEntries(Object.keys(coded).map((name) => [name, offeredColumns[name]])));
  expect(Object.keys(offeredColumns).sort()).toEqual(Object.keys(coded).sort());
});

describe("columns", () => {
  const offered = ["port", "localAddress", "pid"];

  test("are found in any case and with hyphens, in the order they were named", () => {
    expect(chooseColumns("pid,PORT, local-address", offered)).toEqual(["pid", "port", "localAddress"]);
  });

  test.each([["prt"], ["port,,x"], [""], [" , "]])("%j is refused with the names that there are", (text) => {
    expect(() => chooseColumns(text, offered)).toThrow(
      expect.objectContaining({
        code: "ARGUMENT_INVALID",
        hint: expect.stringContaining("There are port, localAddress, pid.") as string,
      }) as Error,
    );
  });

  test("a near one is suggested", () => {
    expect(() => chooseColumns("local", offered)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("Did you mean localAddress?") as string }) as Error,
    );
  });

  test("make a table and lines of any rows", () => {
    const source: RowSource<unknown> = {
      rows: () => [{ a: 1 }, { a: null }],
      columns: { a: (row) => (row as { a: number | null }).a, yes: () => true },
    };
    expect(tableOf(source, ["yes", "a"], {})).toHaveLength(1);
    expect(linesOf(source).result({}, context)).toBe('{"a":1}\n{"a":null}\n');
  });
});

describe("CSV", () => {
  test("cells are quoted where RFC 4180 asks for it", () => {
    expect(
      writeCsv(
        ["a", "b"],
        [
          ["x,y", 'say "hi"'],
          [null, 3],
          [" pad", true],
        ],
      ),
    ).toBe('a,b\r\n"x,y","say ""hi"""\r\n,3\r\n" pad",true\r\n');
  });

  test("no text of another side reaches a terminal raw, or runs in a spreadsheet", () => {
    const source = scanRows as unknown as RowSource<unknown>;
    const text = csvOf(source, Object.keys(source.columns)).result(makeScanResult(), context);
    expect(text).not.toMatch(unsafe);
    const lines = text.split("\r\n");
    // Header, two doors and the end: a line feed in a banner makes no line.
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).not.toMatch(/(?:^|,)"?[=+@-]/);
    expect(lines[2]).toBe("127.0.0.1,,tcp,22,open,syn-ack,ssh,assigned,,,,,,,0.25");
  });
});

test("NDJSON is one line a value, safe to print, and reads back the same", () => {
  const text = ndjsonFormat.event?.({ kind: "door", ...hostileDoor }) ?? "";
  expect(text.indexOf("\n")).toBe(text.length - 1);
  expect(text).not.toMatch(unsafe);
  expect(JSON.parse(text)).toEqual({ kind: "door", ...hostileDoor });
});

describe("XML", () => {
  test("text from outside cannot end an attribute, and has no character that XML forbids", () => {
    const text = element("a", { b: hostileText, c: undefined, d: 1 });
    expect(text).toMatch(/^<a b="[^"<]*" d="1"\/>\n$/);
    expect(escapeXml("<&\"'>")).toBe("&lt;&amp;&quot;&apos;&gt;");
    expect(escapeXml(hostileText)).not.toMatch(/[\u0000-\u001f\ud800-\udfff\ufffe\uffff]/);
  });

  test("what was proved is told apart from what the number suggests", () => {
    const text = scanXmlFormat.result(makeScanResult([{ ...hostileDoor, host: "nas" }, guessedDoor]), context);
    expect(text).toMatch(/<service name="http" [^>]*extrainfo="Vite" [^>]*tunnel="ssl" method="probed" conf="10"\/>/);
    expect(text).toContain('<service name="ssh" method="table" conf="3"/>');
    expect(text).toContain('<hostname name="nas" type="user"/>');
    expect(text).toContain('<extraports state="closed" count="1">');
    expect(text).toContain('<extrareasons reason="skipped" count="8" proto="tcp" ports="9100-9107"/>');
    expect(text).toContain('<hosts up="1" down="1" total="2"/>');
    expect(text).toContain('numservices="11" services="22,80,8443,9100-9107"');
  });

  test("ports that are told one by one are not counted again", () => {
    const answered = {
      ...guessedDoor,
      transport: "udp",
      port: 53,
      state: "open|filtered",
      reason: "no-answer",
    } as const;
    const result = makeScanResult([answered]);
    const text = scanXmlFormat.result(result, context);
    expect(text).toContain('<port protocol="udp" portid="53">');
    expect(text).not.toContain('<extraports state="open|filtered"');
  });

  test("a scan that was stopped says so", () => {
    const text = scanXmlFormat.result({ ...makeScanResult([]), complete: false }, context);
    expect(text).toContain('exit="error" errormsg="interrupted');
  });

  const dtd = "/usr/share/nmap/nmap.dtd";
  const noDtd = existsSync(dtd) ? null : `${dtd} is missing (Debian package nmap-common)`;
  const noValidator = whyNoProgram("xmllint", "libxml2-utils");

  test.skipIf(requireOrSkip("the DTD of nmap's XML", noDtd, noValidator)).each([
    ["hostile", makeScanResult()],
    ["stopped and empty", { ...makeScanResult([]), complete: false, hosts: [], ports: { tcp: "", udp: "" } }],
  ])("a result is valid by the DTD: %s", (_name, result) => {
    const path = join(folder, "result.xml");
    writeFileSync(path, scanXmlFormat.result(result, context));
    execFileSync("xmllint", ["--noout", "--dtdvalid", dtd, path], { stdio: "pipe" });
  });

  const noLibrary = whyNoPythonModule("libnmap", "python3-libnmap");
  test.skipIf(requireOrSkip("a reader of nmap's XML", noLibrary))("a program that people have reads it", () => {
    const path = join(folder, "read.xml");
    writeFileSync(path, scanXmlFormat.result(makeScanResult([{ ...hostileDoor, host: "nas" }, guessedDoor]), context));
    const script =
      "import sys,json\nfrom libnmap.parser import NmapParser\n" +
      "r=NmapParser.parse_fromfile(sys.argv[1])\n" +
      "print(json.dumps([[h.address,h.status,[[s.port,s.state,s.service,s.tunnel] for s in h.services]] for h in r.hosts]))";
    const read: unknown = JSON.parse(execFileSync("/usr/bin/python3", ["-c", script, path], { encoding: "utf8" }));
    expect(read).toEqual([
      [
        "127.0.0.1",
        "up",
        [
          [8443, "open", "http", "ssl"],
          [22, "open", "ssh", ""],
        ],
      ],
      ["2001:db8::9", "unknown", []],
    ]);
  });
});

function whyNoPythonModule(module: string, debianPackage: string): string | null {
  try {
    execFileSync("/usr/bin/python3", ["-c", `import ${module}`], { stdio: "ignore" });
    return null;
  } catch {
    return `Python's ${module} is missing (Debian package ${debianPackage})`;
  }
}
