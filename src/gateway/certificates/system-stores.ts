/**
 * @module The system's own trust store on Linux: what OpenSSL, curl, wget, Go and Python's ssl read. A file in a folder, and a program that takes it over.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { known, unknown, type Known } from "../../core/index.ts";
import { shortFingerprint } from "./authority-file.ts";
import {
  bodyOf,
  type TrustState,
  type TrustStore,
  type TrustSurroundings,
  type TrustedCertificate,
} from "./trust-store.ts";

interface Family {
  readonly title: string;
  /** Folder for certificates of this machine. */
  readonly folder: string;
  /** Program that takes over what is in the folder, and its words: after adding, after removing. */
  readonly program: string;
  readonly afterAdding: readonly string[];
  readonly afterRemoving: readonly string[];
  /** What the program writes. */
  readonly bundle: string;
}

/** By what is there; folders of several are there where somebody made them. Programs as their man pages describe them. */
const families: readonly Family[] = [
  {
    // update-ca-trust(8)
    title: "this system (Fedora, Red Hat)",
    folder: "/etc/pki/ca-trust/source/anchors",
    program: "update-ca-trust",
    afterAdding: ["extract"],
    afterRemoving: ["extract"],
    bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  },
  {
    // trust(1) of p11-kit
    title: "this system (Arch)",
    folder: "/etc/ca-certificates/trust-source/anchors",
    program: "trust",
    afterAdding: ["extract-compat"],
    afterRemoving: ["extract-compat"],
    bundle: "/etc/ssl/certs/ca-certificates.crt",
  },
  {
    // update-ca-certificates(8) of openSUSE
    title: "this system (SUSE)",
    folder: "/etc/pki/trust/anchors",
    program: "update-ca-certificates",
    afterAdding: [],
    afterRemoving: [],
    bundle: "/var/lib/ca-certificates/ca-bundle.pem",
  },
  {
    // update-ca-certificates(8) of Debian; Alpine has one of its own.
    title: "this system",
    folder: "/usr/local/share/ca-certificates",
    program: "update-ca-certificates",
    afterAdding: [],
    afterRemoving: [],
    bundle: "/etc/ssl/certs/ca-certificates.crt",
  },
];

/** The system's store; none where nothing is known of it. */
export function systemStores(surroundings: TrustSurroundings): TrustStore[] {
  const { root, find } = surroundings;
  if (existsSync(join(root, "etc/NIXOS"))) return [nixStore()];
  for (const family of families) {
    if (!existsSync(join(root, family.folder))) continue;
    const program = find(family.program);
    if (program !== undefined) return [folderStore(family, surroundings)];
  }
  return [missingStore()];
}

function folderStore(family: Family, { root }: TrustSurroundings): TrustStore {
  const { program, afterAdding } = family;
  const folder = join(root, family.folder);
  const fileOf = ({ fingerprintSha256 }: TrustedCertificate): string =>
    join(folder, `portolan-${shortFingerprint(fingerprintSha256)}.crt`);
  // Debian's leaves what points to the removed file where it is, unless it begins anew.
  const afterRemoving = existsSync(join(root, "etc/debian_version")) ? ["--fresh"] : family.afterRemoving;
  return {
    kind: "system",
    title: family.title,
    path: folder,
    needsRoot: true,
    blocked: null,
    look: (certificate) => Promise.resolve(lookAtFiles(certificate, fileOf(certificate), join(root, family.bundle))),
    adding: (certificate) => [
      { do: "write", path: fileOf(certificate), from: certificate.path },
      { do: "run", program, words: afterAdding },
    ],
    removing: (certificate) => [
      { do: "remove", path: fileOf(certificate) },
      { do: "run", program, words: afterRemoving },
    ],
  };
}

/** The file may be there and the bundle old, or the other way round: trusted is what programs read. */
function lookAtFiles({ pem }: TrustedCertificate, file: string, bundle: string): Known<TrustState> {
  try {
    const kept = readIfThere(file) !== null;
    const taken = (readIfThere(bundle) ?? "").replaceAll(/\s/g, "").includes(bodyOf(pem));
    return known(kept && taken ? "trusted" : kept || taken ? "present" : "absent");
  } catch {
    return unknown("permission");
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function blockedStore(path: string, blocked: string): TrustStore {
  return {
    kind: "system",
    title: "this system",
    path,
    needsRoot: true,
    blocked,
    look: () => Promise.resolve(unknown("unsupported")),
    adding: () => [],
    removing: () => [],
  };
}

function nixStore(): TrustStore {
  return blockedStore(
    "/etc/nixos/configuration.nix",
    "NixOS takes it from its configuration alone: write security.pki.certificateFiles = [ ./portolan-ca.pem ]; with a copy of the certificate beside it, then nixos-rebuild switch.",
  );
}

function missingStore(): TrustStore {
  return blockedStore(
    "/usr/local/share/ca-certificates",
    "No program was found that keeps the system's trusted certificates: the package ca-certificates brings one.",
  );
}
