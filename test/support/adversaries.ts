/**
 * @module Servers that misbehave, one each: what an identification must survive in bounded time and memory.
 */
import { randomBytes } from "node:crypto";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A misbehaving server on loopback. */
export interface Adversary {
  readonly name: string;
  readonly port: number;
  /** Connections that were accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Text that would harm a terminal, a web page, a C string or a decoder. */
export const hostileText = Buffer.concat([
  Buffer.from("\u001b]0;owned\u0007\u001b[31m\u009b2J<script>alert(1)</script>\0\r"),
  Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
]);

/** How each adversary treats a connection. */
export const adversaries: Readonly<Record<string, (socket: Socket) => void>> = {
  "says nothing": () => undefined,
  "sends one byte a second": (socket) => {
    const timer = setInterval(() => socket.write("2"), 1000);
    socket.once("close", () => {
      clearInterval(timer);
    });
  },
  "sends for ever": (socket) => {
    const piece = Buffer.alloc(64 * 1024, "A");
    const more = (): void => {
      while (socket.writable && socket.write(piece));
    };
    socket.on("drain", more);
    more();
  },
  "sends lines for ever": (socket) => {
    const piece = Buffer.from("220-welcome\r\n".repeat(4096));
    const more = (): void => {
      while (socket.writable && socket.write(piece));
    };
    socket.on("drain", more);
    more();
  },
  "closes at once": (socket) => {
    socket.end();
  },
  resets: (socket) => {
    socket.resetAndDestroy();
  },
  "answers with random bytes": (socket) => {
    socket.on("data", () => socket.write(randomBytes(300)));
  },
  "greets with random bytes": (socket) => {
    socket.write(randomBytes(300));
  },
  "replays a mail server's greeting": (socket) => {
    socket.write("220 mx.example ESMTP Postfix\r\n");
    socket.on("data", () => socket.write("220 mx.example ESMTP Postfix\r\n"));
  },
  "replays a file server's greeting and then echoes": (socket) => {
    socket.write("220 (vsFTPd 3.0.3)\r\n");
    socket.on("data", (bytes) => socket.write(bytes));
  },
  echoes: (socket) => {
    socket.on("data", (bytes) => socket.write(bytes));
  },
  "sends a line of 100 MB": (socket) => {
    const piece = Buffer.alloc(1 << 20, "x");
    let left = 100;
    const more = (): void => {
      while (left > 0 && socket.writable) {
        left -= 1;
        if (!socket.write(piece)) return;
      }
      if (left === 0) socket.end("\r\n");
    };
    socket.on("drain", more);
    more();
  },
  "greets with escapes, HTML, NUL and invalid UTF-8": (socket) => {
    socket.write(Buffer.concat([Buffer.from("220 "), hostileText, Buffer.from("\r\n")]));
  },
  "names itself with escapes in SSH": (socket) => {
    socket.write(Buffer.concat([Buffer.from("SSH-2.0-Open\u001b[31mSSH_9 "), hostileText, Buffer.from("\r\n")]));
  },
  "names itself with escapes in HTTP": (socket) => {
    socket.on("data", () => {
      socket.end(
        Buffer.concat([
          Buffer.from("HTTP/1.1 200 OK\r\nServer: "),
          hostileText,
          Buffer.from("/1.0\r\nContent-Length: 30\r\n\r\n<title>\u001b[2J<b>x</b></title>"),
        ]),
      );
    });
  },
  "redirects to itself for ever": (socket) => {
    socket.on("data", () =>
      socket.write("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
    );
  },
  "sends headers for ever": (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const piece = Buffer.from("X-Filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000));
      const more = (): void => {
        while (socket.writable && socket.write(piece));
      };
      socket.on("drain", more);
      more();
    });
  },
  "sends a body for ever": (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const piece = Buffer.from("10\r\n0123456789abcdef\r\n".repeat(1000));
      const more = (): void => {
        while (socket.writable && socket.write(piece));
      };
      socket.on("drain", more);
      more();
    });
  },
  "starts TLS and never finishes": (socket) => {
    socket.once("data", () => socket.write(Buffer.from("160303007a020000760303", "hex")));
  },
};

/** Starts one. */
export async function startAdversary(name: string, port = 0): Promise<Adversary> {
  const behave = adversaries[name];
  if (behave === undefined) throw new Error(`no adversary ${name}`);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    behave(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    name,
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
