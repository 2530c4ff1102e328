/**
 * @module The gateway as a unit of systemd: text by systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.syntax(7). Pure.
 */

/** Name of the unit, for a user and for the system. */
export const unitName = "portolan-gateway.service";

/** What a unit is written from. */
export interface ServiceFacts {
  /** Program and arguments that serve in the foreground; the first is an absolute path. */
  readonly command: readonly string[];
  /** Program and arguments that end a gateway which runs already. */
  readonly stopCommand: readonly string[];
  /** Absolute path. */
  readonly stateFolder: string;
  /** Words of the user's behind `gateway serve`. */
  readonly words: readonly string[];
  /** Folder of the file to which requests are written; `null` for none. */
  readonly logFolder: string | null;
}

/** Whoever reads the file sees whose it is, and `uninstall` as well. */
export const markerLine = "# Written by portolan gateway install; portolan gateway uninstall removes it.";
const factsPrefix = "# portolan: ";

/** What a unit says of itself. */
export interface UnitNote {
  readonly stateFolder: string;
  readonly words: readonly string[];
}

/** The lines that tell a unit of this program's from any other, in the comments of a file. */
export function unitHeader({ stateFolder, words }: UnitNote): string {
  return `${markerLine}\n${factsPrefix}${JSON.stringify({ stateFolder, words })}\n`;
}

/** What a file says of itself; `undefined` when this program has not written it. */
export function readUnitNote(text: string): UnitNote | undefined {
  if (!text.split("\n").includes(markerLine)) return undefined;
  const line = text.split("\n").find((one) => one.startsWith(factsPrefix)) ?? "";
  try {
    const { stateFolder, words } = JSON.parse(line.slice(factsPrefix.length)) as UnitNote;
    if (typeof stateFolder === "string" && Array.isArray(words) && words.every((word) => typeof word === "string"))
      return { stateFolder, words };
  } catch {
    // The marker is there, and somebody has changed what stood below it.
  }
  return { stateFolder: "", words: [] };
}

/**
 * Works without any right: what takes a mount or user namespace is left out, for not every user may make them, and a program that is
 * compiled while it runs needs memory that can be written and executed.
 */
const userHardening = [
  "NoNewPrivileges=yes",
  "RestrictSUIDSGID=yes",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallArchitectures=native",
  "LockPersonality=yes",
  "UMask=0077",
];

/** A unit for the manager of one user: `~/.config/systemd/user`. */
export function writeUserUnit(facts: ServiceFacts): string {
  return unit(facts, ["[Unit]", "Description=Portolan gateway: names for the servers of this machine"], {
    service: userHardening,
    wantedBy: "default.target",
  });
}

/**
 * A unit for the system's manager that runs as one user and may open ports below 1024, and nothing else that this user may not.
 * @param user name of that user
 */
export function writeSystemUnit(facts: ServiceFacts, user: string): string {
  const writable = [facts.stateFolder, ...(facts.logFolder === null ? [] : [facts.logFolder])];
  return unit(
    facts,
    [
      "[Unit]",
      `Description=Portolan gateway of ${percent(user)}: names for the servers of this machine`,
      "After=network.target",
    ],
    {
      service: [
        `User=${percent(user)}`,
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        ...userHardening,
        "ProtectSystem=strict",
        ...writable.map((path) => `ReadWritePaths=${quoteWord(`-${path}`, "value")}`),
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "PrivateDevices=yes",
      ],
      wantedBy: "multi-user.target",
    },
  );
}

function unit(
  facts: ServiceFacts,
  head: readonly string[],
  { service, wantedBy }: { service: readonly string[]; wantedBy: string },
): string {
  const lines = [
    ...head,
    // A port that somebody else holds is not asked for every second for ever.
    "StartLimitIntervalSec=60",
    "StartLimitBurst=5",
    "",
    "[Service]",
    // It is up when it listens, and a new version says so itself when it takes over: systemd-notify(1) is its child.
    "Type=notify",
    "NotifyAccess=all",
    `Environment=${quoteWord(`PORTOLAN_STATE_HOME=${facts.stateFolder}`, "value")}`,
    // One that was started without this unit makes room.
    `ExecStartPre=-${quoteCommand(facts.stopCommand)}`,
    `ExecStart=${quoteCommand(facts.command)}`,
    "Restart=on-failure",
    "RestartSec=1",
    "TimeoutStopSec=10",
    ...service,
    "",
    "[Install]",
    `WantedBy=${wantedBy}`,
  ];
  return `${unitHeader(facts)}${lines.join("\n")}\n`;
}

function quoteCommand([program = "", ...words]: readonly string[]): string {
  return [quoteWord(program, "value"), ...words.map((word) => quoteWord(word, "argument"))].join(" ");
}

/**
 * One word, in quotes where it needs them (systemd.syntax(7), "Quoting"): `%` begins a specifier, and behind the program of a command line `$` a variable.
 * @param place the program of a command line is read like a value: no variable is put in there
 */
export function quoteWord(word: string, place: "argument" | "value"): string {
  if (/^[\w@+=:,./-]+$/.test(word)) return word;
  const escaped = percent(word)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/[\u0001-\u001f\u007f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `"${place === "argument" ? escaped.replaceAll("$", "$$$$") : escaped}"`;
}

function percent(text: string): string {
  return text.replaceAll("%", "%%");
}
