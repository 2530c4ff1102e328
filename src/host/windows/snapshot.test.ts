/** Answers in the form that Microsoft documents for these cmdlets and for ConvertTo-Json: not run on Windows. */
import { describe, expect, test } from "vitest";
import { known, unknown } from "../../core/index.ts";
import type { Snapshot, SnapshotRequest } from "../host.ts";
import { readAnswer } from "./snapshot.ts";

const interfaces = [
  {
    InterfaceIndex: 1,
    InterfaceAlias: "Loopback Pseudo-Interface 1",
    AddressFamily: 2,
    NlMtu: 4_294_967_295,
    ConnectionState: 1,
  },
  { InterfaceIndex: 12, InterfaceAlias: "Wi-Fi", AddressFamily: 2, NlMtu: 1500, ConnectionState: 1 },
  { InterfaceIndex: 12, InterfaceAlias: "Wi-Fi", AddressFamily: 23, NlMtu: 1500, ConnectionState: 1 },
  { InterfaceIndex: 7, InterfaceAlias: "Ethernet", AddressFamily: 2, NlMtu: 1500, ConnectionState: 0 },
];

/** Windows PowerShell 5.1: dates as `/Date(…)/`, enumerations as numbers. */
const answer = {
  tcp: [
    { LocalAddress: "::", LocalPort: 3000, RemoteAddress: "::", RemotePort: 0, State: 2, OwningProcess: 4711 },
    { LocalAddress: "0.0.0.0", LocalPort: 445, RemoteAddress: "0.0.0.0", RemotePort: 0, State: 2, OwningProcess: 4 },
    {
      LocalAddress: "127.0.0.1",
      LocalPort: 50001,
      RemoteAddress: "127.0.0.1",
      RemotePort: 3000,
      State: 5,
      OwningProcess: 4712,
    },
    {
      LocalAddress: "0.0.0.0",
      LocalPort: 50001,
      RemoteAddress: "0.0.0.0",
      RemotePort: 0,
      State: 100,
      OwningProcess: 4712,
    },
    {
      LocalAddress: "0.0.0.0",
      LocalPort: 50002,
      RemoteAddress: "0.0.0.0",
      RemotePort: 0,
      State: 100,
      OwningProcess: 4712,
    },
    {
      LocalAddress: "192.168.1.8",
      LocalPort: 50003,
      RemoteAddress: "1.2.3.4",
      RemotePort: 443,
      State: 11,
      OwningProcess: 0,
    },
  ],
  udp: [
    { LocalAddress: "fe80::1%12", LocalPort: 1900, OwningProcess: 4711 },
    { LocalAddress: "0.0.0.0", LocalPort: 5353, OwningProcess: 4711 },
    { LocalAddress: "0.0.0.0", LocalPort: 5353, OwningProcess: 4711 },
  ],
  processes: [
    {
      ProcessId: 4711,
      ParentProcessId: 4000,
      Name: "node.exe",
      CommandLine: '"C:\\Program Files\\nodejs\\node.exe" server.js --name "a b"',
      ExecutablePath: "C:\\Program Files\\nodejs\\node.exe",
      CreationDate: "/Date(1700000000123)/",
      WorkingSetSize: 52_428_800,
    },
    {
      ProcessId: 4,
      ParentProcessId: 0,
      Name: "System",
      CommandLine: null,
      ExecutablePath: null,
      CreationDate: null,
      WorkingSetSize: 1,
    },
    // Started after its supposed child: another process that got the number.
    { ProcessId: 4000, ParentProcessId: 4, Name: "late.exe", CreationDate: "/Date(1700000009999)/" },
  ],
  addresses: [
    {
      IPAddress: "127.0.0.1",
      PrefixLength: 8,
      InterfaceIndex: 1,
      InterfaceAlias: "Loopback Pseudo-Interface 1",
      AddressState: 4,
    },
    { IPAddress: "192.168.1.8", PrefixLength: 24, InterfaceIndex: 12, InterfaceAlias: "Wi-Fi", AddressState: 4 },
    { IPAddress: "fe80::1%12", PrefixLength: 64, InterfaceIndex: 12, InterfaceAlias: "Wi-Fi", AddressState: 3 },
    { IPAddress: "169.254.3.4", PrefixLength: 16, InterfaceIndex: 7, InterfaceAlias: "Ethernet", AddressState: 1 },
  ],
  interfaces,
  adapters: { InterfaceIndex: 12, MacAddress: "00-15-5D-01-02-03" },
  routes: { InterfaceIndex: 12, DestinationPrefix: "0.0.0.0/0" },
  portRanges: [
    { SettingName: "Automatic", DynamicPortRangeStartPort: 0, DynamicPortRangeNumberOfPorts: 0 },
    { SettingName: "Internet", DynamicPortRangeStartPort: 49_152, DynamicPortRangeNumberOfPorts: 16_384 },
  ],
  dynamicPorts: "",
  excludedPorts:
    "\nProtocol tcp Port Exclusion Ranges\n\nStart Port    End Port      \n----------    --------      \n      5357        5357      \n     50000       50059     *\n\n* - Administered port exclusions.\n",
};

