/**
 * @module The certificate authority and what it signs, read by OpenSSL and by Node's client; several that ask at once, damage, ends of validity, floods.
 */
import { execFile } from "node:child_process";
import { X509Certificate, createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type SecureContext } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { buildLeaf, certificatePem } from "../../src/gateway/certificates/build-certificate.ts";
import { ensureAuthority } from "../../src/gateway/certificates/ensure-authority.ts";
import { openCertificates } from "../../src/gateway/certificates/open-certificates.ts";
import { isCoveredName, readAuthority, variablesForNode, type Authority } from "../../src/gateway/index.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";

const run = promisify(execFile);
const dayMs = 86_400_000;
const enginePath = fileURLToPath(new URL("../../dist/bin/app/engine.cjs", import.meta.url));
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pca-"));
  folders.push(folder);
  return folder;
}

function options(stateFolder: string, changes: Partial<Parameters<typeof openCertificates>[0]> = {}) {
  return { stateFolder, nowMs: Date.now, mayHave: () => true, extraNames: [] as readonly string[], ...changes };
}

async function newAuthority(extraNames: readonly string[] = []): Promise<Authority> {
  return (await ensureAuthority({ stateFolder: newFolder(), nowMs: Date.now, extraNames })).authority;
}

/** A certificate that is signed whatever the constraints say, as whoever had the key could. */
function signLeaf(authority: Authority, names: readonly string[], addresses: readonly string[] = []) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certificate = buildLeaf({
    authority: {
      certificate: new X509Certificate(authority.certificate).raw,
      privateKey: createPrivateKey(authority.privateKey),
    },
    publicKey,
    names,
    addresses,
    validity: { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs },
  });
  return {
    cert: certificatePem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** What a client sees of a context. */
async function shownBy(
  context: SecureContext | undefined,
  ca: string,
  servername: string,
): Promise<{ readonly authorized: boolean; readonly error: string; readonly certificate: X509Certificate }> {
  const server = createServer({ SNICallback: (_name, done) => done(null, context) }).listen(0, "127.0.0.1");
  server.on("tlsClientError", () => undefined);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1", servername, ca, rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect");
    const certificate = socket.getPeerX509Certificate()!;
    return { authorized: socket.authorized, error: String(socket.authorizationError), certificate };
  } finally {
    socket.destroy();
    server.close();
  }
}

const skip = requireOrSkip("certificates read by OpenSSL", whyNoProgram("openssl", "openssl"));

