/**
 * @module Shares as a project's file says them: rules in the order in which they stand there.
 */
import { PortolanError, formatSocketAddress, quote } from "../core/index.ts";
import { readRelayPlace, type ProxyVersion, type ShareRule, type ShareWish } from "../gateway/index.ts";
import { findIdleRules, toldByBytes } from "../gateway/relay/index.ts";
import type { ProjectFile, ShareEntry } from "../project/index.ts";
import { readBind, readRelayTerms } from "./forward.ts";
import { readEntry } from "./project-relays.ts";
import { readAskedName, readToldTarget, type ToldTarget } from "./share-words.ts";
import { protocolFlags, readWait, type ReadShare } from "./share-wish.ts";

/**
 * Reads them all.
 * @throws PROJECT_FILE_INVALID, at the place in the file
 */
export function readShareEntries(file: ProjectFile): readonly ReadShare<ShareWish>[] {
  const places = new Set<string>();
  return file.shares.map((entry) => {
    const read = readShareEntry(file, entry);
    const { address, port } = read.wish.listen;
    const place = formatSocketAddress(address, port);
    readEntry(file, entry, ["listen"], () => {
      if (places.has(place) && port !== 0)
        throw new PortolanError("RELAY_PLACE_INVALID", `${place} is shared twice.`, {
          details: { hint: "One share can have all the rules." },
        });
    });
    places.add(place);
    return read;
  });
}

function readShareEntry(file: ProjectFile, entry: ShareEntry): ReadShare<ShareWish> {
  const usual = entry.sendProxy ?? null;
  const at = <Value>(path: readonly (string | number)[], read: () => Value): Value =>
    readEntry(file, entry, path, read);
  const told = (key: "silent" | "fallback"): ToldTarget | null =>
    entry[key] === undefined ? null : at([key], () => readToldTarget(String(entry[key]), key, usual));
  const rules = (entry.rules ?? []).map((rule, index): ShareRule => {
    const sendProxy: ProxyVersion | null = rule.sendProxy ?? usual;
    return {
      protocol:
        rule.protocol === undefined ? null : at(["rules", index, "protocol"], () => readProtocol(rule.protocol!)),
      name: rule.name === undefined ? null : at(["rules", index, "name"], () => readAskedName(rule.name!, "name")),
      alpn: rule.alpn ?? null,
      ...at(["rules", index, "to"], () => readToldTarget(String(rule.to), "to", sendProxy)),
    };
  });
  const [silent, fallback] = [told("silent"), told("fallback")];
  if (rules.length === 0 && silent === null && fallback === null)
    at([], () => {
      throw new PortolanError("ARGUMENT_INVALID", "Nothing says where its connections go.");
    });
  const wish: ShareWish = {
    kind: "share",
    listen: at(["listen"], () => readRelayPlace(String(entry.listen), readBind(undefined))),
    rules,
    silent,
    silentMs: at(["wait"], () => readWait(entry.wait)),
    fallback,
    ...at(["idle"], () => readRelayTerms(entry)),
  };
  return { wish, notes: findIdleRules(rules).map(({ problem }) => problem) };
}

function readProtocol(text: string): string {
  const known = protocolFlags.find(({ flag }) => flag === text);
  if (known !== undefined && toldByBytes.some(({ id }) => id === known.protocol)) return known.protocol;
  const why =
    known === undefined
      ? "is no protocol that first bytes tell"
      : 'has clients that say nothing first: they go where "silent" says';
  throw new PortolanError("ARGUMENT_INVALID", `${quote(text)} ${why}.`, {
    details: { hint: `There is: ${toldByBytes.map(({ id }) => id).join(", ")}.` },
  });
}
