/**
 * @module Which stores are found, and what is done to them. Fedora, Arch, SUSE, NixOS, macOS and Windows are stand-ins here: folders as theirs, and answers
 * as their manuals show them; what is checked is the words that their programs would get.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { known } from "../../core/index.ts";
import { browserStores } from "./browser-stores.ts";
import { keychainStore, windowsStore } from "./other-stores.ts";
import { systemStores } from "./system-stores.ts";
import { shellText, wordsOf, type TrustSurroundings, type TrustedCertificate } from "./trust-store.ts";

const certificate: TrustedCertificate = {
  path: "/home/ada/it's here/portolan-ca.pem",
  pem: "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n",
  fingerprintSha256: "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
  sha1: "0123456789ABCDEF0123456789ABCDEF01234567",
  subject: "Portolan local CA, ada@box",
};

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pts-"));
  folders.push(folder);
  return folder;
}

function surroundings(changes: Partial<TrustSurroundings> = {}, programs: readonly string[] = []): TrustSurroundings {
  return {
    platform: "linux",
    root: newFolder(),
    home: newFolder(),
    isRoot: false,
    environment: {},
    find: (program) => (programs.includes(program) ? program : undefined),
    ask: () => Promise.resolve(null),
    ...changes,
  };
}

test.each([
  ["etc/pki/ca-trust/source/anchors", "update-ca-trust", ["extract"], ["extract"]],
  ["etc/ca-certificates/trust-source/anchors", "trust", ["extract-compat"], ["extract-compat"]],
  ["etc/pki/trust/anchors", "update-ca-certificates", [], []],
  ["usr/local/share/ca-certificates", "update-ca-certificates", [], []],
])("the system's store in %s is taken over by %s", (folder, program, adding, removing) => {
  const here = surroundings({}, [program]);
  mkdirSync(join(here.root, folder), { recursive: true });
  const [store] = systemStores(here);
  const file = join(here.root, folder, "portolan-abcdef0123456789.crt");
  expect(store).toMatchObject({ kind: "system", path: join(here.root, folder), needsRoot: true, blocked: null });
  expect(store!.adding(certificate)).toEqual([
    { do: "write", path: file, from: certificate.path },
    { do: "run", program, words: adding },
  ]);
  expect(store!.removing(certificate)).toEqual([
    { do: "remove", path: file },
    { do: "run", program, words: removing },
  ]);
});

test("on Debian what pointed to a certificate that was removed goes too", () => {
  const here = surroundings({}, ["update-ca-certificates"]);
  mkdirSync(join(here.root, "usr/local/share/ca-certificates"), { recursive: true });
  mkdirSync(join(here.root, "etc"));
  writeFileSync(join(here.root, "etc/debian_version"), "12\n");
  expect(systemStores(here)[0]!.removing(certificate)[1]).toMatchObject({ words: ["--fresh"] });
});

test("a system without such a program, and NixOS, are told what helps", () => {
  expect(systemStores(surroundings())).toMatchObject([{ blocked: expect.stringContaining("ca-certificates") }]);
  const nix = surroundings({}, ["update-ca-certificates"]);
  mkdirSync(join(nix.root, "etc"));
  writeFileSync(join(nix.root, "etc/NIXOS"), "");
  expect(systemStores(nix)).toMatchObject([{ blocked: expect.stringContaining("security.pki.certificateFiles") }]);
});

test("trusted is what programs read, and not the file alone", async () => {
  const here = surroundings({}, ["update-ca-certificates"]);
  const folder = join(here.root, "usr/local/share/ca-certificates");
  const bundle = join(here.root, "etc/ssl/certs");
  mkdirSync(folder, { recursive: true });
  mkdirSync(bundle, { recursive: true });
  const [store] = systemStores(here);
  expect(await store!.look(certificate)).toEqual(known("absent"));
  writeFileSync(join(folder, "portolan-abcdef0123456789.crt"), certificate.pem);
  expect(await store!.look(certificate)).toEqual(known("present"));
  // Others break lines elsewhere.
  writeFileSync(join(bundle, "ca-certificates.crt"), "# some\n-----BEGIN CERTIFICATE-----\nAAAABB\nBB\n-----END");
  expect(await store!.look(certificate)).toEqual(known("trusted"));
  rmSync(join(folder, "portolan-abcdef0123456789.crt"));
  expect(await store!.look(certificate)).toEqual(known("present"));
});

test("browsers are found where they keep their databases, boxed ones among them", () => {
  const here = surroundings({}, ["certutil", "chromium"]);
  const paths = [
    ".local/share/pki/nssdb",
    "snap/chromium/current/.pki/nssdb",
    ".var/app/com.google.Chrome/data/pki/nssdb",
    ".mozilla/firefox/x.default-release",
    ".config/mozilla/firefox/y.default",
    "snap/firefox/common/.mozilla/firefox/z.default",
    ".var/app/org.mozilla.firefox/.mozilla/firefox/w.default",
  ];
  for (const path of paths) {
    mkdirSync(join(here.home, path), { recursive: true });
    writeFileSync(join(here.home, path, "cert9.db"), "");
  }
  // A folder without a database is no profile.
  mkdirSync(join(here.home, ".mozilla/firefox/Crash Reports"));
  const stores = browserStores(here);
  expect(stores.map(({ path }) => path)).toEqual(paths.map((path) => join(here.home, path)));
  expect(stores.map(({ needsRoot, blocked }) => [needsRoot, blocked])).toEqual(paths.map(() => [false, null]));
  expect(stores[3]!.adding(certificate).map((action) => wordsOf(action))).toEqual([
    [
      "certutil",
      "-A",
      "-d",
      `sql:${here.home}/.mozilla/firefox/x.default-release`,
      "-t",
      "C,,",
      "-n",
      "Portolan local CA, ada@box abcdef0123456789",
      "-i",
      certificate.path,
    ],
  ]);
});

test("a database is made for a browser that has not run yet, in the place that old and new ones read", () => {
  const here = surroundings({}, ["certutil", "google-chrome"]);
  const [store, ...others] = browserStores(here);
  expect(others).toEqual([]);
  const path = join(here.home, ".pki/nssdb");
  expect(store!.adding(certificate).slice(0, 2)).toEqual([
    { do: "make-folder", path },
    { do: "run", program: "certutil", words: ["-N", "-d", `sql:${path}`, "--empty-password"] },
  ]);
  expect(browserStores(surroundings({}, ["certutil"]))).toEqual([]);
  const moved = surroundings({}, ["certutil", "chromium"]);
  const data = newFolder();
  mkdirSync(join(data, "pki/nssdb"), { recursive: true });
  writeFileSync(join(data, "pki/nssdb/cert9.db"), "");
  const stores = browserStores({ ...moved, environment: { XDG_DATA_HOME: data } });
  expect(stores.map((one) => one.path)).toEqual([join(data, "pki/nssdb")]);
});

test.each([
  ["apt-get", "libnss3-tools"],
  ["dnf", "nss-tools"],
  ["pacman", "-S nss"],
  ["zypper", "mozilla-nss-tools"],
  ["apk", "nss-tools"],
  ["none", "libnss3-tools"],
])("without certutil it is said how %s gets it", (installer, said) => {
  const [store] = browserStores(surroundings({}, ["chromium", installer]));
  expect(store!.blocked).toContain(said);
});

test("macOS (a stand-in): the user's keychain, or the system's for root", async () => {
  const asked: (readonly string[])[] = [];
  const here = surroundings({
    platform: "darwin",
    home: "/Users/ada",
    ask: (program, words) => {
      asked.push([program, ...words]);
      return Promise.resolve(`SHA-256 hash: 00\nSHA-1 hash: ${certificate.sha1}\n`);
    },
  });
  const store = keychainStore(here);
  const keychain = "/Users/ada/Library/Keychains/login.keychain-db";
  expect(store.adding(certificate).map((action) => wordsOf(action))).toEqual([
    ["security", "add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-k", keychain, certificate.path],
  ]);
  expect(store.removing(certificate).map((action) => wordsOf(action))).toEqual([
    ["security", "remove-trusted-cert", certificate.path],
    ["security", "delete-certificate", "-Z", certificate.sha1, keychain],
  ]);
  expect(await store.look(certificate)).toEqual(known("trusted"));
  expect(await store.look({ ...certificate, sha1: "FF" })).toEqual(known("absent"));
  expect(asked[0]).toEqual(["security", "find-certificate", "-a", "-Z", "-c", "Portolan local CA", keychain]);
  const root = keychainStore({ ...here, isRoot: true });
  expect(wordsOf(root.adding(certificate)[0]!).slice(1, 5)).toEqual(["add-trusted-cert", "-d", "-r", "trustRoot"]);
  expect(root.path).toBe("/Library/Keychains/System.keychain");
});

test("Windows (a stand-in): the user's root store, by Windows's own certutil", async () => {
  const asked: (readonly string[])[] = [];
  const here = surroundings({
    platform: "win32",
    environment: { SystemRoot: String.raw`D:\Windows` },
    ask: (program, words) => {
      asked.push([program, ...words]);
      return Promise.resolve(words.includes(certificate.sha1) ? "Root" : null);
    },
  });
  const store = windowsStore(here);
  const program = String.raw`D:\Windows\System32\certutil.exe`;
  expect(store.adding(certificate).map((action) => wordsOf(action))).toEqual([
    [program, "-user", "-addstore", "Root", certificate.path],
  ]);
  expect(store.removing(certificate).map((action) => wordsOf(action))).toEqual([
    [program, "-user", "-delstore", "Root", certificate.sha1],
  ]);
  expect(await store.look(certificate)).toEqual(known("trusted"));
  expect(await store.look({ ...certificate, sha1: "FF" })).toEqual(known("absent"));
  expect(asked[0]).toEqual([program, "-user", "-store", "Root", certificate.sha1]);
});

test("a shell reads the words as they were meant", () => {
  const words = ["printf", "%s\\n", "it's", "a b", "$HOME", "`id`", "", "-n", "ä;&|<>*?", '"', "plain-1.2/3"];
  const said = execFileSync("sh", ["-c", shellText(words)], { encoding: "utf8" });
  expect(said).toBe(`${words.slice(2).join("\n")}\n`);
});
