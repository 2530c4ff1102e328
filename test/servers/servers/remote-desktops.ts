/**
 * @module What shows a screen or a terminal from afar: xrdp (RDP), TigerVNC (VNC) and GNU's telnetd (Telnet).
 */
import { readFileSync } from "node:fs";
import { writeCertificate } from "../certificate.ts";
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

export const remoteDesktopServers: readonly HarbourServer[] = [
  {
    id: "xrdp",
    protocol: "rdp",
    transports: ["tcp"],
    usualPort: 3389,
    unusualPort: 13_389,
    packages: ["xrdp", "openssl"],
    products: {
      product: /^xrdp$/i,
      versionCommand: ["xrdp", "-v"],
      versionPattern: /^xrdp (\S+)/m,
    },
    logKinds: /\[(?:WARN|ERROR|CORE)\s*\]/,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      // Debian's own settings, with only its places changed.
      const settings = readFileSync("/etc/xrdp/xrdp.ini", "utf8")
        .replace(/^port=.*/m, `port=tcp://${address}:${port}`)
        .replace(/^certificate=.*/m, `certificate=${certificate}`)
        .replace(/^key_file=.*/m, `key_file=${key}`)
        .replace(/^LogFile=.*/m, `LogFile=${folder}/xrdp.log`);
      const configuration = writeServerFile(folder, "xrdp.ini", settings);
      return await launch(options, {
        program: "xrdp",
        words: ["-n", "-c", configuration],
        logFiles: ["xrdp.log"],
      });
    },
  },
  {
    id: "tigervnc",
    protocol: "vnc",
    transports: ["tcp"],
    usualPort: 5900,
    unusualPort: 5907,
    packages: ["tigervnc-standalone-server"],
    products: {
      product: /^TigerVNC$/i,
      versionCommand: ["Xtigervnc", "-version"],
      versionPattern: /TigerVNC (\S+)/,
    },
    logKinds: /\b(?:error|warning|blacklist(?:ed)?|rejected|failed)\b/i,
    start: (options) =>
      launch(options, {
        program: "Xtigervnc",
        words: [
          "-displayfd",
          "3",
          "-rfbport",
          String(options.port),
          "-SecurityTypes",
          "None",
          "-interface",
          options.address,
          "-nolisten",
          "tcp",
          "-nolisten",
          "unix",
        ],
        // It closes the descriptor to which it told its display, and would take the number for its first client.
        spareDescriptors: 1,
      }),
  },
  {
    id: "telnetd",
    protocol: "telnet",
    transports: ["tcp"],
    usualPort: 23,
    unusualPort: 2323,
    packages: ["inetutils-telnetd", "socat"],
    products: {
      product: /telnetd/i,
      versionCommand: ["telnetd", "-V"],
      versionPattern: /^telnetd \(GNU inetutils\) (\S+)/m,
    },
    logKinds: /\b(?:[EFW] |error|fail)/,
    start: (options) =>
      launch(options, {
        program: "socat",
        // What inetd does: a process of its own for each connection.
        words: [
          "-d",
          "-d",
          `TCP-LISTEN:${options.port},bind=${options.address},fork,reuseaddr`,
          "EXEC:/usr/sbin/telnetd,nofork",
        ],
      }),
  },
];
