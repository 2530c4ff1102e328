/** Examples of learn.microsoft.com, "Parsing C command-line arguments". */
import { expect, test } from "vitest";
import { splitCommandLine } from "./processes.ts";

test.each([
  [String.raw`a.exe "abc" d e`, ["a.exe", "abc", "d", "e"]],
  [String.raw`a.exe a\\\b d"e f"g h`, ["a.exe", String.raw`a\\\b`, "de fg", "h"]],
  [String.raw`a.exe a\\\"b c d`, ["a.exe", String.raw`a\"b`, "c", "d"]],
  [String.raw`a.exe a\\\\"b c" d e`, ["a.exe", String.raw`a\\b c`, "d", "e"]],
  [String.raw`a.exe a"b"" c d`, ["a.exe", `ab" c d`]],
  [String.raw`"C:\Program Files\x.exe"	-p  3000 `, [String.raw`C:\Program Files\x.exe`, "-p", "3000"]],
  [String.raw`C:\dir\x.exe C:\dir\ ""`, [String.raw`C:\dir\x.exe`, `C:\\dir\\`, ""]],
])("%s", (line, words) => {
  expect(splitCommandLine(line)).toEqual(words);
});
