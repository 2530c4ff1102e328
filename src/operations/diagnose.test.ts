/**
 * @module What a report tells of a person: nothing.
 */
import { expect, test } from "vitest";
import { describeEnvironment } from "./diagnose-environment.ts";
import { hideHome } from "./diagnose.ts";

test("the home folder is ~ wherever its path stands whole", () => {
  const hide = (text: string): string => hideHome(text, ["/srv/people/ada/", "/", undefined, ""]);
  expect(hide("/srv/people/ada")).toBe("~");
  expect(hide("/srv/people/ada/x and /srv/people/ada")).toBe("~/x and ~");
  expect(hide('"/srv/people/ada/a" could not be read')).toBe('"~/a" could not be read');
  expect(hide("/srv/people/adam/x")).toBe("/srv/people/adam/x");
  expect(hide("/home/grace/x, /Users/Grace Hopper")).toBe("~/x, ~ Hopper");
  expect(hide("/var/lib/portolan")).toBe("/var/lib/portolan");
  expect(hideHome({ a: ["/root/b", 1, null, { c: true }] }, ["/root"])).toEqual({ a: ["~/b", 1, null, { c: true }] });
});

test("of the environment only harmless values are told", () => {
  const told = describeEnvironment({
    AWS_SECRET_ACCESS_KEY: "secret",
    CI: "true",
    HTTPS_PROXY: "http://user:secret@proxy/",
    LANG: "\u001b[31m",
    NODE_OPTIONS: "--require ./secret.cjs",
    PORTOLAN_SOMETHING: "secret",
    PORTOLAN_STATE_HOME: "/var/lib/portolan",
    TERM: "x".repeat(500),
  });
  expect(told).toEqual([
    { name: "CI", value: "true" },
    { name: "HTTPS_PROXY", value: null },
    { name: "LANG", value: null },
    { name: "NODE_OPTIONS", value: null },
    { name: "PORTOLAN_SOMETHING", value: null },
    { name: "PORTOLAN_STATE_HOME", value: "/var/lib/portolan" },
    { name: "TERM", value: null },
  ]);
  expect(describeEnvironment({})).toEqual([]);
});
