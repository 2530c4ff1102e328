/**
 * @module nginx, the web server: plain on both of HTTP's ports, and with TLS and HTTP/2.
 */
import { writeCertificate } from "../certificate.ts";
import { launch, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

function describeNginx(id: string, usualPort: number, unusualPort: number, tls: boolean): HarbourServer {
  return {
    id,
    protocol: "http",
    transports: ["tcp"],
    usualPort,
    unusualPort,
    tls,
    ...(tls ? { alsoSpeaks: ["http2"] } : {}),
    packages: ["nginx-light", "openssl"],
    products: {
      product: /^nginx$/i,
      versionCommand: ["nginx", "-v"],
      versionPattern: /^nginx version: nginx\/(\S+)/m,
    },
    logKinds: /\[(?:warn|error|crit|alert|emerg)\]/,
    async start(options) {
      const { folder, address, port } = options;
      const { certificate, key } = await writeCertificate(folder);
      const listen = tls
        ? `listen ${address}:${port} ssl http2; ssl_certificate ${certificate}; ssl_certificate_key ${key};`
        : `listen ${address}:${port};`;
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const configuration = writeServerFile(
        folder,
        "nginx.conf",
        `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr info; events {}
        http {
          access_log off;
          ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
          server { ${listen} location / { default_type text/plain; return 200 "hello\\n"; } }
        }
        `,
      );
      return await launch(options, { program: "nginx", words: ["-c", configuration, "-e", "stderr"] });
    },
  };
}

export const nginxServers: readonly HarbourServer[] = [
  describeNginx("nginx", 80, 8081, false),
  describeNginx("nginx-alternate", 8080, 8082, false),
  describeNginx("nginx-tls", 443, 8444, true),
];
