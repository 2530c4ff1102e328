/**
 * @module What the flags of `share` mean: rules in an order that does not depend on how the flags stand, the silent route, and what the user
 * should know before anybody comes.
 */
import { PortolanError, parseDuration } from "../core/index.ts";
import { readRelayPlace, type ProxyVersion, type ShareRule, type ShareWish } from "../gateway/index.ts";
import { byPrecision, findIdleRules, namingProtocols, toldByBytes, waitingClients } from "../gateway/relay/index.ts";
import { readAskedName, readToldTarget, refuse, splitAtEquals } from "./share-words.ts";

/**
 * How long a client may say nothing, milliseconds. A first segment that is lost comes again after 1 s (RFC 6298, section 2.1) and, lost again,
 * after 3 s: until then silence may be the network's. Clients that wait for a server's greeting wait longer than that by far: minutes in
 * mail (RFC 5321, section 4.5.3.2.1).
 */
export const usualWaitMs = 3000;
/** Less would take slow clients for silent ones, milliseconds; more would keep connections that nobody wants. */
const shortestWaitMs = 50;
const longestWaitMs = 600_000;

/** People say it so. */
const aliases: Readonly<Record<string, string>> = { postgres: "postgresql" };

/** What their first bytes tell is not all that is called so. */
const titles: Readonly<Record<string, string>> = {
  http: "HTTP/1",
  http2: "HTTP/2 without TLS",
  dns: "DNS over TCP",
};

/** A flag for a protocol. */
export interface ProtocolFlag {
  readonly flag: string;
  readonly protocol: string;
  readonly title: string;
  /** Its clients wait for the server, and say nothing that tells them. */
  readonly waits: boolean;
}

/** Every protocol that can be told, with what else it is called, by flag. */
export const protocolFlags: readonly ProtocolFlag[] = (() => {
  const waiting = new Set(waitingClients.map(({ id }) => id));
  const all = new Map([...toldByBytes, ...waitingClients].map((protocol) => [protocol.id, protocol]));
  const own = [...all.values()].map(({ id, title }) => ({
    flag: id,
    protocol: id,
    title: titles[id] ?? title,
    waits: waiting.has(id),
  }));
  const others = Object.entries(aliases).map(([flag, protocol]) => ({
    ...own.find((candidate) => candidate.protocol === protocol)!,
    flag,
  }));
  return [...own, ...others].sort(
    (one, other) => Number(one.waits) - Number(other.waits) || byPrecision(one.protocol, other.protocol),
  );
})();

/** What can be said of a share. */
export interface ShareWords {
  readonly listen: string;
  /** By flag: `[NAME=]TARGET`. */
  readonly protocols: ReadonlyMap<string, readonly string[]>;
  /** `NAME=TARGET`. */
  readonly name?: readonly string[] | undefined;
  /** `PROTOCOL=TARGET`. */
  readonly alpn?: readonly string[] | undefined;
  readonly silent?: string | undefined;
  readonly wait?: string | undefined;
  readonly fallback?: string | undefined;
  readonly sendProxy?: ProxyVersion | undefined;
  /** Address to listen at where `listen` has none. */
  readonly bind: string;
}

/** A wish, and what to say about it. */
export interface ReadShare<Wish> {
  readonly wish: Wish;
  /** Whole sentences. */
  readonly notes: readonly string[];
}

/** Everything but how many connections, and what clients begin with. */
export type ShareRoutes = Pick<ShareWish, "kind" | "listen" | "rules" | "silent" | "silentMs" | "fallback">;

/**
 * Reads the flags. Rules with a name come first, the exact one before wildcards; then those by ALPN; then protocols, those told by rarer bytes
 * before those told by words.
 * @throws ARGUMENT_INVALID, RELAY_PLACE_INVALID
 */
export function readShareWords(words: ShareWords): ReadShare<ShareRoutes> {
  const usual = words.sendProxy ?? null;
  const listen = readRelayPlace(words.listen, words.bind);
  const rules: ShareRule[] = [
    ...(words.name ?? []).map((text) => readNamed(text, usual)),
    ...(words.alpn ?? []).map((text) => readOffered(text, usual)),
  ];
  const waiting: { readonly flag: string; readonly rule: ShareRule }[] = [];
  for (const { flag, protocol, waits } of protocolFlags) {
    for (const text of words.protocols.get(flag) ?? []) {
      const rule = readProtocolRule(text, flag, protocol, usual);
      if (waits) waiting.push({ flag, rule });
      else rules.push(rule);
    }
  }
  rules.sort(byName);
  const told = new Set(toldByBytes.map(({ id }) => id));
  // A client of these that speaks all the same is told by what it says.
  rules.push(...waiting.map(({ rule }) => rule).filter(({ protocol }) => told.has(protocol!)));
  const silent = silentOf(words.silent === undefined ? null : readToldTarget(words.silent, "--silent", usual), waiting);
  const fallback = words.fallback === undefined ? null : readToldTarget(words.fallback, "--fallback", usual);
  if (rules.length === 0 && silent === null && fallback === null)
    throw new PortolanError("ARGUMENT_INVALID", "Nothing says where connections go.", {
      details: { hint: "Name a server for what they speak: portolan share 443 --ssh :22 --tls :8443 --http :8080" },
    });
  const silentMs = readWait(words.wait);
  const wish: ShareRoutes = { kind: "share", listen, rules, silent, silentMs, fallback };
  return { wish, notes: notesOf(wish, waiting) };
}

