/**
 * @module What a real server of the harbour is, to the tests that start it.
 */
import type { NetworkNamespace } from "../support/netns.ts";

export type Transport = "tcp" | "udp";

/** Where and how one server is to run. */
export interface StartOptions {
  /** IPv4 address to listen on. */
  readonly address: string;
  readonly port: number;
  /** An empty folder of its own, which the server may write to. Removed by whoever made it. */
  readonly folder: string;
  /** Default: the network of the test itself. */
  readonly namespace?: NetworkNamespace;
}

/** One server that can be started, any number of times. */
export interface HarbourServer {
  /** Unique, kebab-case: `vsftpd`, `dovecot-imaps`. */
  readonly id: string;
  /** Id of the protocol that it must be identified as. */
  readonly protocol: string;
  /** All transports that answer at the port, the usual one first. */
  readonly transports: readonly Transport[];
  readonly usualPort: number;
  /** Above 1024, and no two servers' are the same. */
  readonly unusualPort: number;
  /** TLS from the first byte. */
  readonly tls?: boolean;
  /** It cannot be held to one address, or needs broadcasts: gets a namespace of its own. */
  readonly alone?: boolean;
  /** Ids of other protocols that would be true of it too, beside `tls` where it is encrypted: a web server on HTTP/2 is both. */
  readonly alsoSpeaks?: readonly string[];
  /** Its other ports, beside the one it is here for. */
  readonly otherPorts?: (port: number) => readonly number[];
  /** Debian packages that it needs. */
  readonly packages: readonly string[];
  readonly products: {
    /** What the wire may call it. */
    readonly product: RegExp;
    /** A program that prints its version, and how. */
    readonly versionCommand: readonly [program: string, ...words: string[]];
    /** Group 1 is the version in what it printed: what the wire must say, if it says any. */
    readonly versionPattern: RegExp;
  };
  /** A line that reports an error, a warning or an attack, in what its log gained after the start: many warn of their own settings. */
  readonly logKinds: RegExp;
  /** Resolves when the kernel shows its sockets, and its log its readiness where it listens before it is ready. */
  readonly start: (options: StartOptions) => Promise<RunningServer>;
}

/** A server that runs. */
export interface RunningServer {
  readonly pid: number;
  readonly address: string;
  readonly port: number;
  /** Everything it wrote so far: standard output, standard error and its log files. */
  readonly logText: () => string;
  /** Ends it and its process group. Safe to call twice. */
  readonly stop: () => Promise<void>;
}
