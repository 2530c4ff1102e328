/**
 * @module Everything the server answers: the guard first, then who comes in, then the operations, the counts and the page's files.
 */
import { Hono, type Context } from "hono";
import * as v from "valibot";
import { PortolanError } from "../../core/index.ts";
import { checkInput } from "../../operations/bind-operation.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { answerFailure, createApi, readBody } from "./api.ts";
import { refuseApproach } from "./guard.ts";
import { securityHeaders, type PageFile } from "./page-files.ts";
import type { Sessions } from "./sessions.ts";

/** What the server is made of. */
export interface AppParts {
  readonly context: OperationContext;
  readonly sessions: Sessions;
  readonly files: ReadonlyMap<string, PageFile>;
  /** What `/api/about` tells. */
  readonly about: () => object;
  /** An address with a fresh token, as this browser reaches the server. */
  readonly entryUrl: (host: string) => string;
  /** Text for Prometheus by the request's `Authorization` header; `null` when it was not asked for. */
  readonly metrics: ((authorization: string | undefined) => string) | null;
}

const tokenSchema = v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) });

/** Makes the application. */
export function createApp({ context, sessions, files, about, entryUrl, metrics }: AppParts): Hono {
  const app = new Hono();
  app.onError((error, c) => answerFailure(c, error));
  app.use(async (c, next) => {
    const reason = refuseApproach({
      method: c.req.method,
      path: c.req.path,
      host: c.req.header("host"),
      origin: c.req.header("origin"),
      fetchSite: c.req.header("sec-fetch-site"),
      fetchMode: c.req.header("sec-fetch-mode"),
    });
    if (reason === null) await next();
    else c.res = answerFailure(c, new PortolanError("ORIGIN_REFUSED", reason));
    for (const [name, value] of Object.entries(securityHeaders)) c.res.headers.set(name, value);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  });

  app.post("/api/session", async (c) => {
    const { token } = checkInput({ name: "session", input: tokenSchema }, await readBody(c));
    const key = sessions.redeem(token);
    if (key === null)
      throw new PortolanError("ACCESS_DENIED", "This token is unknown, was used already, or is too old.");
    return c.json({ key });
  });
  app.get("/api/openapi.json", (c) => answerFile(c, files.get("/api/openapi.json")));
  app.use("/api/*", async (c, next) => {
    if (sessions.accepts(c.req.header("authorization"))) {
      await next();
      return undefined;
    }
    c.header("www-authenticate", 'Bearer realm="portolan"');
    return answerFailure(c, new PortolanError("ACCESS_DENIED", "The request shows no key of this server."));
  });
  app.post("/api/session/invite", (c) => c.json({ entryUrl: entryUrl(c.req.header("host") ?? "") }));
  app.on(["GET", "POST"], "/api/about", (c) => c.json(about()));
  app.route("/api", createApi(context));

  app.get("/metrics", (c) => {
    if (metrics === null) {
      throw new PortolanError("ROUTE_UNKNOWN", "Counts for Prometheus were not asked for.", {
        details: { hint: "Start the server with portolan ui --metrics." },
      });
    }
    const text = metrics(c.req.header("authorization"));
    return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("*", (c) => answerFile(c, files.get(c.req.path)));
  app.all("*", () => {
    throw new PortolanError("ROUTE_UNKNOWN", "The page is only read.");
  });
  return app;
}

function answerFile(c: Context, file: PageFile | undefined): Response {
  if (file === undefined) return answerFailure(c, new PortolanError("ROUTE_UNKNOWN", "There is no such file."));
  // Another server may live at this address and port tomorrow: only files that are named by their content are kept.
  const caching = file.lasting ? "public, max-age=31536000, immutable" : "no-cache";
  const headers = { "content-type": file.type, "cache-control": caching, etag: file.tag };
  if (c.req.header("if-none-match") === file.tag) return c.body(null, 304, headers);
  return c.body(file.bytes, 200, headers);
}
