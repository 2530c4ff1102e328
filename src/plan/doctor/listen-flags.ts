/**
 * @module How each program is told at which address to listen, after its own documentation.
 */
import type { SeenService } from "./facts.ts";
import type { Remedy } from "./finding.ts";
import { advise, run } from "./words.ts";

/** Command that listens at every address, by framework. */
const everywhere: Readonly<Record<string, string>> = {
  vite: "vite --host",
  sveltekit: "vite dev --host",
  remix: "remix vite:dev --host",
  "react-router": "react-router dev --host",
  vitepress: "vitepress dev --host",
  astro: "astro dev --host",
  slidev: "slidev --remote",
  nuxt: "nuxt dev --host",
  next: "next dev --hostname 0.0.0.0",
  angular: "ng serve --host 0.0.0.0",
  "vue-cli": "vue-cli-service serve --host 0.0.0.0",
  "create-react-app": "HOST=0.0.0.0 react-scripts start",
  "webpack-dev-server": "webpack serve --host 0.0.0.0",
  rspack: "rspack serve --host 0.0.0.0",
  rsbuild: "rsbuild dev --host",
  gatsby: "gatsby develop --host 0.0.0.0",
  docusaurus: "docusaurus start --host 0.0.0.0",
  storybook: "storybook dev --host 0.0.0.0",
  wrangler: "wrangler dev --ip 0.0.0.0",
  parcel: "parcel --host 0.0.0.0",
  "http-server": "http-server -a 0.0.0.0",
  "json-server": "json-server --host 0.0.0.0",
  esbuild: "esbuild --serve=0.0.0.0:PORT",
  hugo: "hugo server --bind 0.0.0.0",
  zola: "zola serve --interface 0.0.0.0",
  jekyll: "jekyll serve --host 0.0.0.0",
  mkdocs: "mkdocs serve --dev-addr 0.0.0.0:PORT",
  mdbook: "mdbook serve --hostname 0.0.0.0",
  "python-http-server": "python3 -m http.server PORT --bind 0.0.0.0",
  "php-server": "php -S 0.0.0.0:PORT",
  laravel: "php artisan serve --host=0.0.0.0",
  symfony: "symfony server:start --allow-all-ip",
  django: "python manage.py runserver 0.0.0.0:PORT",
  flask: "flask run --host 0.0.0.0",
  fastapi: "fastapi dev --host 0.0.0.0",
  uvicorn: "uvicorn --host 0.0.0.0",
  gunicorn: "gunicorn --bind 0.0.0.0:PORT",
  hypercorn: "hypercorn --bind 0.0.0.0:PORT",
  rails: "rails server --binding 0.0.0.0",
  puma: "puma --bind tcp://0.0.0.0:PORT",
  rackup: "rackup --host 0.0.0.0",
  jupyter: "jupyter lab --ip 0.0.0.0",
  streamlit: "streamlit run --server.address 0.0.0.0",
  tensorboard: "tensorboard --bind_all",
};

/** Programs whose setting stands in a file, by name of the process. */
const settings: Readonly<Record<string, string>> = {
  postgres: "Set listen_addresses = '*' in postgresql.conf, and let the network in by pg_hba.conf.",
  mysqld: "Set bind-address = 0.0.0.0 in my.cnf.",
  mariadbd: "Set bind-address = 0.0.0.0 in my.cnf.",
  "redis-server":
    "Set `bind 0.0.0.0` and a password (requirepass) in redis.conf: without one protected-mode refuses others.",
  mongod: "Set net.bindIp: 0.0.0.0 in mongod.conf.",
};

/** How this program is made to listen for others too. */
export function listenEverywhere(service: SeenService): Remedy {
  const { frameworkId, frameworkTitle, keepers, port } = service;
  const command = frameworkId === null ? undefined : everywhere[frameworkId];
  if (command !== undefined) {
    return run(
      `Start ${frameworkTitle ?? "it"} so that it listens at every address:`,
      command.replace("PORT", String(port)),
    );
  }
  const name = keepers.known ? keepers.value[0]?.name : undefined;
  const setting = name === undefined ? undefined : settings[name];
  if (setting !== undefined) return advise(setting);
  if (frameworkId === "node" || frameworkId === "express" || frameworkId === "fastify" || frameworkId === "koa") {
    return run("Give listen the wildcard address:", `server.listen({ port: ${port}, host: "::" })`);
  }
  return advise(`Have it listen at 0.0.0.0 (or ::, which takes both families) instead of loopback.`);
}

/** How this program is made to listen at one address. */
export function listenAt(service: SeenService, address: string): Remedy {
  const { frameworkId, frameworkTitle } = service;
  const command = frameworkId === null ? undefined : everywhere[frameworkId];
  if (command?.endsWith("--host") === true) {
    return run(`Start ${frameworkTitle ?? "it"} at that address:`, `${command} ${address}`);
  }
  if (command?.includes("0.0.0.0") === true) {
    const host = address.includes(":") && /0\.0\.0\.0:PORT/.test(command) ? `[${address}]` : address;
    const told = command.replace("0.0.0.0", host).replace("PORT", String(service.port));
    return run(`Start ${frameworkTitle ?? "it"} at that address:`, told);
  }
  return advise(`Have it listen at ${address} too.`);
}
