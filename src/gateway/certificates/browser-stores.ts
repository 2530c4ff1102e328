/**
 * @module Trust stores of browsers on Linux: NSS databases, which Chromium and its kin read beside their own list, and Firefox in place of the system's.
 */
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { known, unknown, type Known } from "../../core/index.ts";
import { shortFingerprint } from "./authority-file.ts";
import type { TrustState, TrustStore, TrustSurroundings, TrustedCertificate } from "./trust-store.ts";

/** The usual database of Chromium's kin, below the home folder. */
const usualDatabase = ".pki/nssdb";
/** That of newer ones, below the folder for data of the XDG Base Directory Specification; they take the older one if it is there. */
const newerDatabase = "pki/nssdb";
const usualTitle = "Chromium, Chrome and their kin";

/** Databases of those that are kept in a box of their own, below the home folder. */
const boxedDatabases: readonly (readonly [path: string, title: string])[] = [
  ["snap/chromium/current/.pki/nssdb", "Chromium (snap)"],
  ["snap/chromium/current/.local/share/pki/nssdb", "Chromium (snap)"],
  [".var/app/org.chromium.Chromium/.pki/nssdb", "Chromium (Flatpak)"],
  [".var/app/org.chromium.Chromium/data/pki/nssdb", "Chromium (Flatpak)"],
  [".var/app/com.google.Chrome/.pki/nssdb", "Chrome (Flatpak)"],
  [".var/app/com.google.Chrome/data/pki/nssdb", "Chrome (Flatpak)"],
];

/** Folders that hold Firefox's profiles, below the home folder. */
const firefoxFolders: readonly (readonly [path: string, title: string])[] = [
  [".mozilla/firefox", "Firefox"],
  [".config/mozilla/firefox", "Firefox"],
  ["snap/firefox/common/.mozilla/firefox", "Firefox (snap)"],
  [".var/app/org.mozilla.firefox/.mozilla/firefox", "Firefox (Flatpak)"],
  [".var/app/org.mozilla.firefox/config/mozilla/firefox", "Firefox (Flatpak)"],
  [".librewolf", "LibreWolf"],
  [".var/app/io.gitlab.librewolf-community/.librewolf", "LibreWolf (Flatpak)"],
];

/** Programs that read the first of Chromium's databases. */
const chromiumPrograms = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "brave-browser",
  "vivaldi",
  "opera",
];

/** Package of NSS's certutil, by the program that installs packages. */
const certutilPackages: readonly (readonly [installer: string, command: string])[] = [
  ["apt-get", "sudo apt install libnss3-tools"],
  ["dnf", "sudo dnf install nss-tools"],
  ["pacman", "sudo pacman -S nss"],
  ["zypper", "sudo zypper install mozilla-nss-tools"],
  ["apk", "sudo apk add nss-tools"],
];

/** Every database of the user's browsers; one is made where a browser is installed and has not been run yet. */
export function browserStores(surroundings: TrustSurroundings): TrustStore[] {
  const { home, find, environment } = surroundings;
  const dataHome = environment["XDG_DATA_HOME"];
  const usual = join(home, usualDatabase);
  const newer = join(dataHome?.startsWith("/") === true ? dataHome : join(home, ".local/share"), newerDatabase);
  const databases = [
    { path: usual, title: usualTitle },
    { path: newer, title: usualTitle },
    ...boxedDatabases.map(([path, title]) => ({ path: join(home, path), title })),
    ...firefoxFolders.flatMap(([path, title]) => profilesIn(join(home, path), title)),
  ].filter(({ path }) => isDatabase(path));
  const missing =
    !isDatabase(usual) && !isDatabase(newer) && chromiumPrograms.some((program) => find(program) !== undefined);
  return [
    ...(missing ? [databaseStore(usual, usualTitle, true, surroundings)] : []),
    ...databases.map(({ path, title }) => databaseStore(path, title, false, surroundings)),
  ];
}

function isDatabase(folder: string): boolean {
  return existsSync(join(folder, "cert9.db"));
}

function profilesIn(folder: string, title: string): { readonly path: string; readonly title: string }[] {
  try {
    return readdirSync(folder).map((name) => ({ path: join(folder, name), title: `${title}, profile ${name}` }));
  } catch {
    // That browser is not here.
    return [];
  }
}

function databaseStore(folder: string, title: string, missing: boolean, surroundings: TrustSurroundings): TrustStore {
  const { find, ask } = surroundings;
  const program = find("certutil");
  const database = ["-d", `sql:${folder}`];
  return {
    kind: "browser",
    title,
    path: folder,
    needsRoot: false,
    blocked: program === undefined ? `NSS's certutil is not installed: ${installHint(find)}` : null,
    async look(certificate) {
      if (!isDatabase(folder)) return known("absent");
      if (program === undefined) return unknown("unsupported");
      const listed = await ask(program, ["-L", ...database]);
      if (listed === null) return unknown("permission");
      return trustIn(listed, certificate, await ask(program, ["-L", ...database, "-n", nicknameOf(certificate), "-a"]));
    },
    adding: (certificate) => [
      ...(missing
        ? ([
            { do: "make-folder", path: folder },
            { do: "run", program: "certutil", words: ["-N", ...database, "--empty-password"] },
          ] as const)
        : []),
      {
        do: "run",
        program: "certutil",
        words: ["-A", ...database, "-t", "C,,", "-n", nicknameOf(certificate), "-i", certificate.path],
      },
    ],
    removing: (certificate) => [
      { do: "run", program: "certutil", words: ["-D", ...database, "-n", nicknameOf(certificate)] },
    ],
  };
}

/** The name under which it is kept there: nobody else's, as part of its fingerprint is in it. */
function nicknameOf({ subject, fingerprintSha256 }: TrustedCertificate): string {
  return `${subject} ${shortFingerprint(fingerprintSha256)}`;
}

/**
 * `certutil -L` lists nicknames, each followed by spaces and three groups of flags; `C` in the first is an authority for servers.
 */
function trustIn(listed: string, certificate: TrustedCertificate, shown: string | null): Known<TrustState> {
  const nickname = nicknameOf(certificate);
  const flags = listed
    .split("\n")
    .find((line) => line.startsWith(`${nickname} `))
    ?.slice(nickname.length)
    .trim();
  if (flags === undefined || shown === null) return known("absent");
  try {
    const same = new X509Certificate(shown).fingerprint256 === certificate.fingerprintSha256;
    return known(!same ? "absent" : /^[A-Za-z]*C/.test(flags) ? "trusted" : "present");
  } catch {
    return known("absent");
  }
}

function installHint(find: TrustSurroundings["find"]): string {
  return (
    certutilPackages.find(([installer]) => find(installer) !== undefined)?.[1] ??
    "it is in the package nss-tools or libnss3-tools."
  );
}
