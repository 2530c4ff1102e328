/**
 * @module Postfix, the mail server: SMTP, and with TLS from the first byte.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { writeCertificate } from "../certificate.ts";
import { launch } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describePostfix(id: string, usualPort: number, unusualPort: number, tls: boolean): HarbourServer {
  return {
    id,
    protocol: "smtp",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    packages: ["postfix", "openssl"],
    products: {
      product: /^Postfix$/i,
      versionCommand: ["postconf", "-d", "-h", "mail_version"],
      versionPattern: /^(\S+)/m,
    },
    logKinds:
      /\b(?:warning|error|fatal|panic|reject|lost connection|improper command pipelining|non-SMTP command|timeout after)\b/,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      // Its programs check that root owns the settings, and that its own user owns the data.
      for (const name of ["settings", "queue", "data"]) mkdirSync(join(folder, name));
      await promisify(execFile)("chown", ["postfix", join(folder, "data")]);
      const settings = join(folder, "settings");
      const main = [
        "compatibility_level = 3.6",
        `queue_directory = ${folder}/queue`,
        `data_directory = ${folder}/data`,
        `inet_interfaces = ${address}`,
        "inet_protocols = ipv4",
        "myhostname = mail.harbour.test",
        `smtpd_tls_cert_file = ${certificate}`,
        `smtpd_tls_key_file = ${key}`,
        "smtpd_tls_security_level = may",
        "smtpd_tls_loglevel = 1",
        "alias_maps =",
        "alias_database =",
        "maillog_file = /dev/stdout",
        "maillog_file_prefixes = /dev",
        "",
      ];
      // master(5): service, type, private, unprivileged, chroot, wakeup, most processes, command.
      const services = [
        `${address}:${port} inet n - n - - smtpd${tls ? " -o smtpd_tls_wrappermode=yes" : ""}`,
        "pickup unix n - n 60 1 pickup",
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "verify unix - - n - 1 verify",
        "flush unix n - n 1000? 0 flush",
        "proxymap unix - - n - - proxymap",
        "smtp unix - - n - - smtp",
        "showq unix n - n - - showq",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "discard unix - - n - - discard",
        "local unix - n n - - local",
        "anvil unix - - n - 1 anvil",
        "scache unix - - n - 1 scache",
        "postlog unix-dgram n - n - 1 postlogd",
        "",
      ];
      writeFileSync(join(settings, "main.cf"), main.join("\n"));
      writeFileSync(join(settings, "master.cf"), services.join("\n"));
      const running = await launch(options, {
        program: "postfix",
        words: ["-c", settings, "start-fg"],
        user: "root",
        readyLine: /daemon started/,
      });
      return {
        ...running,
        stop: async () => {
          await endMaster(join(folder, "queue/pid/master.pid"));
          await running.stop();
        },
      };
    },
  };
}

/** How long it may take to end after it was asked to, milliseconds. */
const endDeadlineMs = 5000;

/** The mail system's own process is in a session of its own (master(8), -s), where whoever ends the script that started it does not reach it. */
async function endMaster(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  if (!Number.isInteger(pid) || pid <= 1 || !existsSync(`/proc/${pid}`)) return;
  process.kill(pid, "SIGTERM");
  const untilMs = performance.now() + endDeadlineMs;
  while (existsSync(`/proc/${pid}`)) {
    if (performance.now() > untilMs) return void process.kill(pid, "SIGKILL");
    await delay(20);
  }
}

export const postfixServers: readonly HarbourServer[] = [
  describePostfix("postfix", 25, 2525, false),
  describePostfix("postfix-tls", 465, 2465, true),
];
