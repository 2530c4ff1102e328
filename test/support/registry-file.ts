/**
 * @module A CSV file as IANA publishes it, made of our own table: nothing of the official file is in the project.
 */
import { allAssignments } from "../../src/registry/index.ts";

const header =
  "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference," +
  "Service Code,Unauthorized Use Reported,Assignment Notes";

/** What is put into such a file. */
export interface RegistryFileOptions {
  /** Records before the last ones, as lines without end. */
  readonly extra?: readonly string[];
  /** Names that are left out, as `443 https`. */
  readonly without?: ReadonlySet<string>;
  readonly lineEnd?: "\r\n" | "\n";
}

/** The text of a file that is accepted. */
export function makeRegistryFile(options: RegistryFileOptions = {}): string {
  const lines = [header];
  for (const { name, port, transport, description } of allAssignments()) {
    if (options.without?.has(`${port} ${name}`) === true) continue;
    lines.push(recordOf([name, String(port), transport, description, "[A_B]", "", "", "2020-01-02", "", "", "", ""]));
  }
  for (const line of options.extra ?? []) lines.push(line);
  lines.push(
    recordOf(["", "49151", "", "Reserved", "", "", "", "", "[RFC6335]", "", "", "of two\nlines, and more"]),
    recordOf(["portless", "", "tcp", 'A service "without" port', "", "", "", "", "", "", "", ""]),
  );
  const lineEnd = options.lineEnd ?? "\r\n";
  return lines.join(lineEnd) + lineEnd;
}

/** One line without its end. */
export function recordOf(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}

/** A record that says that a port is for something. */
export function assignmentRecord(name: string, port: string, transport: string, description = "A test"): string {
  return recordOf([name, port, transport, description, "", "", "", "", "", "", "", ""]);
}
