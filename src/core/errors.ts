/**
 * @module Errors as data: one table gives each permanent code its title, hint, exit status and HTTP status.
 *
 * How to write one: the message says what happened and to which argument; the hint says what to do now.
 * Codes are permanent. Exit statuses: 1 the answer is no or the work failed, 2 the request was malformed,
 * 3 the machine does not allow or support it, 130 interrupted.
 */

interface ErrorEntry {
  readonly title: string;
  readonly hint: string;
  readonly exitStatus: number;
  readonly httpStatus: number;
}

export const errorTable = {
  PORT_INVALID: {
    title: "Not a port number",
    hint: "A port is a whole number from 0 to 65535 in plain digits, such as 3000.",
    exitStatus: 2,
    httpStatus: 400,
  },
  PORT_SET_INVALID: {
    title: "Not a set of ports",
    hint: "Write ports, ranges and names with commas between them: 22,80,8000-8100,..1023,49152..,ssh",
    exitStatus: 2,
    httpStatus: 400,
  },
  ADDRESS_INVALID: {
    title: "Not an IP address",
    hint: "Write an IPv4 address such as 192.168.1.8 or an IPv6 address such as fe80::1%eth0.",
    exitStatus: 2,
    httpStatus: 400,
  },
  ENDPOINT_INVALID: {
    title: "Not an endpoint",
    hint: "Write a port (3000), an address and a port (192.168.1.8:5500, [::1]:80) or a URL (http://localhost:3000).",
    exitStatus: 2,
    httpStatus: 400,
  },
  ARGUMENT_INVALID: {
    title: "Argument not accepted",
    hint: "Run the command with --help to see what it accepts.",
    exitStatus: 2,
    httpStatus: 400,
  },
  SERVICE_UNKNOWN: {
    title: "No service of that name",
    hint: "Search with: portolan services TEXT",
    exitStatus: 1,
    httpStatus: 404,
  },
  FILE_UNREADABLE: {
    title: "A file could not be read",
    hint: "Check its name and your permission to read it.",
    exitStatus: 2,
    httpStatus: 400,
  },
  FACE_MISSING: {
    title: "This program has no such face",
    hint: "Run it with the portolan command.",
    exitStatus: 3,
    httpStatus: 501,
  },
  ACCESS_DENIED: {
    title: "Not let in",
    hint: "Open the address that portolan ui prints; it is good for one use, and the page gives others.",
    exitStatus: 1,
    httpStatus: 401,
  },
  ORIGIN_REFUSED: {
    title: "A request from elsewhere",
    hint: "Use the page itself, under localhost or an address.",
    exitStatus: 1,
    httpStatus: 403,
  },
  ROUTE_UNKNOWN: {
    title: "Nothing is served there",
    hint: "/api/openapi.json describes what is served.",
    exitStatus: 2,
    httpStatus: 404,
  },
  ROUTE_NAME_INVALID: {
    title: "Not a name for a route",
    hint: "Write letters, digits and hyphens, with dots between parts: shop, api.shop, *.shop, or shop.test. with a final dot to leave .localhost out; behind it a path if you like: shop/api",
    exitStatus: 2,
    httpStatus: 400,
  },
  ROUTE_TARGET_INVALID: {
    title: "Not a server to lead to",
    hint: "Write a port (3000), a host and a port (192.168.1.8:3000, [::1]:3000), a URL without a path (https://localhost:8443, h2c://localhost:50051), or container:NAME.",
    exitStatus: 2,
    httpStatus: 400,
  },
  ROUTE_TAKEN: {
    title: "Another program has that name",
    hint: "Take another name, or --force to take it over.",
    exitStatus: 1,
    httpStatus: 409,
  },
  ROUTE_MISSING: {
    title: "No such route",
    hint: "portolan route list shows them.",
    exitStatus: 1,
    httpStatus: 404,
  },
  GATEWAY_FAILED: {
    title: "The gateway could not be started or asked",
    hint: "portolan gateway status tells whether one runs; portolan gateway stop and start give a new one.",
    exitStatus: 1,
    httpStatus: 502,
  },
  GATEWAY_STOPPED: {
    title: "The gateway is not running",
    hint: "Start it with: portolan gateway start",
    exitStatus: 1,
    httpStatus: 409,
  },
  RELAY_PLACE_INVALID: {
    title: "Not a place to listen at or to lead to",
    hint: "Write a port (8080), an address and a port (192.168.1.8:5500, [::1]:80, *:8080), or a range (8000-8010); /udp behind it means UDP.",
    exitStatus: 2,
    httpStatus: 400,
  },
  RELAY_LOOP: {
    title: "A forward that leads to itself",
    hint: "Each byte would go round without end. Lead it to the server that is meant, or listen at another port.",
    exitStatus: 2,
    httpStatus: 400,
  },
  SERVICE_UNAVAILABLE: {
    title: "The gateway cannot be a service here",
    hint: "It starts by itself when it is first needed; portolan gateway serve stays in the foreground for a supervisor of your own.",
    exitStatus: 3,
    httpStatus: 501,
  },
  FILE_EXISTS: {
    title: "The file is there already",
    hint: "Name another file, or replace it with --force.",
    exitStatus: 1,
    httpStatus: 409,
  },
  FILE_FOREIGN: {
    title: "A file was not written by Portolan",
    hint: "It is left as it is: move it away, or change it yourself.",
    exitStatus: 1,
    httpStatus: 409,
  },
  HOSTS_DAMAGED: {
    title: "The hosts file is not as it should be",
    hint: "Nothing was changed. Look at the lines between # portolan begin and # portolan end, and remove them by hand.",
    exitStatus: 1,
    httpStatus: 409,
  },
  AUTHORITY_UNUSABLE: {
    title: "The certificate authority cannot be used",
    hint: "Without it there is HTTP alone. portolan gateway untrust --delete removes it, portolan gateway trust makes a new one.",
    exitStatus: 3,
    httpStatus: 500,
  },
  AUTHORITY_NAME_INVALID: {
    title: "Not a name for certificates",
    hint: "Write names that are yours on this machine, with commas between them: test, shop.test, intranet.example",
    exitStatus: 2,
    httpStatus: 400,
  },
  STREAMS_EXHAUSTED: {
    title: "Too many open streams",
    hint: "Close some of the pages that watch this machine.",
    exitStatus: 1,
    httpStatus: 429,
  },
  NETWORK_NOT_ALLOWED: {
    title: "Other devices may not be asked",
    hint: "Ask an address of this machine, or let the user start portolan mcp with --allow-network.",
    exitStatus: 1,
    httpStatus: 403,
  },
  HOST_UNSUPPORTED: {
    title: "This operating system is not supported yet",
    hint: "Portolan reads sockets on Linux, macOS, the BSDs and Windows. explain, services, ranges and learn work everywhere.",
    exitStatus: 3,
    httpStatus: 501,
  },
  READER_UNAVAILABLE: {
    title: "That reader does not work here",
    hint: "Leave --reader out and Portolan picks one that works.",
    exitStatus: 3,
    httpStatus: 501,
  },
  SNAPSHOT_ROOT_INVALID: {
    title: "Not a saved machine",
    hint: "--root takes a folder that holds a copied /proc, with proc/net/tcp in it.",
    exitStatus: 2,
    httpStatus: 400,
  },
  SNAPSHOT_INVALID: {
    title: "Not a snapshot",
    hint: "--from takes a file that portolan snapshot has written, or ssh:HOST.",
    exitStatus: 2,
    httpStatus: 400,
  },
  SNAPSHOT_EXISTS: {
    title: "The file is there already",
    hint: "Give another name, or --force to replace it.",
    exitStatus: 1,
    httpStatus: 409,
  },
  REMOTE_FAILED: {
    title: "The other machine could not be looked at",
    hint: "Try the same host with ssh itself; what it says is the cause.",
    exitStatus: 3,
    httpStatus: 502,
  },
  HOST_READ_FAILED: {
    title: "The kernel's tables could not be read",
    hint: "Check that /proc is mounted and readable, then try again.",
    exitStatus: 3,
    httpStatus: 500,
  },
  LISTEN_FAILED: {
    title: "A port could not be opened",
    hint: "Run portolan who PORT to see who holds it, or choose another port.",
    exitStatus: 1,
    httpStatus: 409,
  },
  TARGET_INVALID: {
    title: "Not a target",
    hint: "Write an address (192.168.1.8), a name (nas.local), a network (192.168.1.0/24), a range (192.168.1.10-20) or lan.",
    exitStatus: 2,
    httpStatus: 400,
  },
  TARGET_TOO_LARGE: {
    title: "Too many addresses",
    hint: "Name a smaller network, or confirm with --yes.",
    exitStatus: 2,
    httpStatus: 400,
  },
  TARGET_UNRESOLVED: {
    title: "A name without address",
    hint: "Check the spelling, or give the address itself.",
    exitStatus: 1,
    httpStatus: 404,
  },
  ENGINE_UNAVAILABLE: {
    title: "That engine cannot scan this here",
    hint: "Leave --engine out and Portolan picks one that works.",
    exitStatus: 3,
    httpStatus: 501,
  },
  PORT_TAKEN: {
    title: "That port is taken",
    hint: "Run portolan who PORT to see who holds it, portolan kill PORT to free it, or choose another port.",
    exitStatus: 1,
    httpStatus: 409,
  },
  PORTS_EXHAUSTED: {
    title: "Not enough free ports",
    hint: "Widen the set with --in, or ask for fewer ports.",
    exitStatus: 1,
    httpStatus: 409,
  },
  LEASE_STORE_FAILED: {
    title: "No port can be promised",
    hint: "Without a place to write leases down, two callers could get the same port, so none is given out.",
    exitStatus: 3,
    httpStatus: 503,
  },
  STORE_FAILED: {
    title: "Portolan's own files could not be read or written",
    hint: "Check the folder's permissions and the disk's free space; nothing was changed.",
    exitStatus: 3,
    httpStatus: 500,
  },
  RECORDER_UNAVAILABLE: {
    title: "Nothing can be recorded here",
    hint: "Install Portolan with its optional packages: npm install --include=optional portolan",
    exitStatus: 3,
    httpStatus: 501,
  },
  RECORDER_RUNNING: {
    title: "A recorder runs already",
    hint: "One is enough; portolan history shows what it wrote.",
    exitStatus: 1,
    httpStatus: 409,
  },
  REGISTRY_INVALID: {
    title: "Not IANA's registry",
    hint: "Nothing was changed. The official file is service-names-port-numbers.csv at www.iana.org; --from takes another address or a file.",
    exitStatus: 1,
    httpStatus: 422,
  },
  DOWNLOAD_FAILED: {
    title: "A file could not be fetched",
    hint: "Nothing was changed. Check the network and the address, or fetch the file yourself and give it with --from FILE.",
    exitStatus: 1,
    httpStatus: 502,
  },
  RESERVATION_CONFLICT: {
    title: "That is reserved already",
    hint: "portolan reservations lists what is reserved; portolan release NAME gives it up.",
    exitStatus: 1,
    httpStatus: 409,
  },
  RESERVATION_UNKNOWN: {
    title: "No reservation of that name",
    hint: "portolan reservations lists them.",
    exitStatus: 1,
    httpStatus: 404,
  },
  CONFIRMATION_NEEDED: {
    title: "A change needs your word",
    hint: "Look at it with --dry-run, then run the command again with --yes.",
    exitStatus: 1,
    httpStatus: 428,
  },
  PROPOSAL_STALE: {
    title: "The machine has changed since the proposal",
    hint: "Nothing was done. Run the command again to see what is there now.",
    exitStatus: 1,
    httpStatus: 409,
  },
  COMMAND_NOT_FOUND: {
    title: "There is no such program",
    hint: "Check the spelling, and that the program is installed and on PATH.",
    exitStatus: 127,
    httpStatus: 404,
  },
  SOCKET_PASSING_UNAVAILABLE: {
    title: "A bound socket cannot be passed on here",
    hint: "Leave --socket out: the program gets its port in PORT. Passing the socket takes Linux and the package koffi.",
    exitStatus: 3,
    httpStatus: 501,
  },
  COMMAND_NOT_STARTED: {
    title: "A program could not be started",
    hint: "Check that the file is a program and that you may execute it.",
    exitStatus: 126,
    httpStatus: 500,
  },
  PROJECT_FILE_MISSING: {
    title: "No project file",
    hint: 'Write portolan.config.json: { "apps": { "web": { "command": "npm run dev" } } } — or a Procfile: web: npm run dev',
    exitStatus: 2,
    httpStatus: 404,
  },
  PROJECT_FILE_INVALID: {
    title: "The project file cannot be followed",
    hint: "Nothing was started. docs/up.md has the whole file format, and its $schema lets an editor complete it.",
    exitStatus: 2,
    httpStatus: 422,
  },
  APP_UNKNOWN: {
    title: "No application of that name",
    hint: "portolan up --dry-run shows those that the project has.",
    exitStatus: 2,
    httpStatus: 404,
  },
  PROJECT_UP: {
    title: "The project is up already",
    hint: "portolan down ends it.",
    exitStatus: 1,
    httpStatus: 409,
  },
  ABORTED: {
    title: "Stopped before it was complete",
    hint: "Run it again to get the whole answer.",
    exitStatus: 130,
    httpStatus: 499,
  },
  OUTPUT_FAILED: {
    title: "The output could not be written",
    hint: "Check the disk's free space and the permission on the output file.",
    exitStatus: 1,
    httpStatus: 500,
  },
  INTERNAL: {
    title: "Portolan made a mistake",
    hint: "Please report it with the command you ran and the lines above.",
    exitStatus: 70,
    httpStatus: 500,
  },
} as const satisfies Record<string, ErrorEntry>;

