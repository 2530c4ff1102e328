/**
 * @module What happens to a request: read, its route found, passed on, told.
 */
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { readProcessIdentity } from "../../act/index.ts";
import { isLoopbackAddress } from "../../core/index.ts";
import { formatTarget, gatewayHost, routeName, type Route } from "../route.ts";
import type { Matched, RouteTable } from "../route-table.ts";
import type { Asked } from "./answer.ts";
import { exchange, type ExchangeOutcome } from "./exchange.ts";
import { nearRoutes } from "./near-names.ts";
import {
  badAnswerPage,
  exhaustedPage,
  indexPage,
  loopPage,
  notUpPage,
  pageFields,
  refusalPage,
  unknownPage,
  writeHtml,
  writeText,
  type GatewayPage,
} from "./pages.ts";
import { addOrigin, countPassages, type Client } from "./origin-fields.ts";
import { codeOf, exhausted, retrying, secure, unreached } from "./outcomes.ts";
import { readRequestHead, type RawRequest, type RequestHead } from "./request-head.ts";
import { authorityOf, pathOf, stripped, urlFrom } from "./request-place.ts";
import { exchangeAlone } from "./slow-exchange.ts";
import { exchangeByStream } from "./stream-exchange.ts";
import { Traces, type GatewayTrace } from "./trace.ts";
import { passUpgrade, plainUpgrading, streamUpgrading, type Upgrading } from "./upgrade.ts";
import { Upstreams, repeatable } from "./upstreams.ts";

/** What a gateway needs to know. */
export interface GatewayOptions {
  /** The routes as they are now. */
  readonly routes: () => RouteTable;
  /** Its name in `Via`: no other gateway's. */
  readonly pseudonym: string;
  readonly nowMs: () => number;
  /** For tests, which do not wait so long. */
  readonly patience?: Patience;
}

/** How long clients are waited for, milliseconds. */
export interface Patience {
  /** For a whole head. */
  readonly headMs: number;
  /** Between two looks for heads that took longer. */
  readonly lookMs: number;
  /** For the next request. */
  readonly idleMs: number;
}

/** So often a request may pass: an application may ask its neighbours by name, and they theirs. */
const mostPassages = 8;

