/**
 * @module What speaks HTTP for a purpose: Caddy, Docker's API as Podman serves it, Prometheus, etcd, nghttpd and Vite.
 */
import { join } from "node:path";
import { installPrograms, programs, rootOf } from "../../programs/programs.ts";
import { writeCertificate } from "../certificate.ts";
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

const viteRoot = rootOf(programs.find(({ framework }) => framework.id === "vite")!);
const viteProgram = join(viteRoot, "../node_modules/vite/bin/vite.js");

export const webServers: readonly HarbourServer[] = [
  {
    id: "caddy",
    protocol: "http",
    transports: ["tcp"],
    usualPort: 443,
    unusualPort: 8446,
    tls: true,
    alsoSpeaks: ["http2"],
    packages: ["caddy", "openssl"],
    products: {
      product: /^Caddy$/i,
      versionCommand: ["caddy", "version"],
      versionPattern: /^v?(\d\S*)/m,
    },
    logKinds: /"level":"(?:warn|error|fatal|panic)"/,
    async start(options) {
      const { certificate, key } = await writeCertificate(options.folder);
      const configuration = {
        admin: { disabled: true },
        apps: {
          http: {
            servers: {
              harbour: {
                listen: [`${options.address}:${options.port}`],
                protocols: ["h1", "h2"],
                automatic_https: { disable: true },
                routes: [{ handle: [{ handler: "static_response", body: "hello" }] }],
                tls_connection_policies: [{}],
              },
            },
          },
          tls: { certificates: { load_files: [{ certificate, key }] } },
        },
      };
      const path = writeServerFile(options.folder, "caddy.json", JSON.stringify(configuration));
      return await launch(options, {
        program: "caddy",
        words: ["run", "--config", path],
        readyLine: /serving initial configuration/,
      });
    },
  },
  {
    id: "podman",
    protocol: "docker",
    transports: ["tcp"],
    usualPort: 2375,
    unusualPort: 2377,
    alsoSpeaks: ["http"],
    packages: ["podman"],
    products: {
      product: /^(?:podman|libpod|docker)/i,
      versionCommand: ["podman", "--version"],
      versionPattern: /^podman version (\S+)/m,
    },
    logKinds: /level=(?:warning|error|fatal|panic)/,
    start: (options) =>
      launch(options, {
        program: "podman",
        words: [
          "--cgroup-manager=cgroupfs",
          "--storage-driver=vfs",
          "--log-level=info",
          "--root",
          join(options.folder, "root"),
          "--runroot",
          join(options.folder, "run"),
          "--tmpdir",
          join(options.folder, "temporary"),
          "system",
          "service",
          "-t",
          "0",
          `tcp:${options.address}:${options.port}`,
        ],
        // As nobody it would ask for subordinate user ids, which nobody has none of.
        user: "root",
      }),
  },
  {
    id: "prometheus",
    protocol: "prometheus",
    transports: ["tcp"],
    usualPort: 9090,
    unusualPort: 9091,
    alsoSpeaks: ["http", "prometheus-exporter"],
    packages: ["prometheus"],
    products: {
      product: /^Prometheus$/i,
      versionCommand: ["prometheus", "--version"],
      versionPattern: /^prometheus, version (\S+)/m,
    },
    logKinds: /level=(?:warn|error)/,
    start: (options) =>
      launch(options, {
        program: "prometheus",
        words: [
          `--config.file=${writeServerFile(options.folder, "prometheus.yml", "global: {}\n")}`,
          `--web.listen-address=${options.address}:${options.port}`,
          `--storage.tsdb.path=${join(options.folder, "data")}`,
        ],
        readyLine: /Server is ready/,
      }),
  },
  {
    id: "node-exporter",
    protocol: "prometheus-exporter",
    transports: ["tcp"],
    usualPort: 9100,
    unusualPort: 9101,
    alsoSpeaks: ["http"],
    packages: ["prometheus-node-exporter"],
    products: {
      product: /^(?:prometheus[- ])?node[-_ ]exporter$/i,
      versionCommand: ["prometheus-node-exporter", "--version"],
      versionPattern: /^node_exporter, version (\S+)/m,
    },
    logKinds: /level=(?:warn|error)/,
    start: (options) =>
      launch(options, {
        program: "prometheus-node-exporter",
        words: [`--web.listen-address=${options.address}:${options.port}`, "--no-collector.systemd"],
      }),
  },
  {
    id: "etcd",
    protocol: "http",
    transports: ["tcp"],
    usualPort: 2379,
    unusualPort: 2389,
    alsoSpeaks: ["http2", "grpc", "prometheus-exporter"],
    otherPorts: (port) => [port + 1],
    packages: ["etcd-server"],
    products: {
      product: /^etcd$/i,
      versionCommand: ["etcd", "--version"],
      versionPattern: /^etcd Version: (\S+)/m,
    },
    logKinds: /"level":"(?:warn|error|fatal|panic)"| [WEC] \|/,
    start(options) {
      const client = `http://${options.address}:${options.port}`;
      const peer = `http://${options.address}:${options.port + 1}`;
      return launch(options, {
        program: "etcd",
        words: [
          "--data-dir",
          join(options.folder, "data"),
          "--logger=zap",
          "--log-outputs=stderr",
          "--unsafe-no-fsync",
          "--listen-client-urls",
          client,
          "--advertise-client-urls",
          client,
          "--listen-peer-urls",
          peer,
          "--initial-advertise-peer-urls",
          peer,
          "--initial-cluster",
          `default=${peer}`,
        ],
        readyLine: /ready to serve client requests|serving insecure client requests|serving client traffic insecurely/,
      });
    },
  },
  {
    id: "nghttpd",
    protocol: "http2",
    transports: ["tcp"],
    usualPort: 8000,
    unusualPort: 8083,
    packages: ["nghttp2-server"],
    products: {
      product: /^nghttpd(?: nghttp2)?$/i,
      versionCommand: ["nghttpd", "--version"],
      versionPattern: /nghttp2\/(\S+)/,
    },
    // It prints every frame; a farewell without error is none.
    logKinds: /\b(?:error(?!_code=NO_ERROR)|warning|fail|send GOAWAY|RST_STREAM)/i,
    start: (options) =>
      launch(options, {
        program: "nghttpd",
        words: ["--no-tls", "--verbose", "--htdocs", options.folder, "-a", options.address, String(options.port)],
      }),
  },
  {
    id: "vite",
    protocol: "vite",
    transports: ["tcp"],
    usualPort: 5173,
    unusualPort: 5183,
    alsoSpeaks: ["http", "websocket"],
    packages: [],
    products: {
      product: /^Vite$/i,
      versionCommand: [process.execPath, viteProgram, "--version"],
      versionPattern: /^vite\/(\S+)/m,
    },
    logKinds: /\b(?:error|warning|failed)\b/i,
    async start(options) {
      await installPrograms();
      return await launch(options, {
        program: process.execPath,
        words: [
          viteProgram,
          "--host",
          options.address,
          "--port",
          String(options.port),
          "--strictPort",
          "--configLoader",
          "native",
          "--no-open",
        ],
        cwd: viteRoot,
        // The checkout may be one that nobody else can read.
        user: "root",
        environment: { NO_COLOR: "1" },
        readyLine: /Local:/,
      });
    },
  },
];
