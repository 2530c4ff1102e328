/**
 * @module vsftpd, the FTP server.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeVsftpd(id: string, usualPort: number, unusualPort: number, tls: boolean): HarbourServer {
  return {
    id,
    protocol: "ftp",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    packages: ["vsftpd", "openssl"],
    products: {
      product: /^vsftpd$/i,
      versionCommand: ["vsftpd", "-v"],
      versionPattern: /^vsftpd: version (\S+)$/m,
    },
    logKinds: /\b(?:500|OOPS|FAIL|error|warning|refused)\b/i,
    async start(options) {
      const { certificate, key } = await writeCertificate(options.folder);
      const configuration = writeServerFile(
        options.folder,
        "vsftpd.conf",
        [
          "listen=YES",
          `listen_address=${options.address}`,
          `listen_port=${options.port}`,
          "run_as_launching_user=YES",
          "anonymous_enable=YES",
          "background=NO",
          "seccomp_sandbox=NO",
          "xferlog_enable=YES",
          "log_ftp_protocol=YES",
          `vsftpd_log_file=${options.folder}/vsftpd.log`,
          "ssl_enable=YES",
          `implicit_ssl=${tls ? "YES" : "NO"}`,
          `rsa_cert_file=${certificate}`,
          `rsa_private_key_file=${key}`,
          "",
        ].join("\n"),
      );
      return await launch(options, { program: "vsftpd", words: [configuration], logFiles: ["vsftpd.log"] });
    },
  };
}

export const vsftpdServers: readonly HarbourServer[] = [
  describeVsftpd("vsftpd", 21, 2121, false),
  describeVsftpd("vsftpd-tls", 990, 2990, true),
];