/** The gateway's data path. */
export class Gateway {
  readonly traces = new Traces();
  readonly upstreams = new Upstreams();
  readonly #options: GatewayOptions;
  #requests = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get patience(): Patience | undefined {
    return this.#options.patience;
  }

  /** Requests until now. */
  get requests(): number {
    return this.#requests;
  }

  /** Answers a request. */
  handle(asked: Asked): void {
    this.#requests += 1;
    const { request, client, answer } = asked;
    const head = readRequestHead(request, client.scheme);
    if ("status" in head) {
      this.#tell(asked, null, undefined, { status: head.status, failure: head.reason });
      return this.#answerPage(asked, refusalPage(head.status, head.reason), true);
    }
    const matched = this.#options.routes().find(head.host, pathOf(head.target));
    if (matched === undefined) return this.#answerItself(asked, head);
    const { route } = matched;
    if (countPassages(head.via, this.#options.pseudonym) >= mostPassages) {
      this.#tell(asked, head, matched, { status: 508, failure: "loop" });
      return this.#answerPage(asked, loopPage(route), head.hasBody);
    }
    const passed = this.#prepare(request, head, route, client);
    const upstream = this.upstreams.of(route.target);
    const outcome = this.#outcomeOf(asked, head, matched);
    const byStream = (told: ExchangeOutcome): void => exchangeByStream(asked, passed, upstream.sessions, told);
    if (upstream.streamsOnly || head.isGrpc) return byStream(outcome);
    const alone = (told: ExchangeOutcome): void => {
      const cancel = upstream.connector.connect((error, socket) => {
        if (socket === null) told.onFailure(error!, false);
        else exchangeAlone(asked, passed, socket, told);
      });
      answer.onceGone(cancel);
    };
    if (!head.expectsContinue && !(head.announcesTrailers && head.hasBody) && passed.target !== "*") {
      const again = repeatable.has(request.method) && !head.hasBody;
      const told = again ? retrying(answer, outcome, alone) : outcome;
      return exchange(asked, passed, upstream.connections, secure(upstream, told, byStream));
    }
    alone(outcome);
  }

  /** Answers a request to speak another protocol; `fallBack` reads it once more without that wish. */
  upgrade(request: IncomingMessage, socket: Duplex, behind: Buffer, client: Client, fallBack: () => void): void {
    const head = readRequestHead(request as never, client.scheme);
    // Only WebSockets are passed on. Who asked for anything else is answered as if they had not (RFC 9110, section 7.8).
    if ("status" in head || head.upgrade?.trim().toLowerCase() !== "websocket") return fallBack();
    const upgrading = plainUpgrading(request, socket, behind);
    if (head.hasBody || request.method !== "GET") return upgrading.refuse(400, "Bad Request");
    const matched = this.#options.routes().find(head.host, pathOf(head.target));
    if (matched === undefined) return fallBack();
    this.#passUpgrade({ method: "GET", httpVersion: "1.1" }, head, matched, client, upgrading);
  }

  /** Answers a stream that wants to be a WebSocket (RFC 8441). */
  upgradeStream(request: RawRequest, stream: ServerHttp2Stream, client: Client): void {
    const head = readRequestHead(request, client.scheme);
    const upgrading = streamUpgrading(stream);
    if ("status" in head) return upgrading.refuse(head.status, "");
    const matched = this.#options.routes().find(head.host, pathOf(head.target));
    if (matched === undefined) return upgrading.refuse(404, "");
    this.#passUpgrade(request, head, matched, client, upgrading);
  }

  #passUpgrade(
    request: Pick<RawRequest, "method" | "httpVersion">,
    head: RequestHead,
    matched: Matched,
    client: Client,
    upgrading: Upgrading,
  ): void {
    this.#requests += 1;
    const { route } = matched;
    if (countPassages(head.via, this.#options.pseudonym) >= mostPassages) return upgrading.refuse(508, "Loop Detected");
    const passed = this.#prepare(request, head, route, client);
    const startedMs = performance.now();
    let status = 0;
    const tell = (receivedBytes: number, sentBytes: number | null, failure: string | null): void => {
      if (!this.traces.wanted) return;
      this.traces.tell({
        ...this.#traceOf(request, client, head, matched),
        protocol: "websocket",
        status,
        elapsedMs: performance.now() - startedMs,
        receivedBytes,
        sentBytes,
        failure,
      });
    };
    const onFailure = (error: Error): void => {
      status = exhausted.has(codeOf(error)) ? 503 : 502;
      tell(0, null, codeOf(error));
      upgrading.refuse(status, status === 503 ? "Service Unavailable" : "Bad Gateway");
    };
    // The client can go, or break off, before the server has answered.
    upgrading.duplex.on("error", () => upgrading.duplex.destroy());
    const cancel = this.upstreams.of(route.target).connector.connect((error, joined) => {
      if (joined === null) return onFailure(error!);
      passUpgrade(upgrading, passed, joined, {
        onAnswer: (answered) => (status = answered),
        onDone: (received, sent) => tell(received, sent, null),
        onFailure,
      });
    });
    upgrading.duplex.once("close", cancel);
  }

  /** The head as the route's server gets it. */
  #prepare(request: { readonly httpVersion: string }, head: RequestHead, route: Route, client: Client): RequestHead {
    const { fields } = head;
    const target = route.strip && route.path !== "/" ? stripped(head.target, route.path) : head.target;
    addOrigin(fields, head, client, request.httpVersion, this.#options.pseudonym);
    if (target !== head.target) fields.push("X-Forwarded-Prefix", route.path);
    fields.push("Host", route.ownHost ? authorityOf(route) : head.authority);
    return target === head.target ? head : { ...head, target };
  }

  #outcomeOf(asked: Asked, head: RequestHead, matched: Matched): ExchangeOutcome {
    const startedMs = this.traces.wanted ? performance.now() : 0;
    let status = 0;
    return {
      onAnswer: (answered) => (status = answered),
      onDone: (receivedBytes) => {
        if (startedMs !== 0) this.#tell(asked, head, matched, { status, receivedBytes, startedMs });
      },
      onFailure: (error, begun) => {
        const { route } = matched;
        const page = begun ? null : this.#failurePage(route, error, isAtThisMachine(asked.client, head));
        if (page !== null) this.#answerPage(asked, page, head.hasBody);
        this.#tell(asked, head, matched, { status: page?.status ?? status, failure: codeOf(error), startedMs });
      },
    };
  }

  #failurePage(route: Route, error: Error, atThisMachine: boolean): GatewayPage {
    if (exhausted.has(codeOf(error))) return exhaustedPage(route);
    if (!unreached.has(codeOf(error))) return badAnswerPage(route, error);
    const { holder } = route;
    const lives =
      holder === null || holder.identity === null ? null : readProcessIdentity(holder.pid) === holder.identity;
    return notUpPage(route, error, lives, this.#options.nowMs(), atThisMachine);
  }

  #answerItself(asked: Asked, head: RequestHead): void {
    const { routes } = this.#options.routes();
    const urlOf = (host: string): string => urlFrom(asked.client, host);
    const index = head.host === gatewayHost || head.host === "localhost";
    this.#tell(asked, head, undefined, { status: index ? 200 : 404, failure: null });
    if (!index)
      return this.#answerPage(asked, unknownPage(head.host, nearRoutes(head.host, routes), urlOf), head.hasBody);
    const wantsJson = /\bapplication\/json\b/.test(fieldOf(head, "accept") ?? "");
    if (!wantsJson) return this.#answerPage(asked, indexPage(routes, urlOf), head.hasBody);
    const listed = routes.map((route) => ({
      name: routeName(route),
      url: urlFrom(asked.client, route.host) + route.path.slice(1),
      target: formatTarget(route.target),
      ended: route.ended !== null,
    }));
    this.#answerText(
      asked,
      indexPage(routes, urlOf),
      "application/json; charset=utf-8",
      `${JSON.stringify({ routes: listed })}\n`,
      head.hasBody,
    );
  }

  /** A page for a browser, text for everything else. `close` when the request's body is left unread. */
  #answerPage(asked: Asked, page: GatewayPage, close: boolean): void {
    const html = asked.request.rawHeaders.some((value, index) => index % 2 === 1 && value.includes("text/html"));
    if (html) this.#answerText(asked, page, "text/html; charset=utf-8", writeHtml(page), close);
    else this.#answerText(asked, page, "text/plain; charset=utf-8", writeText(page), close);
  }

  #answerText({ request, answer, body }: Asked, page: GatewayPage, type: string, text: string, close: boolean): void {
    const bytes = Buffer.from(text);
    const fields = pageFields(type, bytes.length, page);
    if (close) {
      if (request.httpVersion !== "2.0") fields.push("Connection", "close");
      answer.refuseRest();
    }
    answer.begin(page.status, STATUS_CODES[page.status] ?? "", fields);
    answer.end(request.method === "HEAD" ? undefined : bytes, []);
    if (request.httpVersion !== "2.0") body.resume();
  }

  #tell(asked: Asked, head: RequestHead | null, matched: Matched | undefined, what: Told): void {
    if (!this.traces.wanted) return;
    const { request, client } = asked;
    this.traces.tell({
      ...this.#traceOf(request, client, head, matched),
      status: what.status,
      elapsedMs: what.startedMs === undefined || what.startedMs === 0 ? 0 : performance.now() - what.startedMs,
      receivedBytes: what.receivedBytes ?? 0,
      sentBytes: null,
      failure: what.failure ?? null,
    });
  }

  #traceOf(
    request: { readonly method?: string; readonly httpVersion: string },
    client: Client,
    head: RequestHead | null,
    matched: Matched | undefined,
  ): Omit<GatewayTrace, "status" | "elapsedMs" | "receivedBytes" | "sentBytes" | "failure"> {
    const own = head?.host === gatewayHost || head?.host === "localhost";
    return {
      atMs: this.#options.nowMs(),
      client: client.address.includes(":") ? `[${client.address}]:${client.port}` : `${client.address}:${client.port}`,
      protocol: request.httpVersion === "2.0" ? "h2" : request.httpVersion === "1.0" ? "http/1.0" : "http/1.1",
      secure: client.scheme === "https",
      method: request.method ?? "",
      host: head?.host ?? "",
      path: head === null ? "" : pathOf(head.target).slice(0, 500),
      route: matched === undefined ? null : routeName(matched.route),
      rule: matched?.rule ?? (own ? "gateway" : "none"),
      target: matched === undefined ? null : formatTarget(matched.route.target),
      pid: matched?.route.holder?.pid ?? null,
    };
  }
}

interface Told {
  readonly status: number;
  readonly failure?: string | null;
  readonly receivedBytes?: number;
  readonly startedMs?: number;
}

/** Whoever asks sits at this machine, as far as can be told: a tunnel's end is at loopback, too, and says for whom it asks. */
function isAtThisMachine({ address }: Client, { forwarded }: RequestHead): boolean {
  return isLoopbackAddress(address) && !forwarded;
}

function fieldOf({ fields }: RequestHead, name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2)
    if (fields[index]!.toLowerCase() === name) return fields[index + 1];
  return undefined;
}
