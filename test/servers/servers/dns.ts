/**
 * @module The DNS servers BIND and dnsmasq, over UDP and TCP.
 */
import { launch, serverUser, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

const transports = ["udp", "tcp"] as const;

export const dnsServers: readonly HarbourServer[] = [
  {
    id: "bind",
    protocol: "dns",
    transports,
    usualPort: 53,
    unusualPort: 5354,
    packages: ["bind9"],
    products: {
      product: /^BIND$/i,
      versionCommand: ["named", "-v"],
      versionPattern: /^BIND (\S+)/m,
    },
    logKinds: /\b(?:error|warning|critical|denied|malformed|FORMERR|bad|attack)\b/i,
    async start(options) {
      const { folder, address, port } = options;
      const configuration = writeServerFile(
        folder,
        "named.conf",
        `options {
          directory "${folder}"; listen-on port ${port} { ${address}; }; listen-on-v6 { none; };
          recursion no; pid-file none; session-keyfile "${folder}/session.key"; dnssec-validation no;
        };
        controls {};
        `,
      );
      return await launch(options, {
        program: "named",
        words: ["-g", "-n", "1", "-c", configuration],
        transports,
        readyLine: / running$/m,
      });
    },
  },
  {
    id: "dnsmasq",
    protocol: "dns",
    transports,
    usualPort: 53,
    unusualPort: 5353,
    packages: ["dnsmasq-base"],
    products: {
      product: /^dnsmasq$/i,
      versionCommand: ["dnsmasq", "-v"],
      versionPattern: /^Dnsmasq version (\S+)/m,
    },
    logKinds: /\b(?:error|warning|failed|refused|rebind|cannot)\b/i,
    start: (options) =>
      launch(options, {
        program: "dnsmasq",
        words: [
          "--keep-in-foreground",
          "--conf-file=/dev/null",
          `--port=${options.port}`,
          "--bind-interfaces",
          `--listen-address=${options.address}`,
          "--no-resolv",
          "--no-hosts",
          "--address=/harbour.test/127.0.0.9",
          "--log-facility=-",
          `--pid-file=${options.folder}/pid`,
          `--user=${serverUser().user}`,
        ],
        transports,
      }),
  },
];
