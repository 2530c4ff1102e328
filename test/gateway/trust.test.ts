/**
 * @module `gateway trust` and `gateway untrust`: the system's own store and users' browsers, really changed in a mount namespace and in home folders of the
 * test's own; and Chromium, which refuses before and accepts after.
 */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildLeaf, certificatePem } from "../../src/gateway/certificates/build-certificate.ts";
import { openCertificates, type Credentials } from "../../src/gateway/certificates/open-certificates.ts";
import { readAuthority } from "../../src/gateway/index.ts";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import type { TrustResult } from "../../src/operations/trust.ts";
import type { UntrustResult } from "../../src/operations/untrust.ts";
import { startBrowser, whyNoBrowser } from "../support/browser.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { openPrivateMounts, whyNoPrivateMounts, type PrivateMounts } from "../support/private-mounts.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const noCertutil = whyNoProgram("certutil", "libnss3-tools");
const noStores = whyNoProgram("update-ca-certificates", "ca-certificates") ?? whyNoProgram("openssl", "openssl");
const userId = 54_321;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(requireOrSkip("trust stores", whyNoPrivateMounts(), noCertutil, noStores))("trust stores", () => {
  let mounts: PrivateMounts;
  let home: string;

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "ptr-"));
    chownSync(home, userId, userId);
  });

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  afterEach(async () => {
    await mounts?.end();
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home);
    chownSync(home, userId, userId);
  });

  async function open(): Promise<void> {
    mounts = await openPrivateMounts([`ada:x:${userId}:${userId}:Ada:${home}:/bin/sh`]);
  }

  async function inside(words: readonly string[], environment: Record<string, string>): Promise<Outcome> {
    const [program = "", ...rest] = words;
    const child = mounts.spawnIn(program, rest, {
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  }

  const asAda = ["setpriv", "--reuid", String(userId), "--regid", String(userId), "--clear-groups"];
  const portolan = [process.execPath, commandPath];
  /** Root by `sudo`, whose environment it is. */
  const sudo = { HOME: "/root", SUDO_UID: String(userId), SUDO_GID: String(userId), SUDO_USER: "ada" };

  async function json<Result>(outcome: Promise<Outcome>, status: number): Promise<Result> {
    const { status: ended, stdout, stderr } = await outcome;
    expect([ended, stderr]).toEqual([status, expect.any(String)]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as Result;
  }

  /** Names of everything in the system's store, and the certificates that programs read. */
  async function systemStore(): Promise<{ readonly names: string; readonly bundle: string }> {
    const { stdout: names } = await inside(["ls", "/usr/local/share/ca-certificates", "/etc/ssl/certs"], {});
    const { stdout: bundle } = await inside(["cat", "/etc/ssl/certs/ca-certificates.crt"], {});
    return { names, bundle };
  }

  test("sudo means who typed it: their authority, their browsers, and the system; untrust leaves nothing", async () => {
    await open();
    const before = await systemStore();
    const profile = join(home, ".mozilla", "firefox", "abc.default");
    mkdirSync(profile, { recursive: true });
    for (const path of [".mozilla", ".mozilla/firefox", ".mozilla/firefox/abc.default"])
      chownSync(join(home, path), userId, userId);
    await inside([...asAda, "certutil", "-N", "-d", `sql:${profile}`, "--empty-password"], { HOME: home });
    const outside = readdirSync("/usr/local/share/ca-certificates");
    // Whoever runs this as root may have one of their own.
    const ofRoot = existsSync("/root/.local/state/portolan/ca");
    const trusted = await json<TrustResult>(inside([...portolan, "gateway", "trust", "--yes", "--json"], sudo), 0);
    expect(trusted.outcome).toBe("done");
    expect(trusted.steps.map(({ title, outcome }) => [title, outcome])).toEqual(
      expect.arrayContaining([
        ["this system", "done"],
        ["Firefox, profile abc.default", "done"],
      ]),
    );
    const authority = join(home, ".local/state/portolan/ca");
    expect(trusted.authority!.certificatePath).toBe(join(authority, "portolan-ca.pem"));
    expect(trusted.authority!.subject).toMatch(/^Portolan local CA, ada@/);
    for (const path of [authority, join(authority, "authority.json"), join(authority, "portolan-ca.pem")])
      expect([path, statSync(path).uid]).toEqual([path, userId]);
    for (const name of readdirSync(profile)) expect([name, statSync(join(profile, name)).uid]).toEqual([name, userId]);
    expect(existsSync("/root/.local/state/portolan/ca")).toBe(ofRoot);
    // Programs of the system trust it now; this machine's own store is as it was.
    const read = ["openssl", "verify", "-CApath", "/etc/ssl/certs", trusted.authority!.certificatePath];
    expect(await inside(read, {})).toMatchObject({ status: 0 });
    expect((await systemStore()).bundle).toContain(readFileSync(trusted.authority!.certificatePath, "utf8").trim());
    expect(readdirSync("/usr/local/share/ca-certificates")).toEqual(outside);
    const again = await json<TrustResult>(inside([...portolan, "gateway", "trust", "--json"], sudo), 0);
    expect(new Set(again.steps.map(({ outcome }) => outcome))).toEqual(new Set(["already"]));
    const user = { HOME: home };
    const status = await json<GatewayResult>(inside([...asAda, ...portolan, "gateway", "--json"], user), 1);
    expect(status.authority!.fingerprintSha256).toBe(trusted.authority!.fingerprintSha256);
    for (const { trusted: told } of status.authority!.stores) expect(told).toEqual({ known: true, value: true });

    const taken = await json<UntrustResult>(
      inside([...portolan, "gateway", "untrust", "--delete", "--yes", "--json"], sudo),
      0,
    );
    expect([taken.outcome, taken.deleted]).toEqual(["done", true]);
    expect(await systemStore()).toEqual(before);
    expect(existsSync(authority)).toBe(false);
    const listed = await inside(["certutil", "-L", "-d", `sql:${profile}`], {});
    expect([listed.status, listed.stdout]).toEqual([0, expect.not.stringContaining("Portolan")]);
  });

  test("without root the browsers are done, and the commands for the rest are said, which work", async () => {
    await open();
    const user = { HOME: home };
    mkdirSync(join(home, ".pki"), { mode: 0o700 });
    chownSync(join(home, ".pki"), userId, userId);
    mkdirSync(join(home, ".pki/nssdb"), { mode: 0o700 });
    chownSync(join(home, ".pki/nssdb"), userId, userId);
    await inside([...asAda, "certutil", "-N", "-d", `sql:${home}/.pki/nssdb`, "--empty-password"], user);
    const told = await inside([...asAda, ...portolan, "gateway", "trust", "--yes"], user);
    expect([told.status, told.stdout]).toEqual([1, expect.stringMatching(/\/\.pki\/nssdb: trusted now\./)]);
    expect(told.stdout).toMatch(/this system .*: not done, it takes root\. To put it in:\n/);
    const commands = told.stdout.match(/^ {2}sudo .+$/gm)!.map((line) => line.trim().split(" ").slice(1));
    expect(commands).toEqual([
      ["install", "-m", "644", expect.stringContaining(home), expect.stringMatching(/\/portolan-[0-9a-f]{16}\.crt$/)],
      [expect.stringMatching(/update-ca-certificates$/)],
    ]);
    for (const words of commands) expect(await inside(words, {})).toMatchObject({ status: 0 });
    const again = await json<TrustResult>(inside([...asAda, ...portolan, "gateway", "trust", "--json"], user), 0);
    expect(new Set(again.steps.map(({ outcome }) => outcome))).toEqual(new Set(["already"]));
    const only = ["gateway", "untrust", "--only", "browsers", "--yes", "--json"];
    await json<UntrustResult>(inside([...asAda, ...portolan, ...only], user), 0);
    const left = await json<UntrustResult>(inside([...asAda, ...portolan, "gateway", "untrust", "--json"], user), 1);
    expect(left.steps).toMatchObject([
      {
        title: "this system",
        outcome: "root",
        commands: [expect.stringMatching(/^sudo rm -f /), expect.stringMatching(/^sudo .*--fresh$/)],
      },
    ]);
    // The key can go all the same; the certificate is kept, so that it can be found and taken out later.
    const deleted = await inside([...asAda, ...portolan, "gateway", "untrust", "--delete", "--yes"], user);
    expect(deleted.status).toBe(1);
    expect(readdirSync(join(home, ".local/state/portolan/ca"))).toEqual([expect.stringMatching(/^former-/)]);
    const rest = await json<UntrustResult>(inside([...portolan, "gateway", "untrust", "--yes", "--json"], sudo), 0);
    expect(rest.steps).toMatchObject([{ title: "this system", outcome: "done" }]);
    expect(readdirSync(join(home, ".local/state/portolan/ca"))).toEqual([]);
  });

  test("a database with a password is told, and what got there without trust is put right or taken out", async () => {
    await open();
    const user = { HOME: home };
    const profile = join(home, ".librewolf", "x.default");
    const password = join(home, "password");
    writeFileSync(password, "secret\n");
    await inside([...asAda, "mkdir", "-p", profile], user);
    await inside([...asAda, "certutil", "-N", "-d", `sql:${profile}`, "-f", password], user);
    // Without a terminal to ask at.
    const alone = ["setsid", "--wait", ...asAda, ...portolan, "gateway"];
    const only = ["--only", "browsers", "--yes", "--json"];
    const steps = (await json<TrustResult>(inside([...alone, "trust", ...only], user), 1)).steps;
    expect(steps.find(({ path }) => path === profile)).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("It has a password"),
    });
    const without = ["certutil", "-W", "-d", `sql:${profile}`, "-f", password, "-@", "/dev/null"];
    expect(await inside([...asAda, ...without], user)).toMatchObject({ status: 0 });
    const again = (await json<TrustResult>(inside([...alone, "trust", ...only], user), 0)).steps;
    expect(again.find(({ path }) => path === profile)).toMatchObject({ outcome: "done" });
  });

  test("an authority that is made anew takes the place of the earlier one in every store", async () => {
    await open();
    const first = await json<TrustResult>(inside([...portolan, "gateway", "trust", "--yes", "--json"], sudo), 0);
    const words = ["gateway", "trust", "--ca-names", "shop.test", "--json"];
    const proposed = await json<TrustResult>(inside([...portolan, ...words, "--dry-run"], sudo), 0);
    expect(proposed.authority).toBeNull();
    expect(proposed.notes).toEqual(["The certificate authority did not cover shop.test."]);
    const second = await json<TrustResult>(inside([...portolan, ...words, "--yes"], sudo), 0);
    expect(second.authority!.names).toEqual(["localhost", "shop.test"]);
    const wanted = second.steps.map(({ wanted: state, outcome, fingerprintSha256 }) => [
      state,
      outcome,
      fingerprintSha256,
    ]);
    expect(wanted).toContainEqual(["absent", "done", first.authority!.fingerprintSha256]);
    expect(wanted).toContainEqual(["trusted", "done", second.authority!.fingerprintSha256]);
    expect((await systemStore()).names.match(/portolan-[0-9a-f]{16}\.crt/g)).toHaveLength(1);
    expect(readdirSync(join(home, ".local/state/portolan/ca")).toSorted()).toEqual([
      "authority.json",
      "portolan-ca.pem",
    ]);
  });

  test("nobody is asked in a pipe, nothing is done without a word, and what cannot be is said", async () => {
    await open();
    const asked = await inside([...portolan, "gateway", "trust"], sudo);
    expect([asked.status, asked.stderr]).toEqual([1, expect.stringContaining("CONFIRMATION_NEEDED")]);
    expect(asked.stderr).toMatch(/install -m 644 .*portolan-ca\.pem/);
    expect(existsSync(join(home, ".local"))).toBe(false);
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [["trust", "--ca-names", "com"], 2, "is a whole top-level domain"],
      [["trust", "--ca-names", "a b"], 2, "AUTHORITY_NAME_INVALID"],
      [["trust", "--ca-names", "10.0.0.1"], 2, "AUTHORITY_NAME_INVALID"],
      [["trust", "--only", "dogs"], 2, "system, browsers"],
      [["start", "--ca-names", "dev"], 2, "is a whole top-level domain"],
    ];
    for (const [words, status, said] of cases) {
      const outcome = await inside([...portolan, "gateway", ...words], sudo);
      expect([words, outcome.status, outcome.stderr]).toEqual([words, status, expect.stringContaining(said)]);
    }
    const nobody = await inside([...portolan, "gateway", "trust"], { ...sudo, SUDO_UID: "54399" });
    expect([nobody.status, nobody.stderr]).toEqual([3, expect.stringContaining("does not know the user 54399")]);
    const none = await inside([...portolan, "gateway", "untrust"], sudo);
    expect([none.status, none.stdout]).toEqual([0, "No trust store has it.\n"]);
  });
});

