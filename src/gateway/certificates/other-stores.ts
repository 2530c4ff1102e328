/**
 * @module Trust stores of macOS and Windows, which their browsers read as well, Firefox since version 120 among them. Written after security(1) and Microsoft's
 * page on certutil; not run on these systems yet.
 */
import { join } from "node:path";
import { known } from "../../core/index.ts";
import type { TrustStore, TrustSurroundings } from "./trust-store.ts";

/** The user's keychain; root's, for all users, when root asks. */
export function keychainStore({ home, isRoot, ask }: TrustSurroundings): TrustStore {
  const keychain = isRoot ? "/Library/Keychains/System.keychain" : join(home, "Library/Keychains/login.keychain-db");
  const domain = isRoot ? ["-d"] : [];
  return {
    kind: "system",
    title: isRoot ? "this Mac, for all users" : "this Mac, for you",
    path: keychain,
    needsRoot: false,
    blocked: null,
    async look({ sha1 }) {
      // It lists every certificate with its fingerprints, and fails when there is none of that name.
      const listed = await ask("security", ["find-certificate", "-a", "-Z", "-c", "Portolan local CA", keychain]);
      return known(listed?.includes(`SHA-1 hash: ${sha1}`) === true ? "trusted" : "absent");
    },
    adding: ({ path }) => [
      {
        do: "run",
        program: "security",
        words: ["add-trusted-cert", ...domain, "-r", "trustRoot", "-p", "ssl", "-k", keychain, path],
      },
    ],
    removing: ({ path, sha1 }) => [
      { do: "run", program: "security", words: ["remove-trusted-cert", ...domain, path] },
      { do: "run", program: "security", words: ["delete-certificate", "-Z", sha1, keychain] },
    ],
  };
}

/** The user's root store. Windows asks the user itself before it adds something there. */
export function windowsStore({ environment, ask }: TrustSurroundings): TrustStore {
  // NSS has a program of that name as well: Windows's own is meant.
  const program = `${environment["SystemRoot"] ?? String.raw`C:\Windows`}\\System32\\certutil.exe`;
  return {
    kind: "system",
    title: "Windows, for you",
    path: String.raw`Cert:\CurrentUser\Root`,
    needsRoot: false,
    blocked: null,
    look: async ({ sha1 }) =>
      known((await ask(program, ["-user", "-store", "Root", sha1])) === null ? "absent" : "trusted"),
    adding: ({ path }) => [{ do: "run", program, words: ["-user", "-addstore", "Root", path] }],
    removing: ({ sha1 }) => [{ do: "run", program, words: ["-user", "-delstore", "Root", sha1] }],
  };
}
