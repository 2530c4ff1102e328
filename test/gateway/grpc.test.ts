/**
 * @module gRPC through the gateway, with its own library on both sides (@grpc/grpc-js): every kind of call, errors, deadlines, cancellation,
 * over the door of HTTP and over HTTPS.
 */
import { once } from "node:events";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Certificates } from "../../src/gateway/engine/secure-server.ts";
import { createSecureContext } from "node:tls";
import { installDeadlineMs, installPrograms } from "../programs/programs.ts";
import { makeCertificate } from "../servers/certificate.ts";
import { routeOf, startGateway, type TestGateway } from "../support/gateway.ts";

/** What of the library is used. Its own types are not installed with the product's packages. */
interface Call extends NodeJS.ReadWriteStream {
  readonly request: string;
  readonly metadata: Metadata;
  cancel(): void;
}
interface Metadata {
  set(name: string, value: string): void;
  get(name: string): string[];
}
interface Failure extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}
type Method = (...words: unknown[]) => Call;
interface Grpc {
  readonly Server: new () => {
    addService(service: object, handlers: object): void;
    bindAsync(address: string, credentials: object, done: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
  readonly ServerCredentials: { createInsecure(): object; createSsl(root: null, pairs: object[]): object };
  readonly credentials: { createInsecure(): object; createSsl(root: Buffer): object };
  readonly Metadata: new () => Metadata;
  readonly status: Readonly<Record<"OK" | "NOT_FOUND" | "DEADLINE_EXCEEDED" | "CANCELLED" | "UNAVAILABLE", number>>;
  makeGenericClientConstructor(
    service: object,
    name: string,
  ): new (address: string, credentials: object, options: object) => Record<string, Method> & { close(): void };
}

const text = { serialize: (value: string) => Buffer.from(value), deserialize: (bytes: Buffer) => bytes.toString() };

function method(name: string, requestStream: boolean, responseStream: boolean): object {
  return {
    path: `/shop.Cart/${name}`,
    requestStream,
    responseStream,
    requestSerialize: text.serialize,
    requestDeserialize: text.deserialize,
    responseSerialize: text.serialize,
    responseDeserialize: text.deserialize,
  };
}

const service = {
  ask: method("Ask", false, false),
  list: method("List", false, true),
  sum: method("Sum", true, false),
  talk: method("Talk", true, true),
  hang: method("Hang", false, false),
};

describe("gRPC", () => {
  let grpc: Grpc;
  let server: InstanceType<Grpc["Server"]>;
  let secured: InstanceType<Grpc["Server"]>;
  let gateway: TestGateway;
  let root: Buffer;
  const cancelled: (() => void)[] = [];

  beforeAll(async () => {
    await installPrograms();
    grpc = createRequire(new URL("../programs/package.json", import.meta.url))("@grpc/grpc-js") as Grpc;
    const { certificate: cert, key } = await makeCertificate();
    root = Buffer.from(cert);
    const certificates: Certificates = {
      ownCredentials: async () => ({ key, cert }),
      contextFor: async () => createSecureContext({ key, cert }),
    };
    const start = async (credentials: object): Promise<{ own: InstanceType<Grpc["Server"]>; port: number }> => {
      const own = new grpc.Server();
      own.addService(service, handlers());
      const port = await new Promise<number>((resolve, reject) => {
        own.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
      });
      return { own, port };
    };
    const plain = await start(grpc.ServerCredentials.createInsecure());
    server = plain.own;
    const tls = await start(
      grpc.ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: root }]),
    );
    secured = tls.own;
    gateway = await startGateway(
      [
        routeOf("cart", String(plain.port)),
        routeOf("h2c", `h2c://localhost:${plain.port}`),
        routeOf("tls", `https://localhost:${tls.port}`),
        routeOf("down", "127.0.0.1:1"),
      ],
      certificates,
    );
  }, installDeadlineMs);

  afterAll(async () => {
    await gateway?.close();
    server?.forceShutdown();
    secured?.forceShutdown();
  });