describe.skipIf(skip)("read by OpenSSL", () => {
  test("the authority says what it is, and is its user's alone", async () => {
    const authority = await newAuthority(["test"]);
    const { stdout } = await run("openssl", ["x509", "-in", authority.certificatePath, "-noout", "-text"]);
    expect(stdout).toMatch(/Basic Constraints: critical\n +CA:TRUE, pathlen:0\n/);
    expect(stdout).toMatch(/Key Usage: critical\n +Certificate Sign, CRL Sign\n/);
    expect(stdout).toMatch(/Extended Key Usage: *\n +TLS Web Server Authentication\n/);
    expect(stdout).toMatch(/Subject Key Identifier: *\n +(?:[0-9A-F]{2}:){19}/);
    const constraints = /Name Constraints: critical\n((?: {16,}.+\n)+)/.exec(stdout)![1]!;
    expect(constraints.trim().split(/\n */)).toEqual([
      "Permitted:",
      "DNS:localhost",
      "DNS:test",
      "IP:127.0.0.0/255.0.0.0",
      "IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF",
      "email:localhost",
      "URI:localhost",
    ]);
    expect(stdout).toContain("NIST CURVE: P-256");
    expect(authority.subject).toMatch(/^Portolan local CA, [^@]+@./);
    const years = (authority.notAfterMs - Date.now()) / (365.25 * dayMs);
    expect(Math.round(years)).toBe(10);
    expect(authority.names).toEqual(["localhost", "test"]);
    const folder = join(authority.certificatePath, "..");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "authority.json")).mode & 0o777).toBe(0o600);
    // The file for other programs has no key in it.
    expect(readFileSync(authority.certificatePath, "utf8")).toBe(authority.certificate);
    expect(authority.certificate).not.toContain("PRIVATE");
  });

  test("what it may vouch for is accepted, and nothing else", { timeout: 60_000 }, async () => {
    const authority = await newAuthority(["test", "shop.example"]);
    const path = join(newFolder(), "leaf.pem");
    const verify = async (names: readonly string[], addresses: readonly string[] = []): Promise<string> => {
      writeFileSync(path, signLeaf(authority, names, addresses).cert);
      const words = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", authority.certificatePath, path];
      return run("openssl", words).then(
        ({ stdout }) => stdout.trim().split(": ").at(-1)!,
        ({ stderr }: { stderr: string }) => /error 47|permitted subtree violation/.exec(stderr)?.[0] ?? stderr,
      );
    };
    const inside: readonly (readonly [readonly string[], readonly string[]])[] = [
      [["localhost"], []],
      [["shop.localhost"], []],
      [["a.b.c.shop.localhost"], []],
      [["test"], []],
      [["shop.test"], []],
      [["api.shop.example"], []],
      [["localhost"], ["127.0.0.1", "::1"]],
      [[], ["127.9.8.7"]],
    ];
    for (const [names, addresses] of inside)
      expect([names, addresses, await verify(names, addresses)]).toEqual([names, addresses, "OK"]);
    const outside: readonly (readonly [readonly string[], readonly string[]])[] = [
      [["example.com"], []],
      [["localhost.example.com"], []],
      [["notlocalhost"], []],
      [["shop.local"], []],
      [["nottest"], []],
      [["example"], []],
      [["myshop.example"], []],
      [["*.com"], []],
      [["shop.localhost", "example.com"], []],
      [[], ["10.0.0.1"]],
      [[], ["128.0.0.1"]],
      [[], ["126.255.255.255"]],
      [[], ["0.0.0.0"]],
      [[], ["192.168.1.8"]],
      [[], ["::"]],
      [[], ["::2"]],
      [[], ["fe80::1"]],
      [[], ["::ffff:127.0.0.1"]],
      [["shop.localhost"], ["8.8.8.8"]],
    ];
    for (const [names, addresses] of outside)
      expect([names, addresses, await verify(names, addresses)]).toEqual([
        names,
        addresses,
        expect.stringMatching(/error 47|permitted/),
      ]);
  });

  test("one that could vouch for anything is not taken for Portolan's, and so is never put into a store", async () => {
    const authority = await newAuthority();
    const stateFolder = join(authority.certificatePath, "../..");
    const [key, certificate] = ["key.pem", "certificate.pem"].map((name) => join(stateFolder, name));
    const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"];
    await run("openssl", [...words, "-keyout", key!, "-out", certificate!]);
    const content = {
      certificate: readFileSync(certificate!, "utf8"),
      privateKey: readFileSync(key!, "utf8"),
      names: ["localhost"],
    };
    expect(new X509Certificate(content.certificate).ca).toBe(true);
    writeFileSync(join(stateFolder, "ca/authority.json"), JSON.stringify({ version: 1, content }));
    expect(() => readAuthority(stateFolder)).toThrow(expect.objectContaining({ code: "AUTHORITY_UNUSABLE" }));
  });

  test("a certificate is for its very name, for ninety days, and for servers", async () => {
    const stateFolder = newFolder();
    const source = await openCertificates(options(stateFolder));
    const authority = readAuthority(stateFolder)!;
    const { certificate, authorized } = await shownBy(
      await source.contextFor("Shop.LocalHost."),
      authority.certificate,
      "shop.localhost",
    );
    expect(authorized).toBe(true);
    expect(certificate.subjectAltName).toBe("DNS:shop.localhost");
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(Math.round((Date.parse(certificate.validTo) - Date.now()) / dayMs)).toBe(90);
    expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    const path = join(newFolder(), "leaf.pem");
    writeFileSync(path, certificate.toString());
    const { stdout } = await run("openssl", ["x509", "-in", path, "-noout", "-text"]);
    const issuer = await run("openssl", ["x509", "-in", authority.certificatePath, "-noout", "-text"]);
    const identifier = /Subject Key Identifier: *\n +([0-9A-F:]+)/.exec(issuer.stdout)![1]!;
    expect(/Authority Key Identifier: *\n +(?:keyid:)?([0-9A-F:]+)/.exec(stdout)![1]).toBe(identifier);
  });
});

const noNss = whyNoProgram("vfychain", "libnss3-tools") ?? whyNoProgram("certutil", "libnss3-tools");

