import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RouteTable } from "./route-table.ts";
import { plainPath } from "./request-path.ts";
import { readRouteHost, readTarget, type Route } from "./route.ts";

const routeOf = (path: string): Route => ({
  host: readRouteHost("shop"),
  path,
  target: readTarget("3000"),
  strip: false,
  ownHost: false,
  holder: null,
  ended: null,
  createdAtMs: 0,
});

describe("plainPath", () => {
  test.each([
    ["/", "/"],
    ["/a/b", "/a/b"],
    ["/api/../x", "/x"],
    ["/api/%2e%2E/x", "/x"],
    ["/%61%50i/%7Ex%5F%2d%39", "/aPi/~x_-9"],
    ["/../../x", "/x"],
    ["/a/.", "/a/"],
    ["/a/..", "/"],
    ["/a/./b/../c/", "/a/c/"],
    ["/a//../b", "/a/b"],
    ["//a", "//a"],
    ["/api%2fx", "/api%2fx"],
    ["/api%2F..%2fx", "/api%2F..%2fx"],
    ["/%zz%", "/%zz%"],
    ["/%5b%60%7b%40%00%20", "/%5b%60%7b%40%00%20"],
    ["/.a/..b/c.", "/.a/..b/c."],
    ["*", "*"],
  ])("%s is %s", (path, plain) => {
    expect(plainPath(path)).toBe(plain);
  });

  test("it is what browsers make of it, and making it plain once more changes nothing", () => {
    const part = fc.constantFrom("a", "/", ".", "..", "%2e", "%2E", "%2f", "%61", "b", ";");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const path = `/${parts.join("")}`;
        const plain = plainPath(path);
        expect(plainPath(plain)).toBe(plain);
        // Browsers leave other escapes as they are; an empty segment at the beginning would be a name to them.
        fc.pre(!path.startsWith("//"));
        expect(plain.startsWith("//") ? plain : new URL(plain, "http://a").pathname).toBe(plain);
        expect(plainPath(new URL(path, "http://a").pathname)).toBe(plain);
      }),
    );
  });
});

describe("the route of a path", () => {
  const table = new RouteTable([routeOf("/"), routeOf("/api")]);

  test.each([
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/api/x", "/api"],
    ["/%61pi/x", "/api"],
    ["/x/../api", "/api"],
    ["/api//x", "/api"],
    ["/api/..%2fadmin", "/api"],
    ["/api/../admin", "/"],
    ["/api/%2e%2e/admin", "/"],
    ["/api/..", "/"],
    ["/apis", "/"],
    ["/API", "/"],
    ["/api%2fx", "/"],
    ["//api", "/"],
    ["/api;a=b", "/"],
    ["/api\\x", "/"],
    ["*", "/"],
  ])("%s takes %s", (path, route) => {
    expect(table.find("shop.localhost", path)?.route.path).toBe(route);
  });
});
