/**
 * @module Dovecot, the IMAP and POP3 server: one process family for each of its four ports.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, serverUser, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeDovecot(
  protocol: "imap" | "pop3",
  usualPort: number,
  unusualPort: number,
  tls: boolean,
): HarbourServer {
  return {
    id: `dovecot-${protocol}${tls ? "s" : ""}`,
    protocol,
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    packages: [`dovecot-${protocol}d`, "openssl"],
    products: {
      product: /^Dovecot$/i,
      versionCommand: ["dovecot", "--version"],
      versionPattern: /^(\d\S*)/m,
    },
    logKinds: /\b(?:Error|Warning|Fatal|Panic):|auth failed/,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const { user, group } = serverUser();
      const listener = (name: string, ours: boolean): string =>
        `inet_listener ${name} {\n port = ${ours ? port : 0}\n ssl = ${tls ? "yes" : "no"}\n }`;
      const configuration = writeServerFile(
        folder,
        "dovecot.conf",
        `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
protocols = ${protocol}
listen = ${address}
ssl = yes
ssl_cert = <${certificate}
ssl_key = <${key}
default_internal_user = ${user}
default_internal_group = ${group}
default_login_user = ${user}
service ${protocol}-login {
  chroot =
  ${listener(protocol, !tls)}
  ${listener(`${protocol}s`, tls)}
}
service anvil {
  chroot =
}
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=${user} gid=${group} home=${folder}
}
`,
      );
      return await launch(options, { program: "dovecot", words: ["-F", "-c", configuration] });
    },
  };
}

export const dovecotServers: readonly HarbourServer[] = [
  describeDovecot("pop3", 110, 1110, false),
  describeDovecot("imap", 143, 1143, false),
  describeDovecot("imap", 993, 1993, true),
  describeDovecot("pop3", 995, 1995, true),
];