describe.skipIf(requireOrSkip("certificates read by NSS", noNss))("read by NSS", () => {
  test("a name or an address inside is accepted, one outside is not", async () => {
    const authority = await newAuthority();
    const folder = newFolder();
    const database = ["-d", `sql:${folder}`];
    await run("certutil", ["-N", ...database, "--empty-password"]);
    await run("certutil", ["-A", ...database, "-t", "C,,", "-n", "ca", "-i", authority.certificatePath]);
    const verify = async (names: readonly string[], addresses: readonly string[]): Promise<string> => {
      const path = join(folder, "leaf.pem");
      writeFileSync(path, signLeaf(authority, names, addresses).cert);
      return run("vfychain", [...database, "-u", "1", "-a", path]).then(
        () => "good",
        ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
      );
    };
    expect(await verify(["shop.localhost"], [])).toBe("good");
    expect(await verify(["localhost"], ["127.0.0.1", "::1"])).toBe("good");
    for (const [names, addresses] of [
      [["example.com"], []],
      [["shop.localhost", "example.com"], []],
      [["shop.localhost"], ["10.0.0.1"]],
      [["shop.localhost"], ["fe80::1"]],
    ] as const)
      expect(await verify(names, addresses)).toContain("not permitted to issue a certificate with this name");
  });
});

describe("read by Node's client", () => {
  test("a name inside is accepted, one outside is not, whatever it claims", async () => {
    const authority = await newAuthority();
    const ask = async (name: string, addresses: readonly string[] = []) => {
      const { createSecureContext } = await import("node:tls");
      return shownBy(createSecureContext(signLeaf(authority, [name], addresses)), authority.certificate, name);
    };
    expect(await ask("shop.localhost")).toMatchObject({ authorized: true });
    expect(await ask("shop.localhost", ["127.0.0.1", "::1"])).toMatchObject({ authorized: true });
    // Node has no word for OpenSSL's "permitted subtree violation".
    for (const [name, address] of [
      ["example.com", "127.0.0.1"],
      ["shop.localhost", "192.168.1.8"],
    ] as const)
      expect(await ask(name, [address])).toMatchObject({ authorized: false, error: "UNSPECIFIED" });
  });
});

