/**
 * @module A scan's result in nmap's XML format, written after its published DTD, for the programs that read it.
 */
import { PortSet } from "../../../core/index.ts";
import type { ScanResult } from "../../../operations/scan.ts";
import type { ListedDoor, ListedHost, ListedState } from "../../../operations/scan-schemas.ts";
import type { Format } from "../formats.ts";
import { element, xmlDeclaration, xmlComment } from "./xml.ts";

/** Version of the format that the DTD describes. */
const formatVersion = "1.05";

/** Our reasons in the words that readers of the format know; others stay as they are. */
const reasonNames: Readonly<Record<string, string>> = {
  "connection-refused": "conn-refused",
  "no-answer": "no-response",
  "host-unreachable": "host-unreach",
  "network-unreachable": "net-unreach",
  prohibited: "admin-prohibited",
  "udp-answer": "udp-response",
  "port-unreachable": "port-unreach",
};

/** Protocols whose name in the IANA registry, by which readers know them, is not their id. */
const serviceNames: Readonly<Record<string, string>> = {
  dns: "domain",
  dhcp: "bootps",
  smb: "microsoft-ds",
  rdp: "ms-wbt-server",
};

/** `portolan scan --xml`. */
export const scanXmlFormat: Format<ScanResult> = {
  result(result, context) {
    const startSeconds = Math.floor(Date.parse(result.startedAt) / 1000);
    return [
      xmlDeclaration,
      "<!DOCTYPE nmaprun>\n",
      xmlComment(`Written by Portolan ${context.version} in the XML format of nmap.`),
      element(
        "nmaprun",
        {
          // The DTD allows no other scanner; `args` and `version` say whose work it is.
          scanner: "nmap",
          args: ["portolan", ...context.words].join(" "),
          start: startSeconds,
          startstr: result.startedAt,
          version: `portolan-${context.version}`,
          xmloutputversion: formatVersion,
        },
        [
          ...scanInfo(result),
          element("verbose", { level: 0 }),
          element("debugging", { level: 0 }),
          ...result.hosts.map(hostElement),
          statistics(result, startSeconds),
        ],
      ),
    ].join("");
  },
};

function scanInfo({ ports }: ScanResult): string[] {
  return (["tcp", "udp"] as const)
    .filter((transport) => ports[transport] !== "")
    .map((transport) =>
      element("scaninfo", {
        type: transport === "tcp" ? "connect" : "udp",
        protocol: transport,
        numservices: PortSet.parse(ports[transport]).size,
        services: ports[transport],
      }),
    );
}

function hostElement(host: ListedHost): string {
  const answer = host.states.find(({ state }) => state === "open" || state === "closed");
  return element("host", {}, [
    element("status", {
      state: host.answered ? "up" : "unknown",
      reason: reasonName(answer?.reason ?? "no-answer"),
      reason_ttl: 0,
    }),
    element("address", { addr: host.address, addrtype: host.family }),
    element("hostnames", {}, host.host === null ? [] : [element("hostname", { name: host.host, type: "user" })]),
    element("ports", {}, [...extraPorts(host), ...host.doors.map(doorElement)]),
  ]);
}

/** The ports that are not told one by one, by state, each state with its reasons. */
function extraPorts({ doors, states }: ListedHost): string[] {
  const byState = new Map<string, ListedState[]>();
  for (const entry of states) {
    const { transport, state, reason } = entry;
    const told = doors.filter((door) => door.transport === transport && door.state === state && door.reason === reason);
    const rest = PortSet.parse(entry.ports).difference(PortSet.from(told.map(({ port }) => port)));
    if (rest.size === 0) continue;
    const list = byState.get(state) ?? [];
    byState.set(state, [...list, { ...entry, count: rest.size, ports: rest.toString() }]);
  }
  return [...byState].map(([state, list]) =>
    element(
      "extraports",
      { state: state === "unscanned" ? "unknown" : state, count: list.reduce((sum, { count }) => sum + count, 0) },
      list.map(({ reason, count, transport, ports }) =>
        element("extrareasons", { reason: reasonName(reason), count, proto: transport, ports }),
      ),
    ),
  );
}

function doorElement(door: ListedDoor): string {
  return element("port", { protocol: door.transport, portid: door.port }, [
    element("state", { state: door.state, reason: reasonName(door.reason), reason_ttl: 0 }),
    ...serviceElement(door),
  ]);
}

/** Confidence as readers of the format understand it: 10 for proof, 3 for the number alone. */
function serviceElement({ identification, names, product, version }: ListedDoor): string[] {
  const layers = identification?.layers.filter(({ protocol }) => protocol !== "tls") ?? [];
  const [base, ...onTop] = layers.length === 0 ? (identification?.layers ?? []) : layers;
  if (base === undefined) {
    const assigned = names.find(({ basis }) => basis === "assigned");
    return assigned === undefined ? [] : [element("service", { name: assigned.value, method: "table", conf: 3 })];
  }
  const factOf = (name: string): string | undefined => {
    const fact = identification?.layers.flatMap(({ facts }) => facts).find((candidate) => candidate.name === name);
    return fact === undefined ? undefined : String(fact.value);
  };
  return [
    element("service", {
      name: serviceNames[base.protocol] ?? base.protocol,
      product: product ?? undefined,
      version: version ?? undefined,
      extrainfo: onTop.length === 0 ? undefined : onTop.map(({ title }) => title).join(", "),
      hostname: factOf("hostName"),
      ostype: factOf("operatingSystem"),
      tunnel: identification?.tls === null || base.protocol === "tls" ? undefined : "ssl",
      method: "probed",
      conf: base.strength === "strong" ? 10 : 5,
    }),
  ];
}

function statistics({ startedAt, elapsedMs, complete, hosts, devices }: ScanResult, startSeconds: number): string {
  const up = hosts.filter(({ answered }) => answered).length;
  return element("runstats", {}, [
    element("finished", {
      time: startSeconds + Math.round(elapsedMs / 1000),
      timestr: new Date(Date.parse(startedAt) + elapsedMs).toISOString(),
      elapsed: (elapsedMs / 1000).toFixed(2),
      exit: complete ? "success" : "error",
      errormsg: complete ? undefined : "interrupted: what was not asked is unknown",
    }),
    element("hosts", { up, down: devices - up, total: devices }),
  ]);
}

function reasonName(reason: string): string {
  return reasonNames[reason] ?? reason;
}
