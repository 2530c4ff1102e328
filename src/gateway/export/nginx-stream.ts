/**
 * @module Forwards and shares as nginx's stream module has them. It looks into the first bytes for TLS alone.
 */
import type { ForwardWish, ProxyVersion, RelayTarget, RelayWish, ShareRule, ShareWish } from "../relay/relay-wish.ts";
import type { ExportLimit } from "./export-facts.ts";
import { nginxPattern, nginxPlace } from "./nginx-words.ts";
import { idleMsOf, isResolved, placesOf, relayName, shareRuleName, wordOf } from "./sound-facts.ts";

interface End {
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/** As long as nginx's timers hold. */
const foreverMs = 24 * 86_400_000;

/** Writes what stands within `stream`; says what is left out. */
export function writeNginxStreams(relays: readonly RelayWish[], limits: ExportLimit[]): string[] {
  const lines = relays.flatMap((wish, index) => {
    const word = wordOf(index + 1, relayName(wish));
    sayTerms(wish, limits);
    return wish.kind === "forward" ? writeForward(wish, word, limits) : writeShare(wish, word, limits);
  });
  return lines.length === 0
    ? []
    : ["  map_hash_bucket_size 512;", "  variables_hash_bucket_size 256;", ...zoneLines(relays), ...lines];
}

function zoneLines(relays: readonly RelayWish[]): string[] {
  return relays.length === 0 ? [] : ["  limit_conn_zone $portolan_place zone=portolan_places:1m;"];
}

function sayTerms(wish: RelayWish, limits: ExportLimit[]): void {
  const concerns = relayName(wish);
  limits.push({
    concerns,
    text: `of more than ${wish.mostConnections} connections at once each further one is ended; with portolan ${wish.listen.transport === "udp" ? "the one that was silent for longest gives way" : "it waits"}.`,
  });
  if (idleMsOf(wish) === null)
    limits.push({
      concerns,
      text: "a connection on which nothing moves is ended after 24 days: nginx has no longer timer.",
    });
}

function writeForward(wish: ForwardWish, word: string, limits: ExportLimit[]): string[] {
  sayEnd(wish, wish, relayName(wish), limits);
  return [...upstreamLines(wish, wish, word), ...serverLines(wish, word, wish.sendProxy, [`    proxy_pass ${word};`])];
}

function sayEnd({ target, sendProxy }: End, wish: RelayWish, concerns: string, limits: ExportLimit[]): void {
  if (isResolved(target.host))
    limits.push({ concerns, text: `${target.host} is resolved when nginx starts, which fails without an address.` });
  if (sendProxy === 2) limits.push({ concerns, text: "nginx sends the PROXY protocol's header in version 1, not 2." });
  if (sendProxy !== null && wish.listen.transport === "udp")
    limits.push({ concerns, text: "the PROXY protocol's header is sent before each client's first datagram." });
}

function upstreamLines({ mostToTarget }: RelayWish, { target }: End, word: string): string[] {
  return [
    `  upstream ${word} {`,
    // Counted by all of nginx's processes together.
    `    zone ${word} 64k;`,
    ...placesOf(target).map(
      (place, index) => `    server ${place} max_fails=0 max_conns=${mostToTarget}${index > 0 ? " backup" : ""};`,
    ),
    "  }",
  ];
}

function serverLines(wish: RelayWish, word: string, sendProxy: ProxyVersion | null, pass: readonly string[]): string[] {
  const { address, port, transport } = wish.listen;
  const words = `${transport === "udp" ? " udp" : ""}${wish.acceptProxy ? " proxy_protocol" : ""}`;
  return [
    "  server {",
    `    # ${relayName(wish)}`,
    `    listen ${nginxPlace(address, port)}${words};`,
    // Places of one port count apart.
    `    set $portolan_place ${word};`,
    `    limit_conn portolan_places ${wish.mostConnections};`,
    "    proxy_connect_timeout 10s;",
    `    proxy_timeout ${Math.max(1, Math.round(Math.min(idleMsOf(wish) ?? foreverMs, foreverMs)))}ms;`,
    ...(transport === "tcp"
      ? ["    proxy_socket_keepalive on;", "    # Each direction ends by itself.", "    proxy_half_close on;"]
      : []),
    // Whom the header names is who is told on.
    ...(wish.acceptProxy ? ["    set_real_ip_from 0.0.0.0/0;", "    set_real_ip_from ::/0;"] : []),
    ...(sendProxy === null ? [] : ["    proxy_protocol on;"]),
    ...pass,
    "  }",
  ];
}

/** Where a share's connections go: one of its upstreams, or none. */
interface Choice {
  /** Pattern over protocol, name and what ALPN offers, each ended by a space. */
  readonly pattern: string;
  readonly word: string;
}

function writeShare(wish: ShareWish, word: string, limits: ExportLimit[]): string[] {
  const concerns = relayName(wish);
  const numbered = wish.rules.map((rule, index) => ({
    rule,
    word: `${word}_rule${index + 1}`,
    name: shareRuleName(wish, rule, index),
  }));
  const ordered = [
    ...numbered.filter(({ rule }) => rule.name !== null),
    ...numbered.filter(({ rule }) => rule.name === null),
  ];
  const ends = new Map<string, End>();
  const choices: Choice[] = [];
  let plain: { readonly word: string; readonly name: string } | null = null;
  for (const { rule, word: to, name } of ordered) {
    if (rule.protocol === "tls" || (rule.protocol === null && (rule.name !== null || rule.alpn !== null))) {
      ends.set(to, rule);
      choices.push({ pattern: patternOf(rule), word: to });
      if (rule.protocol === null && rule.alpn === null)
        limits.push({ concerns: name, text: "the name is found in TLS alone, not in the Host of HTTP." });
    } else if (plain === null && rule.name === null) {
      // What is not TLS is one thing to nginx: the first rule that asks for any of it gets it all.
      plain = { word: to, name };
      ends.set(to, rule);
      if (rule.protocol === null) choices.push({ pattern: "^", word: to });
      else
        limits.push({
          concerns: name,
          text: "nginx sees only that it is not TLS: everything that is none goes there.",
        });
    } else
      limits.push({
        concerns: name,
        text:
          rule.name === null
            ? `nginx cannot tell it from what goes to ${plain!.name.replace(`${concerns}, `, "")}; left out.`
            : "nginx finds no name outside TLS; left out.",
      });
  }
  const fallback = endOf(wish.fallback, `${word}_fallback`, ends);
  // Bytes that no rule knows look like everything that is not TLS.
  const quiet = plain?.word ?? fallback;
  if (wish.silent !== null)
    limits.push({
      concerns: `${concerns}, silent clients`,
      text: "nginx ends a client that says nothing when the wait is over; it leads none anywhere.",
    });
  if (quiet !== fallback)
    limits.push({
      concerns: `${concerns}, fallback`,
      text: "only TLS that no rule asks for goes there; other bytes that no rule knows go where everything goes that is not TLS.",
    });
  const header = sameHeader(ends, concerns, limits);
  for (const [to, end] of ends)
    sayEnd(end, wish, to === fallback ? concerns : numbered.find((one) => one.word === to)!.name, limits);
  return [
    ...[...ends].flatMap(([to, end]) => upstreamLines(wish, end, to)),
    `  map "$ssl_preread_protocol $ssl_preread_server_name $ssl_preread_alpn_protocols " $${word} {`,
    ...choices.map(({ pattern, word: to }) => `    "~*${pattern}" ${to};`),
    `    "~^ " ${quiet ?? '""'};`,
    `    default ${fallback ?? '""'};`,
    "  }",
    ...serverLines(wish, word, header, [
      "    ssl_preread on;",
      `    preread_timeout ${Math.max(1, Math.round(wish.silentMs))}ms;`,
      `    proxy_pass $${word};`,
    ]),
  ];
}

function endOf(end: End | null, word: string, ends: Map<string, End>): string | null {
  if (end === null) return null;
  ends.set(word, end);
  return word;
}

/** `TLSv1.2 app.localhost h2,http/1.1 `: a name in any case, one of the protocols offered. */
function patternOf({ name, alpn }: ShareRule): string {
  const host =
    name === null ? "[^ ]*" : name.startsWith("*.") ? `[^ ]+${nginxPattern(name.slice(1))}` : nginxPattern(name);
  const offers = alpn === null ? "" : ` (?:[^ ]*,)?${nginxPattern(alpn)}(?:,[^ ]*)? `;
  return `^[^ ]+ ${host}${offers === "" ? " " : offers}`;
}

/** All of a server's targets are told who asks, or none is. */
function sameHeader(ends: ReadonlyMap<string, End>, concerns: string, limits: ExportLimit[]): ProxyVersion | null {
  const wishes = [...ends.values()].map(({ sendProxy }) => sendProxy);
  const first = wishes[0] ?? null;
  if (wishes.some((wish) => (wish === null) !== (first === null))) {
    limits.push({
      concerns,
      text: "nginx sends the PROXY protocol's header to all of a share's targets or to none; it is sent to none.",
    });
    return null;
  }
  return first;
}
