/**
 * @module A WebSocket server that echoes, and clients that wait for each echo before they send again (RFC 6455), both as cheap as Node makes them:
 * what is measured stands between them.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";

const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const acceptOf = (key) =>
  createHash("sha1")
    .update(key + keySuffix)
    .digest("base64");
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** A whole binary message as a client sends it, and as a server does. */
function framesOf(payload) {
  const length =
    payload.length < 126
      ? Buffer.from([payload.length])
      : payload.length < 65_536
        ? Buffer.from([126, payload.length >> 8, payload.length & 0xff])
        : Buffer.from([127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (payload.length >>> shift) & 0xff)]);
  const masked = payload.map((byte, index) => byte ^ mask[index & 3]);
  const masking = Buffer.from(length);
  masking[0] |= 0x80;
  return {
    fromClient: Buffer.concat([Buffer.from([0x82]), masking, mask, masked]),
    fromServer: Buffer.concat([Buffer.from([0x82]), length, payload]),
  };
}

/**
 * Starts a server for messages of these sizes, bytes: the first of a connection says which. It looks at each message's length, not at what is in it.
 * @param {readonly number[]} sizes
 */
export async function startEchoServer(port, sizes) {
  const known = sizes.map((size) => framesOf(payloadOf(size)));
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    let head = "";
    let frames;
    let pending = 0;
    const onHead = (text) => {
      head += text.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      const key = /^sec-websocket-key: *(.+?)\r$/im.exec(head)?.[1] ?? "";
      socket.off("data", onHead);
      socket.on("data", onMessage);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
    };
    const onMessage = (chunk) => {
      frames ??= known.find(({ fromClient }) => fromClient[1] === chunk[1] && sameLength(fromClient, chunk));
      pending += chunk.length;
      for (; pending >= frames.fromClient.length; pending -= frames.fromClient.length) socket.write(frames.fromServer);
    };
    socket.on("data", onHead);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function sameLength(frame, chunk) {
  return (frame[1] & 0x7f) < 126 || frame.subarray(2, 4).equals(chunk.subarray(2, 4));
}

function payloadOf(size) {
  return Buffer.alloc(size, "Portolan ");
}

/**
 * @param {{ port: number, host: string, connections: number, size: number, seconds: number }} load
 * @returns {Promise<{ rate: number, p50Ms: number, p99Ms: number, count: number, errors: number }>} round trips
 */
export async function measureEcho({ port, host, connections, size, seconds }) {
  const { fromClient, fromServer } = framesOf(payloadOf(size));
  const clients = await Promise.all(Array.from({ length: connections }, () => shakeHands(port, host)));
  const times = [];
  let errors = 0;
  let running = true;
  const begunMs = performance.now();
  let endMs = begunMs;
  await new Promise((resolve) => {
    let open = connections;
    const leave = (socket) => {
      socket.destroy();
      open -= 1;
      if (open === 0) resolve();
    };
    setTimeout(() => {
      running = false;
      endMs = performance.now();
      // Whoever has no echo by then gets none.
      setTimeout(resolve, 2000).unref();
    }, seconds * 1000);
    for (const socket of clients) {
      let received = 0;
      let sentMs = performance.now();
      socket.on("data", (chunk) => {
        const right = fromServer.subarray(received, received + chunk.length).equals(chunk);
        received += chunk.length;
        if (!right) {
          errors += 1;
          return leave(socket);
        }
        if (received < fromServer.length) return;
        received = 0;
        if (!running) return leave(socket);
        const nowMs = performance.now();
        times.push(nowMs - sentMs);
        sentMs = nowMs;
        socket.write(fromClient);
      });
      socket.on("close", () => {
        if (running) errors += 1;
      });
      socket.write(fromClient);
    }
  });
  for (const socket of clients) socket.destroy();
  const sorted = Float64Array.from(times).toSorted();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    rate: times.length / ((endMs - begunMs) / 1000),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    count: times.length,
    errors,
  };
}

async function shakeHands(port, host) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => socket.destroy());
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  let head = "";
  for (;;) {
    const [part] = await once(socket, "data", { signal: AbortSignal.timeout(5000) });
    head += part.toString("latin1");
    if (head.endsWith("\r\n\r\n")) break;
  }
  const right =
    head.startsWith("HTTP/1.1 101 ") && /^sec-websocket-accept: *(.+?)\r$/im.exec(head)?.[1] === acceptOf(key);
  if (!right) throw new Error(`no WebSocket: ${JSON.stringify(head.slice(0, 200))}`);
  return socket;
}