function look(value: unknown, request: SnapshotRequest = {}): Snapshot {
  return readAnswer(typeof value === "string" ? value : JSON.stringify(value), request, 5);
}
const rows = (snapshot: Snapshot) =>
  snapshot.sockets.map(({ transport, state, local, remote }) =>
    [transport, state, local.address, local.port, ...(remote === null ? [] : [remote.address, remote.port])].join(" "),
  );

describe("sockets", () => {
  test("listeners by default, everything when asked, by port when asked", () => {
    expect(rows(look(answer))).toEqual([
      "tcp LISTEN :: 3000",
      "tcp LISTEN 0.0.0.0 445",
      "udp UNCONNECTED fe80::1 1900",
      "udp UNCONNECTED 0.0.0.0 5353",
      "udp UNCONNECTED 0.0.0.0 5353",
    ]);
    expect(rows(look(answer, { states: "all" })).slice(2, 5)).toEqual([
      "tcp ESTABLISHED 127.0.0.1 50001 127.0.0.1 3000",
      "tcp BOUND 0.0.0.0 50002",
      "tcp TIME_WAIT 192.168.1.8 50003 1.2.3.4 443",
    ]);
    expect(rows(look(answer, { states: "all", ports: [443] }))).toHaveLength(1);
    expect(rows(look(answer, { ports: [] }))).toEqual([]);
  });

  test("each has one holder, those of nobody none, and a number of its own that lasts", () => {
    const snapshot = look(answer, { states: "all" });
    expect(snapshot.sockets.map((socket) => snapshot.holdersOf(socket))).toEqual([
      known([{ pid: 4711, fileDescriptors: [] }]),
      known([{ pid: 4, fileDescriptors: [] }]),
      known([{ pid: 4712, fileDescriptors: [] }]),
      known([{ pid: 4712, fileDescriptors: [] }]),
      known([]),
      ...Array.from({ length: 3 }, () => known([{ pid: 4711, fileDescriptors: [] }])),
    ]);
    const inodes = snapshot.sockets.map(({ inode }) => inode);
    expect(new Set(inodes).size).toBe(inodes.length);
    expect(look(answer, { states: "all" }).sockets.map(({ inode }) => inode)).toEqual(inodes);
    expect(look(answer, { holders: "none" }).holdersOf(snapshot.sockets[0]!)).toEqual(unknown("unsupported"));
    expect(snapshot).toMatchObject({ reader: "powershell", platform: "win32", complete: true, holdersComplete: false });
    expect(snapshot.sockets[5]!.boundInterface).toEqual(known("Wi-Fi"));
  });

  test("PowerShell 7 and its names of states give the same", () => {
    const names = new Map([
      [2, "Listen"],
      [5, "Established"],
      [100, "Bound"],
      [11, "TimeWait"],
    ]);
    const modern = { ...answer, tcp: answer.tcp.map((row) => ({ ...row, State: names.get(row.State) })) };
    expect(look(modern, { states: "all" }).sockets).toEqual(look(answer, { states: "all" }).sockets);
  });

  test("a single object stands for a list of one, and a list inside `value` for a list", () => {
    expect(rows(look({ tcp: answer.tcp[0] }))).toEqual(["tcp LISTEN :: 3000"]);
    expect(rows(look({ tcp: { value: answer.tcp, Count: 6 } }))).toHaveLength(2);
    expect(rows(look({ tcp: null }))).toEqual([]);
  });

  test("rows of another form are left out", () => {
    const odd = [
      null,
      1,
      {},
      { ...answer.tcp[0], LocalPort: 70_000 },
      { ...answer.tcp[0], State: 77 },
      { ...answer.tcp[0], LocalAddress: "x" },
    ];
    expect(rows(look({ tcp: [...odd, answer.tcp[0]] }))).toEqual(["tcp LISTEN :: 3000"]);
  });
});

