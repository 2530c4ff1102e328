/**
 * @module Proxies by environment.
 */
import { expect, test } from "vitest";
import { findProxy } from "./proxy-variables.ts";

const local = { scheme: "http", host: "localhost", addresses: ["127.0.0.1"], port: 3000 };

test("which variable, without its password", () => {
  expect(findProxy({}, local)).toBeNull();
  expect(findProxy({ http_proxy: "", HTTPS_PROXY: "x:1" }, local)).toBeNull();
  expect(findProxy({ HTTP_PROXY: "http://me:secret@proxy:8080/" }, local)).toMatchObject({
    variable: "HTTP_PROXY",
    proxy: "http://proxy:8080",
    port: 8080,
    local: false,
    exceptions: null,
  });
  expect(findProxy({ ALL_PROXY: "socks5://127.0.0.1" }, local)).toMatchObject({ port: 1080, local: true });
  expect(findProxy({ https_proxy: "[::1]:3128" }, { ...local, scheme: "wss" })).toMatchObject({
    host: "::1",
    port: 3128,
    local: true,
  });
  expect(findProxy({ http_proxy: "http://[" }, local)).toBeNull();
});

test.each([
  ["localhost", true],
  ["*", true],
  ["example.com, localhost", true],
  ["localhost:3000", true],
  ["localhost:80", false],
  [".localhost", true],
  ["host", false],
  ["127.0.0.0/8", false],
  ["", false],
])("NO_PROXY=%s leaves localhost:3000 alone: %s", (value, excepted) => {
  expect(findProxy({ http_proxy: "p:1", NO_PROXY: value }, local) === null).toBe(excepted);
});

test("names below, and networks for addresses", () => {
  const shop = { ...local, host: "shop.test" };
  expect(findProxy({ http_proxy: "p:1", no_proxy: "test" }, shop)).toBeNull();
  expect(findProxy({ http_proxy: "p:1", no_proxy: "op.test" }, shop)).not.toBeNull();
  const address = { ...local, host: "10.1.2.3", addresses: ["10.1.2.3"] };
  expect(findProxy({ http_proxy: "p:1", no_proxy: "10.0.0.0/8" }, address)).toBeNull();
  expect(findProxy({ http_proxy: "p:1", no_proxy: "fd00::/8,11.0.0.0/8,x/y" }, address)).not.toBeNull();
});
