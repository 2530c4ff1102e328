// A gateway of httpxy: `app` by HTTP, `echo` by WebSocket. Its connections to servers are kept, as by default.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createProxyServer } from "httpxy";

const [httpPort, httpsPort, appPort, echoPort, certificate, key] = process.argv.slice(2);
const app = `http://127.0.0.1:${appPort}`;
const echo = `http://127.0.0.1:${echoPort}`;
const proxy = createProxyServer({ xfwd: true });
proxy.on("error", (error, _request, response) => {
  if (response?.headersSent === false) response.writeHead(502).end();
  else response?.destroy();
});
const targetOf = (request) => (request.headers.host?.startsWith("echo.") ? echo : app);
for (const [server, port] of [
  [createServer(), httpPort],
  [createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }), httpsPort],
]) {
  server.on("request", (request, response) => void proxy.web(request, response, { target: targetOf(request) }));
  server.on("upgrade", (request, socket, head) => void proxy.ws(request, socket, { target: targetOf(request) }, head));
  server.listen(Number(port), "127.0.0.1");
}
