/**
 * @module Redis: open, behind a password, and with TLS.
 */
import { writeCertificate } from "../certificate.ts";
import { launch } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeRedis(
  id: string,
  usualPort: number,
  unusualPort: number,
  secured: { password?: boolean; tls?: boolean } = {},
): HarbourServer {
  const { password = false, tls = false } = secured;
  return {
    id,
    protocol: "redis",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    packages: ["redis-server", "openssl"],
    products: {
      product: /^redis$/i,
      versionCommand: ["redis-server", "-v"],
      versionPattern: /^Redis server v=(\S+)/m,
    },
    // Its marks are `.` debug, `-` verbose, `*` notice, `#` warning.
    logKinds: /^\d+:\w [^#]* # |SECURITY/m,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const encrypted = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
      return await launch(options, {
        program: "redis-server",
        words: [
          ...(tls ? ["--port", "0", "--tls-port", String(port), ...encrypted] : ["--port", String(port)]),
          "--bind",
          address,
          "--save",
          "",
          "--dir",
          folder,
          "--loglevel",
          "verbose",
          ...(password ? ["--requirepass", "x"] : []),
        ],
        readyLine: /Ready to accept connections/,
      });
    },
  };
}

export const redisServers: readonly HarbourServer[] = [
  describeRedis("redis", 6379, 6390),
  describeRedis("redis-password", 6379, 6391, { password: true }),
  describeRedis("redis-tls", 6380, 16_380, { tls: true }),
];