describe("processes", () => {
  test("with their arguments apart, and no parent that is younger", () => {
    expect(look(answer).processOf(4711)).toMatchObject({
      parentPid: known(0),
      name: known("node.exe"),
      arguments: known(["C:\\Program Files\\nodejs\\node.exe", "server.js", "--name", "a b"]),
      startTimeMs: known(1_700_000_000_123),
      memoryBytes: known(52_428_800),
      workingDirectory: unknown("unsupported"),
    });
    expect(look(answer).processOf(4)).toMatchObject({ arguments: unknown("permission"), parentPid: known(0) });
    expect(look(answer).processOf(99)).toMatchObject({ name: unknown("gone") });
  });

  test.each([
    "/Date(1700000000123)/",
    "/Date(1700000000123+0100)/",
    "2023-11-14T22:13:20.123Z",
    "2023-11-14T23:13:20.1230000+01:00",
    { value: "/Date(1700000000123)/", DateTime: "Tuesday" },
  ])("a date as %j", (date) => {
    const only = { ...answer.processes[0], CreationDate: date };
    expect(look({ processes: only }).processOf(4711).startTimeMs).toEqual(known(1_700_000_000_123));
  });
});

describe("interfaces and limits", () => {
  test("interfaces by index", () => {
    expect(look(answer).interfaces).toMatchObject([
      {
        name: "Loopback Pseudo-Interface 1",
        index: known(1),
        loopback: true,
        up: known(true),
        mtuBytes: unknown("unsupported"),
      },
      { name: "Ethernet", up: known(false), loopback: false, addresses: [] },
      {
        name: "Wi-Fi",
        hardwareAddress: known("00:15:5d:01:02:03"),
        mtuBytes: known(1500),
        addresses: [
          { address: "192.168.1.8", family: "ipv4", prefixLength: 24 },
          { address: "fe80::1", family: "ipv6", prefixLength: 64 },
        ],
        defaultRoute: { ipv4: known(true), ipv6: known(false) },
      },
    ]);
  });

  test("limits, from Get-NetTCPSetting or from netsh in any language", () => {
    expect(look(answer).limits).toMatchObject({
      unprivilegedPortStart: known(0),
      ephemeralRange: known({ first: 49_152, last: 65_535 }),
      reservedPorts: known("5357,50000-50059"),
      mayBindPrivileged: known(true),
    });
    const german =
      "\nProtokoll tcp Dynamischer Portbereich\n-----------\nStartport      : 1025\nAnzahl von Ports : 1000\n";
    expect(look({ dynamicPorts: german }).limits).toMatchObject({
      ephemeralRange: known({ first: 1025, last: 2024 }),
      reservedPorts: unknown("unsupported"),
    });
    expect(look({}).limits.ephemeralRange).toEqual(unknown("unsupported"));
  });
});

test("what is no answer is an error; a byte order mark is none", () => {
  for (const text of ["", "Get-NetTCPConnection : not recognized", "[]", "1", '{"tcp":']) {
    expect(() => look(text)).toThrow(expect.objectContaining({ code: "HOST_READ_FAILED" }));
  }
  expect(rows(look(`\uFEFF${JSON.stringify(answer)}`))).toHaveLength(5);
});
