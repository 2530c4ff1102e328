/**
 * @module Something between a client and a server that does what networks and proxies do: the first bytes come one by one, and a header of the
 * PROXY protocol goes before them.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What it does. */
export interface SplitterWish {
  /** Address and port of the server. */
  readonly address: string;
  readonly port: number;
  /** So many first bytes are sent one by one, each in a segment of its own. Default: none. */
  readonly oneByOne?: number;
  /** Sent before anything else: a header of the PROXY protocol. One by one as well, where first bytes are. */
  readonly header?: Uint8Array;
}

/** One that runs. */
export interface Splitter {
  readonly port: number;
  /** Connections that have had their first bytes cut up. */
  readonly cut: () => number;
  close(): void;
}

/** Starts one at the same address. */
export async function startSplitter({ address, port, oneByOne = 0, header }: SplitterWish): Promise<Splitter> {
  const sockets = new Set<Socket>();
  let cut = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const up = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, up]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.on("error", () => {
        client.destroy();
        up.destroy();
      });
    }
    up.pipe(client);
    const begin = (): void => {
      let left = oneByOne;
      let turn = Promise.resolve();
      if (header !== undefined && oneByOne > 0) turn = sendOneByOne(up, header);
      else if (header !== undefined) up.write(header);
      client.on("data", (bytes: Buffer) => {
        client.pause();
        const slow = bytes.subarray(0, left);
        if (slow.length > 0 && left === oneByOne) cut += 1;
        left -= slow.length;
        const before = turn;
        turn = (async () => {
          await before;
          await sendOneByOne(up, slow);
          if (bytes.length > slow.length) up.write(bytes.subarray(slow.length));
          client.resume();
        })();
      });
      client.once("end", () => {
        void (async () => {
          await turn;
          up.end();
        })();
      });
    };
    up.once("connect", begin);
  });
  server.listen(0, address);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => cut,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Each in its own segment: the kernel has it before the next one is written, and does not wait for more (TCP_NODELAY). */
async function sendOneByOne(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => setImmediate(resolve)));
  }
}
