/**
 * @module What nmap's XML output (its documented DTD) says of ports, for tests and benchmarks that compare with it.
 */

/** One port as nmap reports it. */
export interface NmapPort {
  readonly transport: string;
  readonly port: number;
  readonly state: string;
  readonly reason: string;
  /** `null` when no service is named or the name is only nmap's guess from the number. */
  readonly service: {
    readonly name: string;
    readonly product: string;
    readonly version: string;
    readonly tunnel: string;
  } | null;
}

/** One host. */
export interface NmapHost {
  readonly address: string;
  readonly up: boolean;
  readonly ports: readonly NmapPort[];
}

/** Reads the hosts of nmap's `-oX`, the ports that it only counts among them. */
export function readNmapXml(xml: string): readonly NmapHost[] {
  return [...xml.matchAll(/<host [^]*?<\/host>/g)].map(([host]) => ({
    address: /<address addr="([^"]*)" addrtype="ipv[46]"/.exec(host)?.[1] ?? "",
    up: host.includes('<status state="up"'),
    ports: [...namedPorts(host), ...countedPorts(host)],
  }));
}

function* namedPorts(host: string): Generator<NmapPort, void> {
  for (const [, attributes = "", body = ""] of host.matchAll(/<port ([^>]*)>([^]*?)<\/port>/g)) {
    const state = /<state ([^>]*)>/.exec(body)?.[1] ?? "";
    const service = /<service ([^>]*)>/.exec(body)?.[1];
    yield {
      transport: attribute(attributes, "protocol"),
      port: Number(attribute(attributes, "portid")),
      state: attribute(state, "state"),
      reason: attribute(state, "reason"),
      service:
        service === undefined || attribute(service, "method") !== "probed"
          ? null
          : {
              name: attribute(service, "name"),
              product: attribute(service, "product"),
              version: attribute(service, "version"),
              tunnel: attribute(service, "tunnel"),
            },
    };
  }
}

/** Ports in the commonest states, which nmap gives as ranges for each reason. */
function* countedPorts(host: string): Generator<NmapPort, void> {
  for (const [, attributes = "", body = ""] of host.matchAll(/<extraports ([^>]*)>([^]*?)<\/extraports>/g)) {
    for (const [, reasons = ""] of body.matchAll(/<extrareasons ([^>]*)>/g)) {
      for (const range of attribute(reasons, "ports").split(",").filter(Boolean)) {
        const [first = 0, last = first] = range.split("-").map(Number);
        for (let port = first; port <= last; port++) {
          yield {
            transport: attribute(reasons, "proto"),
            port,
            state: attribute(attributes, "state"),
            reason: attribute(reasons, "reason"),
            service: null,
          };
        }
      }
    }
  }
}

function attribute(text: string, name: string): string {
  return new RegExp(`(?:^| )${name}="([^"]*)"`).exec(text)?.[1] ?? "";
}
