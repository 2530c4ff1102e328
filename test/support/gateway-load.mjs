/**
 * @module Both ends of a load on a gateway, as processes of their own. `backend` serves HTTP and WebSockets at ports of 127.0.0.1 to
 * 127.0.0.4 and says each frame back; `client PORT` does what it is told, a line of JSON each on standard input, and answers with a line:
 * `open` so many WebSockets, `busy` so many connections that ask without a pause, `echo` on each WebSocket, `ask` once over a new
 * connection, `rest` the busy ones, `close` everything.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [role, gatewayPort] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** RFC 6455, section 4.2.2. */
const acceptOf = (key) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** A text frame shorter than 126 bytes (RFC 6455, section 5.2), masked when a client sends it. */
function frameOf(text, mask) {
  const payload = Buffer.from(text);
  if (mask === undefined) return Buffer.concat([Buffer.from([0x81, payload.length]), payload]);
  for (let index = 0; index < payload.length; index += 1) payload[index] ^= mask[index % 4];
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload]);
}

/** Reads frames of that kind as they come. */
function readFrames(socket, onText) {
  let kept = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    for (;;) {
      if (kept.length < 2) return;
      const masked = (kept[1] & 0x80) !== 0;
      const start = masked ? 6 : 2;
      const end = start + (kept[1] & 0x7f);
      if (kept.length < end) return;
      const payload = Buffer.from(kept.subarray(start, end));
      if (masked) for (let index = 0; index < payload.length; index += 1) payload[index] ^= kept[2 + (index % 4)];
      kept = kept.subarray(end);
      onText(payload.toString());
    }
  });
}

async function serve() {
  let sockets = 0;
  const ports = [];
  for (const host of ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]) {
    const server = createServer((request, response) => response.end(`${request.headers.host}${request.url}`));
    server.on("upgrade", (request, socket) => {
      sockets += 1;
      socket.on("error", () => socket.destroy());
      socket.once("close", () => (sockets -= 1)).once("end", () => socket.end());
      socket.setNoDelay(true);
      const accept = acceptOf(request.headers["sec-websocket-key"]);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      readFrames(socket, (text) => socket.write(frameOf(text)));
    });
    server.listen(0, host, 4096);
    await once(server, "listening");
    ports.push(server.address().port);
  }
  say({ ports });
  createInterface({ input: process.stdin }).on("line", () => say({ sockets }));
}

/** Does something for each of so many, so many of them at once; counts what succeeded and why the others did not. */
async function forEach(count, atOnce, act) {
  let done = 0;
  let next = 0;
  const failures = {};
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (next < count) {
        try {
          await act(next++);
          done += 1;
        } catch (error) {
          const why = error.code ?? error.message;
          failures[why] = (failures[why] ?? 0) + 1;
        }
      }
    }),
  );
  return { done, failures };
}

const nameOf = (index) => `app-${index % 4}.localhost`;

/** A connection that reads answers with a Content-Length, one after the other. */
class Line {
  constructor() {
    this.socket = connect({ host: "127.0.0.1", port: Number(gatewayPort), noDelay: true });
    this.text = "";
    this.socket.setEncoding("latin1");
    this.socket.on("data", (part) => {
      this.text += part;
      this.take();
    });
    const fail = (error) => this.waiting?.reject(error ?? new Error("closed"));
    this.socket.on("error", fail).on("close", () => fail());
  }
  take() {
    const end = this.text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.text)?.[1] ?? Number.NaN);
    if (this.text.length < end + 4 + length) return;
    const answer = { status: Number(this.text.slice(9, 12)), body: this.text.slice(end + 4, end + 4 + length) };
    this.text = this.text.slice(end + 4 + length);
    this.waiting?.resolve(answer);
  }
  ask(host, path) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    });
  }
  async askRightly(host, path) {
    const { status, body } = await this.ask(host, path);
    if (status !== 200) throw new Error(`status ${status}`);
    if (body !== host + path) throw new Error("another's answer");
  }
}

const webSockets = [];
const busy = new Set();

function openWebSocket(index) {
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString("base64");
    const socket = connect({ host: "127.0.0.1", port: Number(gatewayPort), noDelay: true });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.write(
      `GET /socket HTTP/1.1\r\nHost: ${nameOf(index)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    let head = "";
    const onData = (chunk) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      if (!head.startsWith("HTTP/1.1 101 ")) return reject(new Error(head.slice(0, 12)));
      if (!head.includes(acceptOf(key))) return reject(new Error("another's handshake"));
      readFrames(socket, (text) => socket.emit("text", text));
      webSockets.push(socket);
      resolve();
    };
    socket.on("data", onData);
  });
}

const acts = {
  open: ({ count }) => forEach(count, 200, openWebSocket),
  echo: () =>
    forEach(webSockets.length, 500, async (index) => {
      const socket = webSockets[index];
      const text = `${index} ${randomBytes(8).toString("hex")}`;
      const answered = once(socket, "text");
      const closed = once(socket, "close").then(() => Promise.reject(new Error("closed")));
      closed.catch(() => undefined);
      socket.write(frameOf(text, randomBytes(4)));
      const [back] = await Promise.race([answered, closed]);
      if (back !== text) throw new Error("another's frame");
    }),
  busy: async ({ count }) => {
    let first = 0;
    const all = new Promise((resolve) => {
      for (let index = 0; index < count; index += 1) {
        const state = { line: new Line(), answered: 0, failure: undefined, resting: false };
        busy.add(state);
        state.done = (async () => {
          try {
            while (!state.resting) {
              await state.line.askRightly(nameOf(index), `/${index}/${state.answered}`);
              state.answered += 1;
              if (state.answered === 1 && ++first === count) resolve();
            }
          } catch (error) {
            state.failure = error.code ?? error.message;
            if (state.answered === 0 && ++first === count) resolve();
          }
        })();
      }
    });
    await all;
    return { done: [...busy].filter(({ answered }) => answered > 0).length };
  },
  rest: async () => {
    const failures = {};
    let answered = 0;
    for (const state of busy) state.resting = true;
    for (const state of busy) {
      await state.done;
      answered += state.answered;
      if (state.failure !== undefined) failures[state.failure] = (failures[state.failure] ?? 0) + 1;
    }
    return { connections: busy.size, answered, failures };
  },
  ask: () =>
    forEach(1, 1, async () => {
      const line = new Line();
      await line.askRightly(nameOf(0), "/asked");
      line.socket.destroy();
    }),
  close: async () => {
    const open = [...webSockets.splice(0), ...[...busy].map(({ line }) => line.socket)];
    busy.clear();
    const closed = Promise.all(open.filter((socket) => !socket.closed).map((socket) => once(socket, "close")));
    for (const socket of open) socket.destroy();
    await closed;
    return { done: open.length };
  },
};

if (role === "backend") await serve();
else
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { act, ...options } = JSON.parse(line);
    void acts[act](options).then(say);
  });
