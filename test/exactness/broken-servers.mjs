/**
 * @module Servers that are broken in one way each, for the tests of `doctor`: `KIND HOST PORT`, says `ready` when it is so.
 */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";

const [kind, host, port, ...rest] = process.argv.slice(2);
const quiet = (socket) => socket.on("error", () => undefined);

/** What each kind serves, and how it listens. */
const kinds = {
  http: () => [createHttpServer((_request, response) => response.end("here\n"))],
  v6only: () => [createHttpServer((_request, response) => response.end("here\n")), { ipv6Only: true }],
  https: () => [
    createHttpsServer({ cert: readFileSync(rest[0]), key: readFileSync(rest[1]) }, (_request, response) =>
      response.end("here\n"),
    ),
  ],
  picky: () => [
    createHttpServer((_request, response) => {
      response.statusCode = 403;
      response.end('Blocked request. This host ("shop.test") is not allowed.\n');
    }),
  ],
  resets: () => [createServer((socket) => quiet(socket).on("data", () => socket.resetAndDestroy()))],
  mute: () => [createServer((socket) => quiet(socket).resume())],
  // Listens, and then its only thread waits for what never comes.
  hangs: () => [createServer(quiet)],
  full: () => [createServer(quiet), { backlog: 1 }],
};

const [server, options = {}] = kinds[kind]();
server.listen({ host, port: Number(port), ...options }, () => {
  process.stdout.write("ready\n", () => {
    if (kind === "hangs" || kind === "full") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
});
