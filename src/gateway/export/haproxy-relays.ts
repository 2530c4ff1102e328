/**
 * @module Forwards and shares as HAProxy has them: TCP alone, a share's rules over the first bytes.
 */
import type { ProxyVersion, RelayTarget, RelayTerms, RelayWish, ShareRule, ShareWish } from "../relay/relay-wish.ts";
import type { ExportLimit } from "./export-facts.ts";
import { firstBytes } from "./first-bytes.ts";
import { haproxyForever, haproxyWord, haproxyPlace } from "./haproxy-words.ts";
import { isResolved, placesOf, relayName, shareRuleName, wordOf } from "./sound-facts.ts";

interface End {
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/** Writes each as a frontend with its backends; says what is left out. */
export function writeHaproxyRelays(relays: readonly RelayWish[], limits: ExportLimit[]): string[] {
  return relays.flatMap((wish, index) => {
    const concerns = relayName(wish);
    if (wish.listen.transport === "udp") {
      limits.push({ concerns, text: "HAProxy passes no UDP on; left out." });
      return [];
    }
    const word = wordOf(index + 1, concerns);
    if (wish.idleMs === null)
      limits.push({
        concerns,
        text: "a connection on which nothing moves is ended after 24 days: HAProxy has no longer timer.",
      });
    return wish.kind === "forward" ? writeForward(wish, wish, word, limits, concerns) : writeShare(wish, word, limits);
  });
}

function writeForward(wish: RelayWish, end: End, word: string, limits: ExportLimit[], concerns: string): string[] {
  sayResolved(end.target, concerns, limits);
  return [
    [...frontendLines(wish, word), ...limitLines(wish, `${word}_to`), `  default_backend ${word}_to`, ""].join("\n"),
    backend(wish, end, `${word}_to`),
  ];
}

function frontendLines(wish: RelayWish, word: string): string[] {
  const { address, port } = wish.listen;
  return [
    `frontend ${word}`,
    `  # ${relayName(wish)}`,
    "  mode tcp",
    `  bind ${haproxyPlace(address, port)}${wish.acceptProxy ? " accept-proxy" : ""}`,
    `  maxconn ${wish.mostConnections}`,
    `  timeout client ${timeOf(wish)}`,
  ];
}

/** More than a target may have are refused. */
function limitLines({ mostToTarget }: RelayTerms, backendWord: string): string[] {
  return [`  tcp-request content reject if { be_conn(${backendWord}) ge ${mostToTarget} }`];
}

function backend(wish: RelayTerms, { target, sendProxy }: End, word: string): string {
  const places = placesOf(target);
  const proxy = sendProxy === null ? "" : sendProxy === 1 ? " send-proxy" : " send-proxy-v2";
  const late = isResolved(target.host) ? " init-addr last,libc,none" : "";
  return [
    `backend ${word}`,
    "  mode tcp",
    "  timeout connect 10s",
    `  timeout server ${timeOf(wish)}`,
    // Both directions count, once a connection stands.
    `  timeout tunnel ${timeOf(wish)}`,
    "  retries 1",
    "  option redispatch 1",
    ...(places.length > 1 ? ["  balance first"] : []),
    ...places.map((place, index) => `  server s${index + 1} ${place}${proxy}${late}`),
    "",
  ].join("\n");
}

function timeOf({ idleMs }: RelayTerms): string {
  return idleMs === null || idleMs > 24 * 86_400_000 ? haproxyForever : `${Math.max(1, Math.round(idleMs))}ms`;
}

function writeShare(wish: ShareWish, word: string, limits: ExportLimit[]): string[] {
  const concerns = relayName(wish);
  const numbered = wish.rules.map((rule, index) => ({ rule, number: index + 1 }));
  const ordered = [
    ...numbered.filter(({ rule }) => rule.name !== null),
    ...numbered.filter(({ rule }) => rule.name === null),
  ];
  const uses: { conditions: readonly Condition[]; word: string }[] = [];
  const ends: [string, End][] = [];
  // Whoever could still say a name that a rule has is waited for.
  const waitsForHost = wish.rules.some(
    ({ protocol, name, alpn }) => name !== null && alpn === null && (protocol ?? "http") === "http",
  );
  for (const { rule, number } of ordered) {
    const conditions = conditionsOf(rule, waitsForHost);
    if (conditions.length === 0) {
      const text = "HAProxy is told no bytes by which this could be known; left out.";
      limits.push({ concerns: shareRuleName(wish, rule, number - 1), text });
      continue;
    }
    uses.push({ conditions, word: `${word}_rule${number}` });
    ends.push([`${word}_rule${number}`, rule]);
  }
  const quiet = "req.len 0";
  const { silent, fallback } = wish;
  if (silent !== null) ends.push([`${word}_silent`, silent]);
  if (fallback !== null) ends.push([`${word}_fallback`, fallback]);
  limits.push({
    concerns,
    text: "what no rule knows is waited for as long as silence before it goes to the fallback or is ended; portolan decides with the first byte that leaves no rule open.",
  });
  for (const { target } of ends.map(([, end]) => end)) sayResolved(target, concerns, limits);
  const frontend = [
    ...frontendLines(wish, word),
    `  tcp-request inspect-delay ${Math.max(1, Math.round(wish.silentMs))}ms`,
    "  # Waits until the bytes tell, or the time is over.",
    ...uses.flatMap(({ conditions }) =>
      conditions.map(({ test, late }) => `  tcp-request content accept if ${late ? "WAIT_END " : ""}${test}`),
    ),
    // A whole ClientHello that no rule asks for is decided.
    `  tcp-request content ${fallback === null ? "reject" : "accept"} if { req.ssl_hello_type 1 }`,
    ...(silent === null ? [`  tcp-request content reject if WAIT_END { ${quiet} }`] : []),
    ...(fallback === null ? [`  tcp-request content reject if WAIT_END !{ ${quiet} }`] : []),
    "  tcp-request content accept if WAIT_END",
    ...uses.flatMap(({ conditions, word: to }) => conditions.map(({ test }) => `  use_backend ${to} if ${test}`)),
    ...(silent === null ? [] : [`  use_backend ${word}_silent if { ${quiet} }`]),
    ...(fallback === null ? [] : [`  default_backend ${word}_fallback`]),
    "",
  ];
  return [frontend.join("\n"), ...ends.map(([to, end]) => shareBackend(wish, end, to))];
}

/** A share's target may be met by several rules; each has its own count here, as each has its own backend. */
function shareBackend(wish: ShareWish, end: End, word: string): string {
  const [first, ...rest] = backend(wish, end, word).split("\n");
  return [first, `  tcp-request content reject if { be_conn(${word}) gt ${wish.mostToTarget} }`, ...rest].join("\n");
}

interface Condition {
  readonly test: string;
  /** Met only when the wait is over: another rule could still be. */
  readonly late: boolean;
}

/** Any of these is enough. */
function conditionsOf({ protocol, name, alpn }: ShareRule, waitsForHost: boolean): Condition[] {
  const now = (test: string): Condition => ({ test, late: false });
  if (name === null && alpn === null) {
    if (protocol === null) return [{ test: "{ req.len gt 0 }", late: true }];
    const bytes = firstBytes[protocol];
    if (protocol === "tls") return [now("{ req.ssl_hello_type 1 }")];
    if (bytes === undefined) return [];
    return [now(protocol === "http" && waitsForHost ? `${seen(bytes)} ${seen(headEnd)}` : seen(bytes))];
  }
  const conditions: Condition[] = [];
  if (protocol === null || protocol === "tls") {
    const offered = alpn === null ? "" : ` { req.ssl_alpn -m reg '(^|,)${escapePattern(alpn)}(,|$)' }`;
    conditions.push(
      now(`{ req.ssl_hello_type 1 }${name === null ? "" : ` ${named("req.ssl_sni,lower", name)}`}${offered}`),
    );
  }
  if ((protocol === null || protocol === "http") && alpn === null && name !== null)
    conditions.push(now(`${seen(firstBytes["http"]!)} ${seen(hostLine(name))}`));
  return conditions;
}

/** An empty line. */
const headEnd = "^(?:..)*0a(?:0d)?0a";

function seen(pattern: string): string {
  return `{ req.payload(0,0),hex,lower -m reg '${pattern}' }`;
}

function named(fetch: string, name: string): string {
  return name.startsWith("*.")
    ? `{ ${fetch} -m end ${haproxyWord(name.slice(1))} }`
    : `{ ${fetch} -m str ${haproxyWord(name)} }`;
}

/** A field `Host` of HTTP/1 with this name, over hexadecimal digits: line end, the field's name in any case, blanks, the name, a dot, a port. */
function hostLine(name: string): string {
  const anyCase = (text: string): string =>
    text
      .split("")
      .map((character) => {
        const low = Buffer.from(character).toString("hex");
        const high = Buffer.from(character.toUpperCase()).toString("hex");
        return low === high ? low : `(?:${low}|${high})`;
      })
      .join("");
  const wildcard = name.startsWith("*.");
  const before = wildcard ? "(?:2d|2e|3[0-9]|5f|[46][1-9a-f]|[57][0-9a])+" : "";
  const host = before + anyCase(wildcard ? name.slice(1) : name);
  return `^(?:..)*0a${anyCase("host")}3a(?:20|09)*${host}(?:2e)?(?:3a(?:3[0-9])*)?(?:20|09)*0d?0a`;
}

function escapePattern(text: string): string {
  return text.replaceAll(/[^\w-]/g, (character) => `\\${character}`);
}

function sayResolved({ host }: RelayTarget, concerns: string, limits: ExportLimit[]): void {
  if (isResolved(host)) limits.push({ concerns, text: `${host} is resolved when HAProxy starts, and then no more.` });
}