/** The exact name first, then the nearest wildcard, and of one name first the rule for one protocol; all else stays as it is. */
function byName(one: ShareRule, other: ShareRule): number {
  if (one.name === null || other.name === null) return Number(one.name === null) - Number(other.name === null);
  const isWild = ({ name }: ShareRule): number => Number(name!.startsWith("*."));
  const depth = ({ name }: ShareRule): number => (name!.startsWith("*.") ? name!.split(".").length : 0);
  return (
    isWild(one) - isWild(other) ||
    depth(other) - depth(one) ||
    Number(one.protocol === null) - Number(other.protocol === null)
  );
}

/** @throws ARGUMENT_INVALID */
export function readWait(text: string | undefined): number {
  if (text === undefined) return usualWaitMs;
  const waitMs = parseDuration(text, "--wait");
  if (waitMs < shortestWaitMs || waitMs > longestWaitMs) throw refuse("--wait", text, "it is from 50ms to 10m");
  return waitMs;
}

function readNamed(text: string, usual: ProxyVersion | null): ShareRule {
  const { before, after } = splitAtEquals(text);
  if (before === null) throw refuse("--name", text, "it is NAME=TARGET, such as app.localhost=:3000");
  return ruleOf({ name: readAskedName(before, "--name"), ...readToldTarget(after, "--name", usual) });
}

function readOffered(text: string, usual: ProxyVersion | null): ShareRule {
  const { before, after } = splitAtEquals(text);
  if (before === null || before === "" || before.length > 255)
    throw refuse("--alpn", text, "it is PROTOCOL=TARGET, such as h2=:8443");
  return ruleOf({ protocol: "tls", alpn: before, ...readToldTarget(after, "--alpn", usual) });
}

function readProtocolRule(text: string, flag: string, protocol: string, usual: ProxyVersion | null): ShareRule {
  const argument = `--${flag}`;
  const { before, after } = splitAtEquals(text);
  const target = readToldTarget(after, argument, usual);
  if (before === null) return ruleOf({ protocol, ...target });
  if (!(namingProtocols as readonly string[]).includes(protocol))
    throw refuse(argument, text, `a client of ${protocol} names nobody in its first bytes; TLS and HTTP/1 do`);
  return ruleOf({ protocol, name: readAskedName(before, argument), ...target });
}

function ruleOf(given: Partial<ShareRule> & Pick<ShareRule, "target" | "sendProxy">): ShareRule {
  return { protocol: null, name: null, alpn: null, ...given };
}

type WaitingRule = { readonly flag: string; readonly rule: ShareRule };

/** Who says nothing goes where `--silent` says, or to the one server whose clients say nothing. */
function silentOf(told: ShareWish["silent"], waiting: readonly WaitingRule[]): ShareWish["silent"] {
  if (told !== null) return told;
  const [first, second] = waiting;
  if (first === undefined) return null;
  if (second === undefined) return { target: first.rule.target, sendProxy: first.rule.sendProxy };
  const flags = waiting.map(({ flag }) => `--${flag}`);
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `${flags.join(" and ")} cannot share a port: their clients say nothing until the server has spoken, so that nothing tells them apart.`,
    { details: { arguments: flags, hint: "Keep one of them, or say with --silent where those go that say nothing." } },
  );
}

function notesOf({ rules, silent }: ShareRoutes, waiting: readonly WaitingRule[]): readonly string[] {
  const idle = findIdleRules(rules);
  const isSilent = (rule: ShareRule): boolean =>
    silent !== null && silent.target.host === rule.target.host && silent.target.port === rule.target.port;
  return [
    ...idle
      // A client that waits reaches it by its silence.
      .filter(({ number }) => !waiting.some(({ rule }) => rule === rules[number - 1] && isSilent(rule)))
      .map(({ problem }) => problem),
    ...waiting
      .filter(({ rule }) => !isSilent(rule))
      .map(
        ({ flag, rule }) =>
          `Clients of ${flag} say nothing until the server has spoken: they go where --silent says, ${
            rules.includes(rule) ? "unless they speak first" : `and never to that of --${flag}`
          }.`,
      ),
  ];
}
