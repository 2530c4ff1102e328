/**
 * @module Processes of Get-CimInstance Win32_Process (learn.microsoft.com, "Win32_Process class").
 */
import { known, unknown, type Known } from "../../core/index.ts";
import type { Process } from "../host.ts";
import { dateOf, numberOf, recordsOf, textOf, type JsonRecord } from "./json-reading.ts";

/** Processes by pid. */
export function listProcesses(answer: JsonRecord): ReadonlyMap<number, Process> {
  const processes = new Map<number, Process>();
  const records = recordsOf(answer["processes"]);
  const starts = new Map(records.map((record) => [numberOf(record["ProcessId"]), dateOf(record["CreationDate"])]));
  for (const record of records) {
    const pid = numberOf(record["ProcessId"], 0xffff_ffff);
    if (pid === undefined) continue;
    const startTimeMs = dateOf(record["CreationDate"]);
    const parent = numberOf(record["ParentProcessId"], 0xffff_ffff);
    const parentStart = starts.get(parent);
    // Windows keeps the number of a parent that has ended, and may have given it to another process since.
    const isOrphan =
      parent === undefined ||
      !starts.has(parent) ||
      (parentStart !== undefined && startTimeMs !== undefined && parentStart > startTimeMs);
    const commandLine = textOf(record["CommandLine"]);
    processes.set(pid, {
      pid,
      parentPid: known(isOrphan || parent === pid ? 0 : parent),
      name: fact(textOf(record["Name"])),
      // Left empty for processes that this user may not look into.
      arguments: commandLine === undefined ? unknown("permission") : known(splitCommandLine(commandLine)),
      uid: unknown("unsupported"),
      userName: unknown("unsupported"),
      startTimeMs: fact(startTimeMs),
      workingDirectory: unknown("unsupported"),
      executable:
        textOf(record["ExecutablePath"]) === undefined ? unknown("permission") : fact(textOf(record["ExecutablePath"])),
      executableDeleted: false,
      memoryBytes: fact(numberOf(record["WorkingSetSize"])),
      controlGroup: unknown("unsupported"),
    });
  }
  return processes;
}

function fact<T>(value: T | undefined): Known<T> {
  return value === undefined ? unknown("unsupported") : known(value);
}

/**
 * A command line taken apart as most programs do it (CommandLineToArgvW and the C runtime: learn.microsoft.com, "Parsing C command-line
 * arguments"): blanks and tabs part, quotation marks hold together, `2n` backslashes before a mark are `n` backslashes, `2n+1` are `n`
 * and the mark itself, two marks inside marks are one. In the first argument, the program, backslashes mean nothing.
 */
export function splitCommandLine(text: string): readonly string[] {
  const found: string[] = [];
  let position = 0;
  let program = "";
  let quoted = false;
  for (; position < text.length; position++) {
    const character = text[position]!;
    if (character === '"') quoted = !quoted;
    else if (!quoted && isBlank(character)) break;
    else program += character;
  }
  found.push(program);
  for (;;) {
    while (position < text.length && isBlank(text[position]!)) position++;
    if (position >= text.length) return found;
    let word = "";
    quoted = false;
    while (position < text.length) {
      const character = text[position]!;
      if (!quoted && isBlank(character)) break;
      if (character === "\\") {
        let end = position;
        while (text[end] === "\\") end++;
        const count = end - position;
        position = end;
        if (text[end] !== '"') {
          word += "\\".repeat(count);
          continue;
        }
        word += "\\".repeat(count >> 1);
        if (count % 2 === 1) {
          word += '"';
          position++;
        }
        continue;
      }
      if (character === '"') {
        if (quoted && text[position + 1] === '"') {
          word += '"';
          position += 2;
          continue;
        }
        quoted = !quoted;
      } else {
        word += character;
      }
      position++;
    }
    found.push(word);
  }
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t";
}
