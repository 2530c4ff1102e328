/**
 * @module Samba, the SMB server.
 */
import { launch, makeServerFolder, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const sambaServers: readonly HarbourServer[] = [
  {
    id: "samba",
    protocol: "smb",
    transports: ["tcp"],
    usualPort: 445,
    unusualPort: 1445,
    packages: ["samba"],
    products: {
      product: /^Samba$/i,
      versionCommand: ["smbd", "-V"],
      versionPattern: /^Version (\S+)/m,
    },
    logKinds: /\b(?:error|warning|failed|invalid|NT_STATUS_\w+|bad)\b/i,
    start(options) {
      const { folder } = options;
      for (const name of ["private", "state", "lock", "pid", "rpc"]) makeServerFolder(folder, name);
      const configuration = writeServerFile(
        folder,
        "smb.conf",
        `[global]
smb ports = ${options.port}
interfaces = lo
bind interfaces only = yes
private dir = ${folder}/private
lock directory = ${folder}/lock
state directory = ${folder}/state
cache directory = ${folder}/state
pid directory = ${folder}/pid
ncalrpc dir = ${folder}/rpc
log file = ${folder}/samba.log
log level = 1
disable spoolss = yes
server min protocol = SMB2
`,
      );
      return launch(options, {
        program: "smbd",
        words: ["-F", "--no-process-group", "-s", configuration],
        logFiles: ["samba.log"],
      });
    },
  },
];
