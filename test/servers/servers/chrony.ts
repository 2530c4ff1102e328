/**
 * @module chrony, the NTP server.
 */
import { launch, serverUser, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const chronyServers: readonly HarbourServer[] = [
  {
    id: "chrony",
    protocol: "ntp",
    transports: ["udp"],
    usualPort: 123,
    unusualPort: 11_123,
    packages: ["chrony"],
    products: {
      product: /^chrony$/i,
      versionCommand: ["chronyd", "-v"],
      versionPattern: /^chronyd \(chrony\) version (\S+)/m,
    },
    logKinds: /\b(?:error|warning|fatal|could not|invalid)\b/i,
    start(options) {
      const { folder, address, port } = options;
      const configuration = writeServerFile(
        folder,
        "chrony.conf",
        `port ${port}\nbindaddress ${address}\nlocal stratum 10\nallow 127.0.0.0/8\ncmdport 0\npidfile ${folder}/pid\nbindcmdaddress /\n`,
      );
      return launch(options, {
        program: "chronyd",
        // -x: it never sets the clock.
        words: ["-x", "-d", "-U", "-u", serverUser().user, "-f", configuration],
        transports: ["udp"],
      });
    },
  },
];
