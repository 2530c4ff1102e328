/**
 * @module PostgreSQL, with and without TLS.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { writeCertificate } from "../certificate.ts";
import { launch, prepare, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

/** Debian keeps each release apart: `/usr/lib/postgresql/15/bin`. */
const releases = "/usr/lib/postgresql";

/** Folder of the newest release's programs; what is not installed is only noticed when it is started. */
function findPrograms(): string {
  try {
    const newest = readdirSync(releases).toSorted((one, other) => Number(other) - Number(one))[0];
    return join(releases, newest ?? "", "bin");
  } catch {
    return releases;
  }
}

function describePostgresql(id: string, unusualPort: number, encrypts: boolean): HarbourServer {
  const programs = findPrograms();
  return {
    id,
    protocol: "postgresql",
    transports: ["tcp"],
    usualPort: 5432,
    unusualPort,
    packages: ["postgresql", "openssl"],
    products: {
      product: /^PostgreSQL$/i,
      versionCommand: [join(programs, "postgres"), "-V"],
      versionPattern: /^postgres \(PostgreSQL\) (\S+)/m,
    },
    logKinds: /\b(?:ERROR|FATAL|PANIC|WARNING):|could not|invalid|incomplete startup packet/,
    async start(options) {
      const { folder, address, port } = options;
      const data = join(folder, "data");
      const password = writeServerFile(folder, "password", "x\n");
      await prepare(folder, join(programs, "initdb"), [
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        `--pwfile=${password}`,
        "--no-sync",
        "--locale=C",
        "--encoding=UTF8",
      ]);
      const { certificate, key } = await writeCertificate(folder);
      const settings = [
        `listen_addresses=${address}`,
        `unix_socket_directories=${folder}`,
        "fsync=off",
        // Memory that a file of its folder stands for goes with the folder, even where the server was killed.
        "dynamic_shared_memory_type=mmap",
        "log_connections=on",
        ...(encrypts ? ["ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`] : ["ssl=off"]),
      ];
      return await launch(options, {
        program: join(programs, "postgres"),
        words: ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
        readyLine: /ready to accept connections/,
        // The gentle signal would wait for its clients to go.
        stopSignal: "SIGINT",
      });
    },
  };
}

export const postgresqlServers: readonly HarbourServer[] = [
  describePostgresql("postgresql", 5433, true),
  describePostgresql("postgresql-plain", 5434, false),
];
