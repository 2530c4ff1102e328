/**
 * @module Rules that can never be reached, and in which words that is told.
 */
import { expect, test } from "vitest";
import { parsePort } from "../../core/index.ts";
import type { ShareRule } from "./relay-wish.ts";
import { findIdleRules, fitsName, ruleWords } from "./share-rules.ts";

const rule = (protocol: string | null, name: string | null = null, alpn: string | null = null): ShareRule => ({
  protocol,
  name,
  alpn,
  target: { host: "localhost", port: parsePort("1") },
  sendProxy: null,
});
const problems = (...rules: ShareRule[]): string[] => findIdleRules(rules).map(({ problem }) => problem);

test("rules that can all be reached", () => {
  expect(
    problems(
      rule("tls", null, "h2"),
      rule("tls"),
      rule("http"),
      rule(null, "app.localhost"),
      rule(null, "*.localhost"),
      rule("tls", "*.example", "h2"),
      rule("tls", "a.example"),
      rule("http", "b.example"),
      rule("http2"),
    ),
  ).toEqual([]);
});

test("rules that cannot", () => {
  expect(problems(rule("ssh"), rule("ssh"))).toEqual([
    "Rule 2 (ssh) can never be reached: rule 1 asks for the same, and nothing can tell them apart.",
  ]);
  expect(problems(rule("tls"), rule("tls", null, "h2"))).toEqual([
    "Rule 2 (tls, alpn h2) can never be reached: all that it would take goes to rule 1 (tls) before.",
  ]);
  expect(problems(rule(null, "*.shop"), rule("tls", "a.shop"), rule(null, "*.a.shop"))).toEqual([
    "Rule 2 (tls, name a.shop) can never be reached: all that it would take goes to rule 1 (name *.shop) before.",
    "Rule 3 (name *.a.shop) can never be reached: all that it would take goes to rule 1 (name *.shop) before.",
  ]);
  // Names are asked first, wherever they stand; one for TLS alone leaves HTTP's.
  expect(problems(rule("tls"), rule("tls", "a"), rule(null, "a"))).toEqual([]);
  expect(problems(rule(null), rule("ssh"))).toEqual([
    "Rule 2 (ssh) can never be reached: all that it would take goes to rule 1 (anything) before.",
  ]);
  expect(problems(rule("http2", "a"), rule("ssh", "a"), rule("http", null, "h2"))).toEqual([
    expect.stringMatching(/^Rule 1 \(http2, name a\) can never be reached: .*HPACK/),
    "Rule 2 (ssh, name a) can never be reached: a client of ssh names nobody in its first bytes.",
    "Rule 3 (http, alpn h2) can never be reached: ALPN is a part of TLS.",
  ]);
});

test("names and words", () => {
  expect(["a.b", "x.a.b", ".a.b", "xa.b"].map((name) => fitsName("*.a.b", name))).toEqual([false, true, false, false]);
  expect(ruleWords(rule("tls", "a", "h2"))).toBe("tls, name a, alpn h2");
  expect(ruleWords(rule(null))).toBe("anything");
});
