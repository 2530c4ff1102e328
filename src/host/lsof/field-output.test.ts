import { expect, test } from "vitest";
import { parseFieldOutput } from "./field-output.ts";

/** Fields as they stand in the manual, with `|` for NUL. */
const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll("|", "\0"));

test("reads sets of processes and of files (lsof 4.95 on Linux)", () => {
  const output = bytesOf(
    "p30321|u0|\nf3|tIPv6|d56620451|PTCP|n*:57391|TST=LISTEN|TQR=0|TQS=0|\nfcwd|tDIR|n/tmp|\np7|\n",
  );
  expect(parseFieldOutput(output)).toEqual([
    {
      pid: 30_321,
      uid: 0,
      files: [
        {
          descriptor: "3",
          type: "IPv6",
          device: "56620451",
          protocol: "TCP",
          name: "*:57391",
          details: ["ST=LISTEN", "QR=0", "QS=0"],
        },
        { descriptor: "cwd", type: "DIR", device: "", protocol: "", name: "/tmp", details: [] },
      ],
    },
    { pid: 7, uid: undefined, files: [] },
  ]);
});

test("a name that holds line feeds or begins like a field stays one field", () => {
  const [only] = parseFieldOutput(bytesOf("p1|u0|\nfcwd|tDIR|n/a\nb\nf9|\np2|u0|\n"));
  expect(only?.files).toMatchObject([{ name: "/a\nb\nf9" }]);
});

test("output that was cut off loses its last set and nothing else", () => {
  const whole = "p1|u0|\nf3|tIPv4|d7|PTCP|n*:80|TST=LISTEN|\n";
  for (let length = 0; length < whole.length; length++) {
    const files = parseFieldOutput(bytesOf(whole.slice(0, length)), false).flatMap((process) => process.files);
    expect(files).toEqual([]);
  }
  expect(parseFieldOutput(bytesOf(whole), false)[0]?.files).toHaveLength(1);
});

test("what is no field output gives nothing", () => {
  for (const text of [
    "",
    "\n\n",
    "lsof: no such option\n",
    "px|\nf3|tIPv4|\n",
    "f3|tIPv4|n*:80|\n",
    "|\n|\n",
    "p99999999999|\n",
  ]) {
    expect(parseFieldOutput(bytesOf(text))).toEqual([]);
  }
});
