/**
 * @module What a diagnosis rests on: everything that was gathered before any opinion. Texts are raw.
 */
import type { IpFamily, Known, Socket, Transport } from "../../core/index.ts";
import type { FirewallReading, NetworkInterface, NetworkRoute } from "../../host/index.ts";

/** What was asked about. */
export interface Asked {
  readonly transport: "tcp" | "udp";
  /** `http`, `https`, `ws`, `redis`, …; `null` when none was given. */
  readonly scheme: string | null;
  /** Name or address without brackets; `null` for this machine. */
  readonly host: string | null;
  readonly hostKind: "this-machine" | "address" | "name";
  readonly port: number;
  readonly path: string;
}

/** How a name was turned into addresses. */
export interface NameFacts {
  readonly name: string;
  /** What the system's resolver answers, in its order; empty when it has none. */
  readonly resolved: readonly string[];
  /** Lines of the hosts file that speak of it. */
  readonly hostsLines: readonly { readonly line: number; readonly address: string }[];
  readonly hostsPath: string;
  /** `localhost` or below, which browsers take to loopback whatever the resolver says (RFC 6761 §6.3). */
  readonly localhost: boolean;
}

/** A process that holds a listener. */
export interface Keeper {
  readonly pid: number;
  readonly name: string;
  /** Letter of proc_pid_stat(5); `T` is stopped. */
  readonly state: Known<string>;
  readonly user: string | null;
}

/** A container. */
export interface ContainerFacts {
  readonly engine: string;
  readonly name: string;
  readonly image: string | null;
  readonly composeService: string | null;
}

/** One listening service of this machine. */
export interface SeenService {
  readonly port: number;
  readonly transport: Transport;
  readonly sockets: readonly Socket[];
  /** `null` when nothing is known of it. */
  readonly title: string | null;
  readonly frameworkId: string | null;
  readonly frameworkTitle: string | null;
  readonly scheme: "http" | "https" | null;
  readonly keepers: Known<readonly Keeper[]>;
  /** Program and arguments, secrets masked. */
  readonly command: readonly string[];
  readonly workingDirectory: string | null;
  readonly projectRoot: string | null;
  readonly projectName: string | null;
  readonly container: ContainerFacts | null;
  /** Of a published port: the port inside to which it leads. */
  readonly behindPort: number | null;
  /** Of a port inside a container: where the machine publishes it. */
  readonly publishedAt: readonly string[];
  /** `null` in the own network namespace; else how the other is called. */
  readonly namespace: string | null;
  /** Addresses at which it is reached from here, e.g. `10.88.0.5`; only for other namespaces. */
  readonly outerAddresses: readonly string[];
}

/** A certificate that was shown. */
export interface ShownCertificate {
  /** Why it is refused, Node's code, e.g. `CERT_HAS_EXPIRED`; `null` when it is fine. */
  readonly problem: string | null;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** As the certificate writes it. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Issued by the user's own authority of Portolan. */
  readonly ownAuthority: boolean;
}

/** What was said over an open connection. */
export interface Exchange {
  /** How it was asked. */
  readonly spoke: "http" | "https" | "probe";
  /** It answered as it was asked. */
  readonly answered: boolean;
  readonly status: number | null;
  /** Beginning of the answer's body. */
  readonly bodyStart: string | null;
  /** Code when it failed: `ECONNRESET`, `SILENT` when nothing came in time. */
  readonly failure: string | null;
  readonly certificate: ShownCertificate | null;
  /** What it proved to be, outermost first, e.g. `["tls", "http"]`; `null` when it was not asked further. */
  readonly identified: readonly { readonly protocol: string; readonly title: string }[] | null;
  /** Whether the connection was still waiting to be accepted when the time was over; `null` when that is not known. */
  readonly waitedInQueue: boolean | null;
}

/** One try to reach one address. */
export interface Attempt {
  readonly address: string;
  readonly family: IpFamily;
  /** The address is this machine's. */
  readonly own: boolean;
  /** `open`, or a code: `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`, … */
  readonly outcome: string;
  readonly elapsedMs: number;
  /** The listener's accept queue during the try: how many wait and how many may. */
  readonly queue: { readonly waiting: number; readonly most: number | null } | null;
  /** `null` when the connection did not open, or its process is known to be stopped. */
  readonly exchange: Exchange | null;
}

/** A proxy that the environment names for the URL. */
export interface ProxyFacts {
  readonly variable: string;
  /** Without user and password. */
  readonly proxy: string;
  /** Content of NO_PROXY, and under which name. */
  readonly exceptions: { readonly variable: string; readonly value: string } | null;
  /** The proxy is on this machine, and nobody listens there. */
  readonly nobodyThere: boolean;
}

/** What is known of the gateway for a name. */
export interface GatewayFacts {
  readonly running: boolean;
  /** Where it listens. */
  readonly listeners: readonly { readonly scheme: "http" | "https"; readonly port: number }[];
  /** The route that the name and path take. */
  readonly route: {
    readonly name: string;
    readonly target: string;
    readonly targetPort: number;
    /** The target is on this machine's loopback. */
    readonly local: boolean;
    /** Exit status of the program of `run`, when it has ended. */
    readonly endedWith: number | null;
    /** The program of `run`; empty for a route by hand. */
    readonly command: readonly string[];
  } | null;
  /** Other names that have routes. */
  readonly names: readonly string[];
}

/** A port that somebody was promised. */
export interface PromisedPort {
  readonly port: number;
  readonly name: string;
  readonly project: string | null;
}

/** All facts of one diagnosis. */
export interface DoctorFacts {
  readonly asked: Asked;
  readonly name: NameFacts | null;
  readonly attempts: readonly Attempt[];
  /** Every listener of the own network namespace; unknown where sockets cannot be read. */
  readonly services: Known<readonly SeenService[]>;
  /** Listeners in other network namespaces, as far as they may be seen. */
  readonly elsewhere: readonly SeenService[];
  readonly interfaces: readonly NetworkInterface[];
  readonly routes: Known<readonly NetworkRoute[]>;
  /** IPv4 addresses of the own networks that have answered. */
  readonly neighbours: Known<readonly string[]>;
  readonly firewall: FirewallReading;
  readonly proxy: ProxyFacts | null;
  readonly gateway: GatewayFacts | null;
  readonly promised: readonly PromisedPort[];
  /** Words of programs whose usual port is the asked one, e.g. `vite`. */
  readonly usualPrograms: readonly string[];
  readonly browserBlocked: boolean;
  readonly workingDirectory: string;
}
