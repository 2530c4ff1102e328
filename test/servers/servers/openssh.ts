/**
 * @module OpenSSH, the SSH server.
 */
import { join } from "node:path";
import { launch, prepare } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const opensshServers: readonly HarbourServer[] = [
  {
    id: "openssh",
    protocol: "ssh",
    transports: ["tcp"],
    usualPort: 22,
    unusualPort: 2222,
    packages: ["openssh-server", "openssh-client"],
    products: {
      product: /^OpenSSH$/i,
      // `sshd -V` leaves out the portable release (`p1`) and the distribution's, which both stand on the wire.
      versionCommand: ["ssh", "-V"],
      versionPattern: /^OpenSSH_(\S+)/m,
    },
    // Standard error shows no levels. What is named here in full is logged as an error, and so even by a server that logs only those.
    logKinds:
      /^(?:error|fatal|warning)\b|kex_(?:exchange_identification|protocol_error)|\b(?:invalid|failed|bad|penalty|could not|unable to|refused)\b/im,
    async start(options) {
      const hostKey = join(options.folder, "host-key");
      await prepare(options.folder, "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
      const settings = [`ListenAddress=${options.address}`, "PidFile=none", "UsePAM=no", "LogLevel=VERBOSE"];
      return await launch(options, {
        // The program insists on being called by its full path.
        program: "/usr/sbin/sshd",
        words: [
          "-D",
          "-e",
          "-f",
          "/dev/null",
          "-h",
          hostKey,
          "-p",
          String(options.port),
          ...settings.flatMap((setting) => ["-o", setting]),
        ],
        readyLine: /Server listening on/,
      });
    },
  },
];