  function handlers(): object {
    return {
      ask: (call: Call, done: (error: object | null, value?: string) => void) => {
        if (call.request !== "nothing") return done(null, `${call.request} ${call.metadata.get("x-own").join()}`);
        const metadata = new grpc.Metadata();
        metadata.set("x-why", "empty");
        return done({ code: grpc.status.NOT_FOUND, details: "no such thing: \u00e4", metadata });
      },
      list: (call: Call) => {
        for (let index = 0; index < 1000; index += 1) call.write(`${call.request} ${index}`);
        call.end();
      },
      sum: (call: Call, done: (error: null, value: string) => void) => {
        let total = 0;
        call.on("data", (value: string) => (total += Number(value)));
        call.on("end", () => done(null, String(total)));
      },
      talk: (call: Call) => {
        call.on("data", (value: string) => call.write(value.toUpperCase()));
        call.on("end", () => call.end());
      },
      hang: (call: Call) => {
        call.on("cancelled", () => cancelled.splice(0).forEach((told) => told()));
      },
    };
  }

  async function withClient(
    name: string,
    scheme: "http" | "https",
    use: (client: Record<string, Method>) => Promise<void>,
  ): Promise<void> {
    const Client = grpc.makeGenericClientConstructor(service, "Cart");
    const [port, credentials] =
      scheme === "http"
        ? [gateway.port, grpc.credentials.createInsecure()]
        : [gateway.securePort, grpc.credentials.createSsl(root)];
    const client = new Client(`127.0.0.1:${port}`, credentials, {
      "grpc.default_authority": `${name}.localhost`,
      "grpc.ssl_target_name_override": "localhost",
      "grpc.enable_http_proxy": 0,
      "grpc.enable_retries": 0,
    });
    try {
      await use(client);
    } finally {
      client.close();
    }
  }

  const ask = (client: Record<string, Method>, name: string, ...words: unknown[]): Promise<string> =>
    new Promise((resolve, reject) => {
      client[name]!(...words, (error: Failure | null, value: string) =>
        error === null ? resolve(value) : reject(error),
      );
    });

  describe.each([
    ["http", "cart"],
    ["https", "cart"],
    ["http", "h2c"],
    ["https", "tls"],
  ] as const)("over %s to %s", (scheme, name) => {
    test("every kind of call", () =>
      withClient(name, scheme, async (client) => {
        const metadata = new grpc.Metadata();
        metadata.set("x-own", "told");
        expect(await ask(client, "ask", "hello", metadata)).toBe("hello told");
        const listed: string[] = [];
        for await (const value of client["list"]!("row")) listed.push(String(value));
        expect([listed.length, listed.at(-1)]).toEqual([1000, "row 999"]);
        const summed = new Promise((resolve, reject) => {
          const call = client["sum"]!((error: Failure | null, value: string) =>
            error === null ? resolve(value) : reject(error),
          );
          for (let index = 1; index <= 100; index += 1) call.write(String(index));
          call.end();
        });
        expect(await summed).toBe("5050");
        const talk = client["talk"]!();
        for (const word of ["one", "two"]) {
          talk.write(word);
          // Each is answered before the next is said.
          expect((await once(talk, "data"))[0]).toBe(word.toUpperCase());
        }
        talk.end();
        talk.resume();
        await once(talk, "end");
      }));

    test("an error with its words and fields; a deadline; a call that is taken back", () =>
      withClient(name, scheme, async (client) => {
        const failure = await ask(client, "ask", "nothing").then(
          () => null,
          (error: Failure) => error,
        );
        expect([failure?.code, failure?.details, failure?.metadata.get("x-why")]).toEqual([
          grpc.status.NOT_FOUND,
          "no such thing: \u00e4",
          ["empty"],
        ]);
        const noticed = new Promise<void>((resolve) => cancelled.push(resolve));
        await expect(ask(client, "hang", "x", { deadline: Date.now() + 200 })).rejects.toMatchObject({
          code: grpc.status.DEADLINE_EXCEEDED,
        });
        await noticed;
        await new Promise<void>((resolve) => {
          const hanging = client["hang"]!("x", (error: Failure) => {
            expect(error.code).toBe(grpc.status.CANCELLED);
            resolve();
          });
          setImmediate(() => hanging.cancel());
        });
      }));
  });

  test("a server that is not there is told in gRPC's own way", () =>
    withClient("down", "http", async (client) => {
      await expect(ask(client, "ask", "hello")).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
    }));
});
