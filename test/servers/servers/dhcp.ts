/**
 * @module The DHCP servers dnsmasq and Kea. Each answers broadcasts of its whole network, so each has one to itself.
 */
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const dhcpServers: readonly HarbourServer[] = [
  {
    id: "dnsmasq-dhcp",
    protocol: "dhcp",
    transports: ["udp"],
    usualPort: 67,
    unusualPort: 1067,
    alone: true,
    packages: ["dnsmasq-base"],
    products: {
      product: /^dnsmasq$/i,
      versionCommand: ["dnsmasq", "-v"],
      versionPattern: /^Dnsmasq version (\S+)/m,
    },
    logKinds: /\b(?:error|warning|failed|no address|cannot|wrong)\b/i,
    start: (options) =>
      launch(options, {
        program: "dnsmasq",
        words: [
          "--no-daemon",
          "--conf-file=/dev/null",
          "--port=0",
          "--interface=lo",
          "--dhcp-range=127.0.0.50,127.0.0.60,255.0.0.0,1h",
          `--dhcp-alternate-port=${options.port},${options.port + 1}`,
          `--dhcp-leasefile=${options.folder}/leases`,
          `--pid-file=${options.folder}/pid`,
          "--log-dhcp",
          "--user=root",
        ],
        transports: ["udp"],
        // It asks for the right to send raw packets before it looks whether it needs it.
        user: "root",
      }),
  },
  {
    id: "kea-dhcp",
    protocol: "dhcp",
    transports: ["udp"],
    usualPort: 67,
    unusualPort: 2067,
    alone: true,
    packages: ["kea-dhcp4-server"],
    products: {
      product: /^Kea$/i,
      versionCommand: ["kea-dhcp4", "-v"],
      versionPattern: /^(\d\S*)/m,
    },
    logKinds: /\b(?:ERROR|WARN|FATAL)\b/,
    start(options) {
      const configuration = {
        Dhcp4: {
          "interfaces-config": { interfaces: [`lo/${options.address}`], "dhcp-socket-type": "udp" },
          "lease-database": { type: "memfile", persist: false },
          subnet4: [{ id: 1, subnet: "127.0.0.0/8", pools: [{ pool: "127.0.0.50-127.0.0.60" }], interface: "lo" }],
          loggers: [{ name: "kea-dhcp4", output_options: [{ output: "stdout" }], severity: "INFO" }],
        },
      };
      const path = writeServerFile(options.folder, "kea.json", JSON.stringify(configuration));
      return launch(options, {
        program: "kea-dhcp4",
        words: ["-c", path, "-p", String(options.port), "-P", String(options.port + 1)],
        environment: { KEA_PIDFILE_DIR: options.folder, KEA_LOCKFILE_DIR: options.folder },
        transports: ["udp"],
        readyLine: /DHCP4_STARTED/,
      });
    },
  },
];
