/**
 * @module slapd, OpenLDAP's server: plain, and with TLS.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, makeServerFolder, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeSlapd(id: string, usualPort: number, unusualPort: number, tls: boolean): HarbourServer {
  return {
    id,
    protocol: "ldap",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    packages: ["slapd", "openssl"],
    products: {
      product: /^OpenLDAP$/i,
      versionCommand: ["slapd", "-VV"],
      versionPattern: /OpenLDAP: slapd (\S+)/,
    },
    logKinds: /\b(?:error|warning|fail(?:ed|ure)?|invalid|ber_get_next|TLS negotiation failure)\b/i,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const configuration = writeServerFile(
        folder,
        "slapd.conf",
        [
          "include /etc/ldap/schema/core.schema",
          "modulepath /usr/lib/ldap",
          "moduleload back_mdb",
          `pidfile ${folder}/pid`,
          `TLSCertificateFile ${certificate}`,
          `TLSCertificateKeyFile ${key}`,
          "database mdb",
          'suffix "dc=harbour"',
          'rootdn "cn=admin,dc=harbour"',
          `directory ${makeServerFolder(folder, "data")}`,
          "",
        ].join("\n"),
      );
      return await launch(options, {
        program: "slapd",
        // Its log goes to standard error only where it is asked to debug; 256 is what it would tell the system's log.
        words: ["-d", "256", "-h", `${tls ? "ldaps" : "ldap"}://${address}:${port}/`, "-f", configuration],
        readyLine: /slapd starting/,
      });
    },
  };
}

export const slapdServers: readonly HarbourServer[] = [
  describeSlapd("slapd", 389, 3890, false),
  describeSlapd("slapd-tls", 636, 1636, true),
];
