/**
 * @module How the gateway's own pages are written: HTML for people, plain text for programs. Everything from outside is escaped, and no page
 * runs a script or loads anything.
 */

/** Text, code, or a link. */
export type Line = readonly (string | { readonly code: string } | { readonly link: string; readonly text: string })[];

/** An entry of a list of names. */
export interface PageEntry {
  readonly name: Line;
  readonly target: Line;
  /** What is to be said of it; `""` when nothing is. */
  readonly state: string;
  readonly tone: "good" | "bad" | "plain";
}

/** A page. */
export interface GatewayPage {
  readonly status: number;
  readonly title: string;
  /** Paragraphs. */
  readonly lines: readonly Line[];
  /** Facts with their labels, behind the paragraphs. */
  readonly facts?: readonly (readonly [label: string, value: Line])[];
  readonly entries?: readonly PageEntry[];
  /** Paragraphs behind everything else: what can be done. */
  readonly advice?: readonly Line[];
  /** Seconds after which the browser looks again. */
  readonly refresh?: number;
  readonly fields?: readonly string[];
}

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

/** Colours that stand 4.5 to 1 on their ground in both schemes (WCAG 2.2, 1.4.3). */
const style =
  ":root{color-scheme:light dark;--ink:#16233a;--soft:#55617a;--ground:#f7f5ef;--card:#fffdf8;--line:#e0dbcc;--code:#efebdf;--link:#0b57a4;--good:#1b6e3c;--bad:#a3301f}" +
  "@media(prefers-color-scheme:dark){:root{--ink:#e6e9f0;--soft:#a3adc0;--ground:#131a26;--card:#1a2332;--line:#2e3a50;--code:#263248;--link:#8fc1ff;--good:#7fd6a0;--bad:#ff9d8c}}" +
  "*{box-sizing:border-box}body{font:16px/1.6 system-ui,sans-serif;margin:0;padding:10vh 1rem 2rem;color:var(--ink);background:var(--ground)}" +
  "main{max-width:44rem;margin:0 auto;padding:1.75rem 2rem;background:var(--card);border:1px solid var(--line);border-radius:12px}" +
  "h1{font-size:1.45rem;line-height:1.3;margin:0 0 1rem;overflow-wrap:anywhere}p{margin:.75rem 0;overflow-wrap:anywhere}" +
  "code{font:.9em ui-monospace,monospace;background:var(--code);padding:.1em .35em;border-radius:4px;overflow-wrap:anywhere}" +
  "a{color:var(--link)}dl{display:grid;grid-template-columns:max-content 1fr;gap:.5rem 1.25rem;margin:1.25rem 0}dt{color:var(--soft)}dd{margin:0;min-width:0;overflow-wrap:anywhere}" +
  "ul{list-style:none;margin:1.25rem 0;padding:0}li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline;padding:.6rem 0;border-top:1px solid var(--line)}" +
  "li>:first-child{font-weight:600;flex:1 1 14rem;min-width:0;overflow-wrap:anywhere}li>:nth-child(2){flex:0 1 14rem}li>:last-child{flex:0 0 9.5rem;color:var(--soft);font-size:.9rem}" +
  ".good{color:var(--good)!important}.bad{color:var(--bad)!important}.advice{margin-top:1.5rem;padding-top:.75rem;border-top:1px solid var(--line);color:var(--soft)}" +
  "footer{max-width:44rem;margin:1rem auto 0;padding:0 2rem;font-size:.85rem;color:var(--soft)}" +
  "@media(max-width:32rem){body{padding-top:1rem}main{padding:1.25rem}footer{padding:0 1.25rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.75rem}li>*{flex-basis:100%!important}li>:last-child:empty{display:none}}";

function htmlOf(line: Line): string {
  return line
    .map((part) => {
      if (typeof part === "string") return escapeHtml(part);
      if ("code" in part) return `<code>${escapeHtml(part.code)}</code>`;
      return `<a href="${escapeHtml(part.link)}">${escapeHtml(part.text)}</a>`;
    })
    .join("");
}

/** A page as HTML. */
export function writeHtml({ title, lines, facts = [], entries = [], advice = [], status }: GatewayPage): string {
  const paragraphs = (some: readonly Line[]): string => some.map((line) => `<p>${htmlOf(line)}</p>`).join("");
  const list = facts.map(([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${htmlOf(value)}</dd>`).join("");
  const items = entries
    .map(
      ({ name, target, state, tone }) =>
        `<li><span>${htmlOf(name)}</span><span>${htmlOf(target)}</span><span class="${tone}">${escapeHtml(state)}</span></li>`,
    )
    .join("");
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<title>${escapeHtml(title)}</title><style>${style}</style></head><body><main><h1>${escapeHtml(title)}</h1>${paragraphs(lines)}` +
    `${list === "" ? "" : `<dl>${list}</dl>`}${items === "" ? "" : `<ul>${items}</ul>`}` +
    `${advice.length === 0 ? "" : `<div class="advice">${paragraphs(advice)}</div>`}</main><footer>Portolan gateway · ${status}</footer></body></html>\n`
  );
}

/** A page as text. */
export function writeText({ status, title, lines, facts = [], entries = [], advice = [] }: GatewayPage): string {
  const textOf = (line: Line): string =>
    line.map((part) => (typeof part === "string" ? part : "code" in part ? part.code : part.link)).join("");
  const all = [
    `${status} ${title}`,
    ...lines.map(textOf),
    ...facts.map(([label, value]) => `${label}: ${textOf(value)}`),
    ...entries.map(
      ({ name, target, state }) => `${textOf(name)} → ${textOf(target)}${state === "" ? "" : ` (${state})`}`,
    ),
    ...advice.map(textOf),
  ];
  return `${all.join("\n").replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "?")}\n`;
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
