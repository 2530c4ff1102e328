// A gateway of http-proxy-3: `app` by HTTP, `echo` by WebSocket. By default it opens a connection for each request; an agent keeps them.
import { readFileSync } from "node:fs";
import { Agent, createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createProxyServer } from "http-proxy-3";

const [httpPort, httpsPort, appPort, echoPort, certificate, key] = process.argv.slice(2);
const app = `http://127.0.0.1:${appPort}`;
const echo = `http://127.0.0.1:${echoPort}`;
const proxy = createProxyServer({ xfwd: true, agent: new Agent({ keepAlive: true }) });
const tunnel = createProxyServer({ xfwd: true });
const onError = (error, _request, response) => {
  if (response?.headersSent === false) response.writeHead(502).end();
  else response?.destroy();
};
proxy.on("error", onError);
tunnel.on("error", onError);
const targetOf = (request) => (request.headers.host?.startsWith("echo.") ? echo : app);
for (const [server, port] of [
  [createServer(), httpPort],
  [createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }), httpsPort],
]) {
  server.on("request", (request, response) => proxy.web(request, response, { target: targetOf(request) }));
  server.on("upgrade", (request, socket, head) => tunnel.ws(request, socket, head, { target: targetOf(request) }));
  server.listen(Number(port), "127.0.0.1");
}
