/**
 * @module What the gateway itself has to say: pages for people, plain text for programs. Everything from outside is escaped, no page runs a
 * script, and none names another application to a browser that was sent here under a foreign name.
 */
import { formatDuration } from "../../core/index.ts";
import { formatTarget, gatewayHost, routeName, type Route } from "../route.ts";

/** A page. */
export interface GatewayPage {
  readonly status: number;
  readonly title: string;
  /** Paragraphs. */
  readonly lines: readonly Line[];
  /** Seconds after which the browser looks again. */
  readonly refresh?: number;
  readonly fields?: readonly string[];
}

/** Text, code, or a link. */
export type Line = readonly (string | { readonly code: string } | { readonly link: string; readonly text: string })[];

/** Everything is text but these. */
const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML; marks that turn the direction of writing, and control characters, are spelled out. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(
      /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    )
    .replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

const style =
  "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:12vh auto;padding:0 1.25rem;color:#16233a;background:#f7f5ef}" +
  "h1{font-size:1.4rem;line-height:1.3}code{font:.92em ui-monospace,monospace;background:#e9e5d8;padding:.1em .35em;border-radius:4px;overflow-wrap:anywhere}" +
  "a{color:#0b57a4}footer{margin-top:3rem;font-size:.85rem;opacity:.75}" +
  "@media(prefers-color-scheme:dark){body{color:#e6e9f0;background:#131a26}code{background:#232e42}a{color:#8fc1ff}}";