describe("names", () => {
  test("who asks for what has no certificate gets none, or this machine's own", async () => {
    const stateFolder = newFolder();
    const source = await openCertificates(options(stateFolder, { extraNames: ["test"] }));
    const own = await source.contextFor(undefined);
    expect(await source.contextFor("localhost")).toBe(own);
    expect(await source.contextFor("portolan.localhost")).toBe(own);
    const { certificate } = await shownBy(own, readAuthority(stateFolder)!.certificate, "localhost");
    expect(certificate.subjectAltName).toBe(
      "DNS:localhost, DNS:portolan.localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
    expect(await source.contextFor("shop.test")).toBeDefined();
    for (const name of ["example.com", "localhost.com", "xlocalhost", "*.localhost", "a..localhost", "-.localhost"])
      expect([name, await source.contextFor(name)]).toEqual([name, undefined]);
    for (const name of [`${"a".repeat(64)}.localhost`, `${"a.".repeat(150)}localhost`, "a b.localhost", "ä.localhost"])
      expect([name, await source.contextFor(name)]).toEqual([name, undefined]);
    expect(isCoveredName("Shop.Test", source.authority)).toBe(true);
    expect(isCoveredName("shop.nottest", source.authority)).toBe(false);
  });

  test("asked for many times at the same moment, one is made", async () => {
    const source = await openCertificates(options(newFolder()));
    const contexts = await Promise.all(Array.from({ length: 50 }, () => source.contextFor("shop.localhost")));
    expect(new Set(contexts).size).toBe(1);
    expect(contexts[0]).toBeDefined();
  });

  test("a flood of names that nobody has makes few, and what somebody has is served all the same", async () => {
    let now = Date.now();
    const mayHave = (name: string): boolean => name === "shop.localhost";
    const source = await openCertificates(options(newFolder(), { mayHave, nowMs: () => now }));
    const flood = async (): Promise<Set<unknown>> => {
      const seen = new Set<unknown>();
      for (let index = 0; index < 3000; index++)
        seen.add(await source.contextFor(`${randomBytes(6).toString("hex")}.localhost`));
      return seen;
    };
    // Thirty at once, and this machine's own for all the others.
    expect((await flood()).size).toBe(31);
    expect((await flood()).size).toBe(1);
    now += 10_000;
    expect((await flood()).size).toBe(6);
    expect(await source.contextFor("shop.localhost")).not.toBe(await source.contextFor(undefined));
  });

  test("of more names than are kept the longest unasked-for are made anew", async () => {
    const source = await openCertificates(options(newFolder(), { mostKept: 20 }));
    const first = await source.contextFor("first.localhost");
    const second = await source.contextFor("second.localhost");
    for (let index = 0; index < 18; index++) await source.contextFor(`n${index}.localhost`);
    expect(await source.contextFor("first.localhost")).toBe(first);
    await source.contextFor("one-more.localhost");
    expect(await source.contextFor("first.localhost")).toBe(first);
    expect(await source.contextFor("second.localhost")).not.toBe(second);
  });
});

describe("time", () => {
  test("a certificate is made anew before its end, and when the clock is set back", async () => {
    let now = Date.now();
    const source = await openCertificates(options(newFolder(), { nowMs: () => now }));
    const first = await source.contextFor("shop.localhost");
    now += 59 * dayMs;
    expect(await source.contextFor("shop.localhost")).toBe(first);
    now += 2 * dayMs;
    const second = await source.contextFor("shop.localhost");
    expect(second).not.toBe(first);
    now -= 61 * dayMs;
    const third = await source.contextFor("shop.localhost");
    expect(third).not.toBe(second);
    expect(await source.contextFor("shop.localhost")).toBe(third);
  });

  test("an authority at its end is made anew, also while it is in use, and says so", async () => {
    let now = Date.now();
    const stateFolder = newFolder();
    const source = await openCertificates(options(stateFolder, { nowMs: () => now, extraNames: ["test"] }));
    expect(source.notes).toEqual([]);
    const { fingerprintSha256, notAfterMs } = source.authority;
    now = notAfterMs - dayMs / 2;
    const context = await source.contextFor("shop.localhost");
    expect(source.authority.fingerprintSha256).not.toBe(fingerprintSha256);
    expect(source.authority.names).toEqual(["localhost", "test"]);
    expect(source.notes).toEqual([expect.stringMatching(/was good until .* portolan gateway trust makes it trusted/)]);
    const { certificate } = await shownBy(context, readAuthority(stateFolder)!.certificate, "shop.localhost");
    expect(certificate.checkIssued(new X509Certificate(readAuthority(stateFolder)!.certificate))).toBe(true);
    // The earlier one can be found, to be taken out of stores.
    const former = `former-${fingerprintSha256.replaceAll(":", "").slice(0, 16).toLowerCase()}.pem`;
    expect(existsSync(join(stateFolder, "ca", former))).toBe(true);
  });
});

describe("the file", () => {
  test("six processes at the same moment make one authority", { timeout: 60_000 }, async () => {
    const stateFolder = newFolder();
    const script = `require(${JSON.stringify(enginePath)}).ensureAuthority({stateFolder:process.argv[1],nowMs:Date.now,extraNames:[]}).then(({authority,made})=>console.log(JSON.stringify({made,print:authority.fingerprintSha256})))`;
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { stdout } = await run(process.execPath, ["-e", script, stateFolder]);
        return JSON.parse(stdout) as { made: boolean; print: string };
      }),
    );
    expect(outcomes.filter(({ made }) => made)).toHaveLength(1);
    expect(new Set(outcomes.map(({ print }) => print))).toEqual(
      new Set([readAuthority(stateFolder)!.fingerprintSha256]),
    );
  });

  test("an authority that is replaced or deleted by a command is left behind at once", async () => {
    const stateFolder = newFolder();
    const source = await openCertificates(options(stateFolder));
    const first = await source.contextFor("shop.localhost");
    const other = await ensureAuthority({ stateFolder, nowMs: Date.now, extraNames: ["shop.test"] });
    expect(other.made).toBe(true);
    expect(await source.contextFor("shop.localhost")).not.toBe(first);
    expect(source.authority.fingerprintSha256).toBe(other.authority.fingerprintSha256);
    expect(await source.contextFor("shop.test")).toBeDefined();
    rmSync(join(stateFolder, "ca"), { recursive: true });
    expect(await source.contextFor("shop.localhost")).toBeDefined();
    expect(source.authority.fingerprintSha256).toBe(readAuthority(stateFolder)!.fingerprintSha256);
    expect(source.authority.fingerprintSha256).not.toBe(other.authority.fingerprintSha256);
  });

  test("names that are covered already change nothing; a start without names loses none", async () => {
    const stateFolder = newFolder();
    const wish = { stateFolder, nowMs: Date.now };
    const first = await ensureAuthority({ ...wish, extraNames: ["test"] });
    for (const extraNames of [[], ["test"], ["shop.test"], ["shop.localhost"]]) {
      const again = await ensureAuthority({ ...wish, extraNames });
      expect([extraNames, again.made, again.authority.fingerprintSha256]).toEqual([
        extraNames,
        false,
        first.authority.fingerprintSha256,
      ]);
    }
    const more = await ensureAuthority({ ...wish, extraNames: ["shop.example"] });
    expect([more.made, more.authority.names]).toEqual([true, ["localhost", "test", "shop.example"]]);
    expect(more.notes).toEqual([expect.stringContaining("did not cover shop.example")]);
  });

  test("a damaged one is kept beside and made anew, and the user is told", async () => {
    const authority = await newAuthority();
    const stateFolder = join(authority.certificatePath, "../..");
    const path = join(stateFolder, "ca", "authority.json");
    const whole = readFileSync(path, "utf8");
    const other = JSON.parse(
      readFileSync(join((await newAuthority()).certificatePath, "../authority.json"), "utf8"),
    ) as { content: { privateKey: string } };
    const mixed = JSON.parse(whole) as { content: { privateKey: string } };
    mixed.content.privateKey = other.content.privateKey;
    for (const content of ["", "{", '{"version":1,"content":{}}', whole.slice(0, 600), JSON.stringify(mixed)]) {
      writeFileSync(path, content);
      expect(() => readAuthority(stateFolder)).toThrow(expect.objectContaining({ code: "AUTHORITY_UNUSABLE" }));
      const { made, notes } = await ensureAuthority({ stateFolder, nowMs: Date.now, extraNames: [] });
      expect(made).toBe(true);
      expect(notes).toEqual([expect.stringMatching(/is damaged.*authority\.json\.damaged.*portolan gateway trust/)]);
      expect(readFileSync(`${path}.damaged`, "utf8")).toBe(content);
    }
    // The copy for other programs is made anew by itself.
    const now = readAuthority(stateFolder)!;
    rmSync(now.certificatePath);
    expect((await ensureAuthority({ stateFolder, nowMs: Date.now, extraNames: [] })).made).toBe(false);
    expect(readFileSync(now.certificatePath, "utf8")).toBe(now.certificate);
  });

  test("a Node program is told of it, unless it is told of another one", async () => {
    const { certificatePath } = await newAuthority();
    const stateFolder = join(certificatePath, "../..");
    expect(variablesForNode(stateFolder, {})).toEqual({ NODE_EXTRA_CA_CERTS: certificatePath });
    expect(variablesForNode(stateFolder, { NODE_EXTRA_CA_CERTS: "" })).toEqual({
      NODE_EXTRA_CA_CERTS: certificatePath,
    });
    expect(variablesForNode(stateFolder, { NODE_EXTRA_CA_CERTS: "/x.pem" })).toEqual({});
    expect(variablesForNode(newFolder(), {})).toEqual({});
  });

  test("one of a later version is left alone", async () => {
    const authority = await newAuthority();
    const stateFolder = join(authority.certificatePath, "../..");
    const path = join(stateFolder, "ca", "authority.json");
    writeFileSync(path, '{"version":2,"content":{}}');
    await expect(openCertificates(options(stateFolder))).rejects.toMatchObject({
      code: "AUTHORITY_UNUSABLE",
      message: expect.stringContaining("later version"),
    });
    expect(readFileSync(path, "utf8")).toBe('{"version":2,"content":{}}');
  });

  test("a key that others could read is closed, and the user is told", async () => {
    const authority = await newAuthority();
    const stateFolder = join(authority.certificatePath, "../..");
    const [folder, path] = [join(stateFolder, "ca"), join(stateFolder, "ca", "authority.json")];
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    const { notes, made } = await ensureAuthority({ stateFolder, nowMs: Date.now, extraNames: [] });
    expect(made).toBe(false);
    expect(notes).toEqual([expect.stringContaining("could be read by others")]);
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
    expect((await ensureAuthority({ stateFolder, nowMs: Date.now, extraNames: [] })).notes).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)("another user's is not used", async () => {
    const authority = await newAuthority();
    const stateFolder = join(authority.certificatePath, "../..");
    chownSync(join(stateFolder, "ca", "authority.json"), 65_534, 65_534);
    await expect(openCertificates(options(stateFolder))).rejects.toMatchObject({
      code: "AUTHORITY_UNUSABLE",
      message: expect.stringMatching(/belongs to user 65534, and this is user 0/),
    });
  });
});