describe.skipIf(requireOrSkip("Chromium and certificates", whyNoBrowser(), noCertutil))("Chromium", () => {
  const home = mkdtempSync(join(tmpdir(), "pcr-"));
  const stateFolder = join(home, "state");
  const environment = { HOME: home, PORTOLAN_STATE_HOME: stateFolder };
  const servers: Server[] = [];

  afterAll(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(home, { recursive: true, force: true });
  });

  async function serve(
    contextFor: (name: string) => Promise<SecureContext | undefined>,
    own: Credentials | undefined,
  ): Promise<number> {
    const server = createServer(
      {
        ...own,
        SNICallback: (name, done) => {
          void (async () => done(null, await contextFor(name)))();
        },
      },
      (request, response) => response.end(`for ${request.headers.host!.split(":")[0]}`),
    ).listen(0, "127.0.0.1");
    server.on("tlsClientError", () => undefined);
    servers.push(server);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** What a new browser says to each address: its text, or the error. */
  async function visit(urls: readonly string[]): Promise<string[]> {
    const rules =
      "MAP *.localhost 127.0.0.1, MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";
    const browser = await startBrowser({ rules, environment: { HOME: home } });
    try {
      const page = await browser.newPage();
      const said: string[] = [];
      for (const url of urls) {
        said.push(
          await page.goto(url).then(
            () => page.innerText("body"),
            (error: Error) => /net::(\w+)/.exec(error.message)?.[1] ?? error.message,
          ),
        );
      }
      return said;
    } finally {
      await browser.close();
    }
  }

  test(
    "refuses before, accepts after, and never a name outside, whoever has the key",
    { timeout: 60_000 },
    async () => {
      const source = await openCertificates({ stateFolder, nowMs: Date.now, mayHave: () => true, extraNames: [] });
      const port = await serve((name) => source.contextFor(name), await source.ownCredentials());
      const authority = readAuthority(stateFolder)!;
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const stolen = createSecureContext({
        key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
        cert: certificatePem(
          buildLeaf({
            authority: {
              certificate: new X509Certificate(authority.certificate).raw,
              privateKey: createPrivateKey(authority.privateKey),
            },
            publicKey,
            names: ["bank.example"],
            addresses: [],
            validity: { notBeforeMs: Date.now() - 86_400_000, notAfterMs: Date.now() + 86_400_000 },
          }),
        ),
      });
      const thief = await serve(() => Promise.resolve(stolen), undefined);
      const urls = [
        `https://shop.localhost:${port}/`,
        `https://fix-login.shop.localhost:${port}/`,
        `https://127.0.0.1:${port}/`,
        `https://bank.example:${thief}/`,
      ];
      const refused = "ERR_CERT_AUTHORITY_INVALID";
      expect((await visit(urls)).slice(0, 3)).toEqual([refused, refused, refused]);
      const words = ["gateway", "trust", "--only", "browsers", "--yes", "--json"];
      const outcome = await runCommand(words, { environment });
      expect([outcome.status, outcome.stderr]).toEqual([0, ""]);
      // Which of both it is depends on the browser's version.
      expect((JSON.parse(outcome.stdout) as TrustResult).steps.map(({ path }) => path)).toEqual([
        expect.stringMatching(/\/(?:\.pki|\.local\/share\/pki)\/nssdb$/),
      ]);
      expect(await visit(urls)).toEqual([
        "for shop.localhost",
        "for fix-login.shop.localhost",
        "for 127.0.0.1",
        "ERR_CERT_INVALID",
      ]);
      expect((await runCommand(["gateway", "untrust", "--only", "browsers", "--yes"], { environment })).status).toBe(0);
      expect(await visit(urls.slice(0, 1))).toEqual([refused]);
    },
  );
});
