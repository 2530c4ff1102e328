/**
 * @module Kamailio, the SIP server, over UDP and TCP.
 */
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const kamailioServers: readonly HarbourServer[] = [
  {
    id: "kamailio",
    protocol: "sip",
    transports: ["udp", "tcp"],
    usualPort: 5060,
    unusualPort: 5070,
    packages: ["kamailio"],
    products: {
      product: /^kamailio$/i,
      versionCommand: ["kamailio", "-v"],
      versionPattern: /^version: kamailio (\S+)/m,
    },
    logKinds: /\b(?:ERROR|WARNING|CRITICAL|ALERT):/,
    start(options) {
      const { folder, address, port } = options;
      const configuration = writeServerFile(
        folder,
        "kamailio.cfg",
        `#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
listen=udp:${address}:${port}
listen=tcp:${address}:${port}
loadmodule "sl.so"
loadmodule "textops.so"
request_route { sl_send_reply("200","OK"); exit; }
`,
      );
      return launch(options, {
        program: "kamailio",
        words: ["-DD", "-E", "-f", configuration, "-Y", folder, "-P", `${folder}/pid`, "-w", folder],
        transports: ["udp", "tcp"],
      });
    },
  },
];
