/**
 * @module MariaDB.
 */
import { join } from "node:path";
import { writeCertificate } from "../certificate.ts";
import { launch, prepare, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const mariadbServers: readonly HarbourServer[] = [
  {
    id: "mariadb",
    protocol: "mysql",
    transports: ["tcp"],
    usualPort: 3306,
    unusualPort: 3307,
    packages: ["mariadb-server", "openssl"],
    products: {
      product: /^MariaDB$/i,
      versionCommand: ["mariadbd", "-V"],
      // The wire carries the whole of it, `10.11.19-MariaDB-0+deb12u1`.
      versionPattern: /Ver (\S+)/,
    },
    logKinds: /\[(?:Warning|ERROR)\]|Aborted connection/,
    async start(options) {
      const data = join(options.folder, "data");
      await prepare(options.folder, "mariadb-install-db", [
        "--no-defaults",
        `--datadir=${data}`,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--innodb-flush-log-at-trx-commit=0",
      ]);
      const { certificate, key } = await writeCertificate(options.folder);
      return await launch(options, {
        program: "mariadbd",
        words: [
          "--no-defaults",
          `--datadir=${data}`,
          `--port=${options.port}`,
          `--bind-address=${options.address}`,
          `--socket=${options.folder}/socket`,
          `--pid-file=${options.folder}/pid`,
          // Without a user who may come from elsewhere, whoever does is turned away before the greeting.
          `--init-file=${writeServerFile(options.folder, "users.sql", "CREATE USER IF NOT EXISTS 'harbour'@'%' IDENTIFIED BY 'x';\n")}`,
          `--ssl-cert=${certificate}`,
          `--ssl-key=${key}`,
        ],
        readyLine: /ready for connections/,
      });
    },
  },
];