/** Permanent name of a failure. */
export type ErrorCode = keyof typeof errorTable;

/** Facts about a failure that a program can use; values are JSON. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The one error class of the project. Match on `code`, never on the message. */
export class PortolanError extends Error {
  override readonly name = "PortolanError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  /**
   * @param code permanent code from `errorTable`
   * @param message what happened, one sentence naming the argument or thing concerned
   * @param options.details facts for programs; `hint` here replaces the table's hint
   * @param options.cause the underlying error
   */
  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** What to do now: a hint of this very failure, or the table's. */
  get hint(): string {
    const own = this.details["hint"];
    return typeof own === "string" ? own : errorTable[this.code].hint;
  }

  /** Exit status of the command line for this failure. */
  get exitStatus(): number {
    return errorTable[this.code].exitStatus;
  }

  /** Status of the HTTP interface for this failure. */
  get httpStatus(): number {
    return errorTable[this.code].httpStatus;
  }
}

/** True for an error of Portolan, optionally of one code; also of another copy of the package in this process. */
export function isPortolanError(error: unknown, code?: ErrorCode): error is PortolanError {
  const own =
    error instanceof PortolanError || (error instanceof Error && error.name === "PortolanError" && "code" in error);
  return own && (code === undefined || (error as PortolanError).code === code);
}
