/**
 * @module Forwards and shares as Traefik has them: an entry point each, TCP routers by SNI and ALPN, UDP routers.
 */
import { formatSocketAddress } from "../../core/index.ts";
import type { ProxyVersion, RelayTarget, RelayWish, ShareRule, ShareWish } from "../relay/relay-wish.ts";
import type { ExportLimit } from "./export-facts.ts";
import { idleMsOf, relayName, shareRuleName, wordOf } from "./sound-facts.ts";
import { traefikPattern, traefikText } from "./traefik-words.ts";

type Part = Record<string, unknown>;

/** A place where Traefik listens; it stands in the static configuration. */
export interface EntryPoint {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

interface End {
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/** Writes them. */
export function writeTraefikRelays(
  relays: readonly RelayWish[],
  limits: ExportLimit[],
): { readonly parts: Part; readonly entryPoints: readonly EntryPoint[] } {
  const tcp = { routers: {} as Part, services: {} as Part };
  const udp = { routers: {} as Part, services: {} as Part };
  const entryPoints: EntryPoint[] = [];
  for (const [index, wish] of relays.entries()) {
    const word = wordOf(index + 1, relayName(wish));
    entryPoints.push({ name: word, settings: entrySettings(wish) });
    sayTerms(wish, limits);
    if (wish.kind === "share") writeShare(wish, word, tcp, limits);
    else if (wish.listen.transport === "udp") {
      if (wish.sendProxy !== null)
        limits.push({ concerns: relayName(wish), text: "Traefik sends no PROXY protocol over UDP." });
      udp.routers[word] = { entryPoints: [word], service: word };
      udp.services[word] = { loadBalancer: { servers: [{ address: addressOf(wish.target) }] } };
    } else {
      tcp.routers[word] = { entryPoints: [word], rule: "HostSNI(`*`)", service: word };
      tcp.services[word] = serviceOf(wish);
    }
  }
  const isUsed = ({ routers }: typeof tcp): boolean => Object.keys(routers).length > 0;
  return { parts: { ...(isUsed(tcp) ? { tcp } : {}), ...(isUsed(udp) ? { udp } : {}) }, entryPoints };
}

function entrySettings(wish: RelayWish): Part {
  const { address, port, transport } = wish.listen;
  return {
    address: `${formatSocketAddress(address, port)}${transport === "udp" ? "/udp" : ""}`,
    ...(wish.acceptProxy ? { proxyProtocol: { insecure: true } } : {}),
    ...(transport === "udp" ? { udp: { timeout: `${idleMsOf(wish)}ms` } } : {}),
    // So long the first bytes are waited for.
    ...(wish.kind === "share"
      ? { transport: { respondingTimeouts: { readTimeout: `${Math.max(1, Math.round(wish.silentMs))}ms` } } }
      : {}),
  };
}

function sayTerms(wish: RelayWish, limits: ExportLimit[]): void {
  const concerns = relayName(wish);
  const isTcp = wish.listen.transport === "tcp";
  limits.push({
    concerns,
    text: `Traefik counts connections neither of a place (${wish.mostConnections}) nor of a target (${wish.mostToTarget})${isTcp && wish.idleMs !== null ? ", and ends none for being idle" : ""}.`,
  });
  if (wish.acceptProxy)
    limits.push({
      concerns,
      text: "who begins with no header of the PROXY protocol is taken as well; portolan refuses such a client.",
    });
  const targets = wish.kind === "forward" ? [wish.target] : wish.rules.map(({ target }) => target);
  if (targets.some(({ host }) => host === "localhost"))
    limits.push({
      concerns,
      text: "localhost is what Traefik's own machine takes it for: in a container the container itself.",
    });
}

function writeShare(
  wish: ShareWish,
  word: string,
  tcp: { routers: Part; services: Part },
  limits: ExportLimit[],
): void {
  const concerns = relayName(wish);
  const numbered = wish.rules.map((rule, index) => ({
    rule,
    name: shareRuleName(wish, rule, index),
    word: `${word}_rule${index + 1}`,
  }));
  const ordered = [
    ...numbered.filter(({ rule }) => rule.name !== null),
    ...numbered.filter(({ rule }) => rule.name === null),
  ];
  let plain: string | null = null;
  for (const [index, { rule, name, word: to }] of ordered.entries()) {
    const isAnything = rule.protocol === null && rule.name === null && rule.alpn === null;
    const isTls = rule.protocol === "tls" || (rule.protocol === null && !isAnything);
    if (isTls || isAnything)
      tcp.routers[`${to}_tls`] = {
        entryPoints: [word],
        rule: tlsRule(rule),
        priority: ordered.length + 1 - index,
        service: to,
        tls: { passthrough: true },
      };
    const takesPlain = !isTls && rule.name === null && plain === null;
    if (takesPlain) {
      plain = to;
      tcp.routers[to] = { entryPoints: [word], rule: "HostSNI(`*`)", priority: 1, service: to };
    }
    if (isTls || isAnything || takesPlain) tcp.services[to] = serviceOf(rule);
    if (rule.protocol === null && rule.name !== null && rule.alpn === null)
      limits.push({ concerns: name, text: "the name is found in TLS alone, not in the Host of HTTP." });
    if (isTls || isAnything) continue;
    if (takesPlain)
      limits.push({
        concerns: name,
        text: "Traefik sees only that it is not TLS: everything that is none goes there.",
      });
    else
      limits.push({ concerns: name, text: "Traefik cannot tell it from everything else that is not TLS; left out." });
  }
  if (plain === null && wish.fallback !== null) {
    plain = `${word}_fallback`;
    tcp.routers[plain] = { entryPoints: [word], rule: "HostSNI(`*`)", priority: 1, service: plain };
    tcp.services[plain] = serviceOf(wish.fallback);
  } else if (wish.fallback !== null)
    limits.push({
      concerns: `${concerns}, fallback`,
      text: "bytes that no rule knows go where everything goes that is not TLS.",
    });
  if (wish.silent !== null)
    limits.push({
      concerns: `${concerns}, silent clients`,
      text: "Traefik ends a client that says nothing when the wait is over; where no rule asks for TLS it goes at once where everything goes.",
    });
  if (wish.rules.some(({ protocol }) => protocol === "postgresql"))
    limits.push({ concerns, text: "a client of PostgreSQL that asks for TLS is led by its SNI, like any other TLS." });
}

function tlsRule({ name, alpn }: ShareRule): string {
  const host =
    name === null
      ? "HostSNI(`*`)"
      : name.startsWith("*.")
        ? `HostSNIRegexp(${traefikText(`(?i)^.+${traefikPattern(name.slice(1))}$`)})`
        : `HostSNI(${traefikText(name)})`;
  return alpn === null ? host : `${host} && ALPN(${traefikText(alpn)})`;
}

function serviceOf({ target, sendProxy }: End): Part {
  return {
    loadBalancer: {
      servers: [{ address: addressOf(target) }],
      ...(sendProxy === null ? {} : { proxyProtocol: { version: sendProxy } }),
    },
  };
}

function addressOf({ host, port }: RelayTarget): string {
  return formatSocketAddress(host, port);
}
