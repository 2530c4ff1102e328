/**
 * @module The DNS servers BIND and dnsmasq, over UDP and TCP, and BIND over TLS.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, serverUser, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeBind(id: string, usualPort: number, unusualPort: number, tls: boolean): HarbourServer {
  const transports = tls ? (["tcp"] as const) : (["udp", "tcp"] as const);
  return {
    id,
    protocol: "dns",
    transports,
    usualPort,
    unusualPort,
    tls,
    packages: ["bind9", "openssl"],
    products: {
      product: /^BIND$/i,
      versionCommand: ["named", "-v"],
      versionPattern: /^BIND (\S+)/m,
    },
    logKinds: /\b(?:error|warning|critical|denied|malformed|FORMERR|bad|attack)\b/i,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const configuration = writeServerFile(
        folder,
        "named.conf",
        `tls own { cert-file "${certificate}"; key-file "${key}"; };
        options {
          directory "${folder}"; listen-on port ${port} ${tls ? "tls own " : ""}{ ${address}; }; listen-on-v6 { none; };
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
  };
}

export const dnsServers: readonly HarbourServer[] = [
  describeBind("bind", 53, 5354, false),
  describeBind("bind-tls", 853, 8853, true),
  {
    id: "dnsmasq",
    protocol: "dns",
    transports: ["udp", "tcp"],
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
        transports: ["udp", "tcp"],
      }),
  },
];
