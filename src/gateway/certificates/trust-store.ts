/**
 * @module What a trust store is: a place that programs take the authorities from that they trust, and what is done to put one in or to take it out.
 */
import { quoteForShell, type Known } from "../../core/index.ts";

/** A certificate that is to be trusted, or no more. */
export interface TrustedCertificate {
  /** File that has it, PEM. */
  readonly path: string;
  /** PEM. */
  readonly pem: string;
  readonly fingerprintSha256: string;
  /** Upper-case hexadecimal digits without anything between, as macOS and Windows name certificates. */
  readonly sha1: string;
  readonly subject: string;
}

/** One thing that is done. What needs root is done by root, the rest by the user whose authority it is. */
export type TrustAction =
  | { readonly do: "write"; readonly path: string; readonly from: string }
  | { readonly do: "remove"; readonly path: string }
  | { readonly do: "make-folder"; readonly path: string }
  | { readonly do: "run"; readonly program: string; readonly words: readonly string[] };

/** What a store says of a certificate. `present`: it has it, and programs do not trust it, as when it was put there and nothing took it over. */
export type TrustState = "trusted" | "present" | "absent";

/** A store. */
export interface TrustStore {
  readonly kind: "system" | "browser";
  /** What it is to a person. */
  readonly title: string;
  /** What is changed: a folder, a database, a keychain. */
  readonly path: string;
  readonly needsRoot: boolean;
  /** Why nothing can be done here, and what would help; `null` when it can. */
  readonly blocked: string | null;
  readonly look: (certificate: TrustedCertificate) => Promise<Known<TrustState>>;
  readonly adding: (certificate: TrustedCertificate) => readonly TrustAction[];
  readonly removing: (certificate: TrustedCertificate) => readonly TrustAction[];
}

/** What looking for stores takes. */
export interface TrustSurroundings {
  readonly platform: NodeJS.Platform;
  /** Folder in place of `/` for the system's files; tests have one of their own. */
  readonly root: string;
  readonly home: string;
  readonly isRoot: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The path of a program, or `undefined`. */
  readonly find: (program: string) => string | undefined;
  /** Runs a program as the user and takes what it says; `null` when it fails. */
  readonly ask: (program: string, words: readonly string[]) => Promise<string | null>;
}

/** The base64 text of a certificate, without line ends: it is the same in every file that has it. */
export function bodyOf(pem: string): string {
  return /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)?.[1]?.replaceAll(/\s/g, "") ?? "";
}

/** An action as words that a user could type. */
export function wordsOf(action: TrustAction): string[] {
  switch (action.do) {
    case "write":
      return ["install", "-m", "644", action.from, action.path];
    case "remove":
      return ["rm", "-f", action.path];
    case "make-folder":
      return ["mkdir", "-p", "-m", "700", action.path];
    default:
      return [action.program, ...action.words];
  }
}

/** Words as a POSIX shell reads them. */
export function shellText(words: readonly string[]): string {
  return words.map(quoteForShell).join(" ");
}
