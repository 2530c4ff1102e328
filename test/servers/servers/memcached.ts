/**
 * @module memcached, over TCP and UDP.
 */
import { launch } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const memcachedServers: readonly HarbourServer[] = [
  {
    id: "memcached",
    protocol: "memcached",
    transports: ["tcp", "udp"],
    usualPort: 11_211,
    unusualPort: 11_311,
    packages: ["memcached"],
    products: {
      product: /^memcached$/i,
      versionCommand: ["memcached", "-V"],
      versionPattern: /^memcached (\S+)/m,
    },
    logKinds: /\b(?:error|fail|warning|invalid|too large|bad)/i,
    start: (options) =>
      launch(options, {
        program: "memcached",
        words: ["-v", "-t", "1", "-l", options.address, "-p", String(options.port), "-U", String(options.port)],
        transports: ["tcp", "udp"],
      }),
  },
];