/** A page as HTML. */
export function writeHtml(page: GatewayPage): string {
  const paragraphs = page.lines.map(
    (line) =>
      `<p>${line
        .map((part) => {
          if (typeof part === "string") return escapeHtml(part);
          if ("code" in part) return `<code>${escapeHtml(part.code)}</code>`;
          return `<a href="${escapeHtml(part.link)}">${escapeHtml(part.text)}</a>`;
        })
        .join("")}</p>`,
  );
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<title>${escapeHtml(page.title)}</title><style>${style}</style></head><body><main><h1>${escapeHtml(page.title)}</h1>` +
    `${paragraphs.join("")}</main><footer>Portolan gateway · ${page.status}</footer></body></html>\n`
  );
}

/** A page as text. */
export function writeText(page: GatewayPage): string {
  const lines = page.lines.map((line) =>
    line.map((part) => (typeof part === "string" ? part : "code" in part ? part.code : part.link)).join(""),
  );
  return `${[`${page.status} ${page.title}`, ...lines].join("\n").replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "?")}\n`;
}

/** Fields of every page: nothing is kept, nothing is run, nobody frames it. */
export function pageFields(type: string, length: number, page: GatewayPage): string[] {
  return [
    "Content-Type",
    type,
    "Content-Length",
    String(length),
    "Cache-Control",
    "no-store",
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options",
    "nosniff",
    "Referrer-Policy",
    "no-referrer",
    "X-Portolan-Gateway",
    "1",
    ...(page.refresh === undefined ? [] : ["Refresh", String(page.refresh)]),
    ...(page.fields ?? []),
  ];
}

/** The server of a route does not answer. */
export function notUpPage(route: Route, error: Error, holderLives: boolean | null, nowMs: number): GatewayPage {
  const { target, holder, ended } = route;
  const name = routeName(route);
  const why = (error as NodeJS.ErrnoException).code ?? error.message;
  const lines: Line[] = [];
  if (ended !== null) {
    const ago = formatDuration(Math.max(0, nowMs - ended.atMs));
    lines.push(["Its program ended ", ago, " ago with exit status ", { code: String(ended.exitStatus) }, "."]);
  } else if (holder !== null && holderLives === false) {
    lines.push(["Its program, process ", { code: String(holder.pid) }, ", is gone."]);
  } else if (holder !== null) {
    lines.push(["Its program, process ", { code: String(holder.pid) }, ", runs, but does not listen yet."]);
  }
  if (holder !== null)
    lines.push([
      "It was started as ",
      { code: holder.command.join(" ") },
      " in ",
      { code: holder.workingDirectory },
      ".",
    ]);
  lines.push([{ code: formatTarget(target) }, ` does not answer (${why}).`]);
  lines.push([
    "This page looks again every two seconds. ",
    { code: `portolan who ${target.port}` },
    " tells who holds the port.",
  ]);
  const crashed = ended !== null || (holder !== null && holderLives === false);
  return {
    status: 502,
    title: crashed ? `${name} has ended` : `${name} is not up`,
    lines,
    refresh: 2,
    fields: ["Retry-After", "2"],
  };
}

/** The server's answer was none. */
export function badAnswerPage(route: Route, error: Error): GatewayPage {
  const why = (error as NodeJS.ErrnoException).code ?? error.message;
  return {
    status: 502,
    title: `${routeName(route)} gave no proper answer`,
    lines: [[{ code: formatTarget(route.target) }, ` was asked, and the connection failed (${why}).`]],
  };
}

/** The gateway itself can open no more connections. */
export function exhaustedPage(route: Route): GatewayPage {
  return {
    status: 503,
    title: "The gateway has no room for another connection",
    lines: [
      [
        { code: formatTarget(route.target) },
        " was not asked: too many connections are open, no file descriptor is left.",
      ],
      [{ code: "portolan gateway" }, " tells how many; ", { code: "ulimit -n" }, " how many there can be."],
    ],
    fields: ["Retry-After", "1"],
  };
}

/** A request that comes round and round. */
export function loopPage(route: Route): GatewayPage {
  return {
    status: 508,
    title: `Requests for ${routeName(route)} go in circles`,
    lines: [
      [{ code: formatTarget(route.target) }, " sends them back to this gateway under the same name."],
      [
        "A development server that passes requests on must change their Host: in Vite ",
        { code: "server.proxy['/api'].changeOrigin = true" },
        ".",
      ],
    ],
  };
}

/** Nobody has this name. */
export function unknownPage(host: string, near: readonly Route[], urlOf: (host: string) => string): GatewayPage {
  // A name elsewhere that leads here is how a foreign page would look at what runs here (DNS rebinding): it learns nothing.
  if (host !== "localhost" && !host.endsWith(".localhost"))
    return { status: 404, title: "No application has this name", lines: [] };
  const lines: Line[] = [];
  if (near.length > 0) {
    lines.push([
      "Did you mean ",
      ...near.flatMap((route, index) => [
        ...(index === 0 ? [] : [" or "]),
        { link: urlOf(route.host), text: routeName(route) },
      ]),
      "?",
    ]);
  }
  const name = host.replace(/\.localhost$/, "");
  lines.push([
    "To give it one: ",
    { code: `portolan run ${name} -- npm run dev` },
    " or ",
    { code: `portolan route add ${name} 3000` },
    ".",
  ]);
  lines.push([{ link: urlOf(gatewayHost), text: "All names" }]);
  return { status: 404, title: `No application is called ${host}`, lines };
}

/** Every route. */
export function indexPage(routes: readonly Route[], urlOf: (host: string) => string): GatewayPage {
  const sorted = routes.toSorted((one, other) => (routeName(one) < routeName(other) ? -1 : 1));
  return {
    status: 200,
    title: routes.length === 1 ? "One name leads to an application" : `${routes.length} names lead to applications`,
    lines: [
      ...sorted.map((route): Line => {
        const place = `${urlOf(route.host)}${route.path === "/" ? "" : route.path.slice(1)}`;
        const name = routeName(route);
        return [
          route.host.startsWith("*.") ? { code: name } : { link: place, text: name },
          " → ",
          { code: formatTarget(route.target) },
          ...(route.ended === null ? [] : [" (has ended)"]),
        ];
      }),
      ["A new one: ", { code: "portolan run NAME -- npm run dev" }, " or ", { code: "portolan route add NAME 3000" }],
    ],
  };
}

/** A request that is not passed on. */
export function refusalPage(status: number, reason: string): GatewayPage {
  return { status, title: "The request is not passed on", lines: [[reason]] };
}
