/**
 * @module The doors everybody meets.
 */
import type { Port, Transport } from "../core/index.ts";

/** One well-known service. */
export interface Door {
  readonly title: string;
  readonly ports: readonly Port[];
  readonly transports: readonly Transport[];
  /** What it does, at most 60 characters. */
  readonly oneLine: string;
  /** What is special about one of its ports. */
  readonly portNotes: Readonly<Record<number, string>>;
  readonly source: string;
}

function door(
  title: string,
  ports: readonly number[],
  transports: readonly Transport[],
  oneLine: string,
  source: string,
  portNotes: Readonly<Record<number, string>> = {},
): Door {
  return { title, ports: ports as readonly Port[], transports, oneLine, portNotes, source };
}

/** In the order of their ports. */
export const doors: readonly Door[] = [
  door("FTP", [20, 21], ["tcp"], "moves files; older than encryption", "RFC 959", {
    20: "FTP's data port: in active mode the server sends from it, and nothing listens there",
    21: "FTP's commands: moves files; older than encryption",
  }),
  door("SSH", [22], ["tcp"], "a shell on another machine, encrypted", "RFC 4253"),
  door("SMTP", [25], ["tcp"], "mail servers hand mail to each other", "RFC 5321"),
  door("DNS", [53], ["udp", "tcp"], "turns names into addresses", "RFC 1035"),
  door("DHCP", [67, 68], ["udp"], "gives devices their addresses", "RFC 2131", {
    67: "DHCP servers listen here and give devices their addresses",
    68: "DHCP clients wait here for the answer: a device that asks for its address",
  }),
  door("HTTP", [80], ["tcp"], "the web, unencrypted", "RFC 9110"),
  door("POP3", [110], ["tcp"], "fetches mail from a mailbox", "RFC 1939"),
  door("NTP", [123], ["udp"], "sets the clock", "RFC 5905"),
  door("IMAP", [143], ["tcp"], "reads mail that stays on the server", "RFC 9051"),
  door("HTTPS", [443], ["tcp", "udp"], "the web, encrypted; HTTP/3 by UDP", "RFC 9110, RFC 9114"),
  door("SMB", [445], ["tcp"], "shared folders and printers of Windows networks", "[MS-SMB2]"),
  door("MySQL", [3306], ["tcp"], "MySQL and MariaDB databases", "IANA"),
  door("RDP", [3389], ["tcp", "udp"], "the screen of another Windows machine", "[MS-RDPBCGR]"),
  door("PostgreSQL", [5432], ["tcp"], "PostgreSQL databases", "IANA"),
  door("HTTP-alt", [8080], ["tcp"], "web servers beside or in place of port 80", "IANA"),
];

/** The door that a port belongs to. */
export function doorOf(port: number): Door | undefined {
  return doors.find((candidate) => (candidate.ports as readonly number[]).includes(port));
}
