import { expect, test } from "vitest";
import type { ListedRoute } from "../../../src/operations/route-schemas.ts";
import { groupRoutes, splitName } from "./group-routes.ts";

const routeOf = (name: string): ListedRoute => ({ name }) as ListedRoute;

test("a name is split into host, path and whether it is for all below", () => {
  expect(splitName("shop.localhost")).toEqual({ host: "shop.localhost", path: "/", wildcard: false });
  expect(splitName("shop.localhost/api/v1")).toEqual({ host: "shop.localhost", path: "/api/v1", wildcard: false });
  expect(splitName("*.shop.localhost")).toEqual({ host: "shop.localhost", path: "/", wildcard: true });
});

test("paths and the wildcard stand below their host, a branch behind its project", () => {
  const names = [
    "*.shop.localhost",
    "api.localhost",
    "fix-login.shop.localhost",
    "nas.test",
    "shop-admin.localhost",
    "shop.localhost",
    "shop.localhost/api",
    "shop.localhost/admin",
  ];
  const groups = groupRoutes(names.map(routeOf));
  expect(groups.map(({ host, routes }) => [host, ...routes.map(({ name }) => name)])).toEqual([
    ["api.localhost", "api.localhost"],
    ["shop.localhost", "shop.localhost", "shop.localhost/admin", "shop.localhost/api", "*.shop.localhost"],
    ["fix-login.shop.localhost", "fix-login.shop.localhost"],
    ["shop-admin.localhost", "shop-admin.localhost"],
    ["nas.test", "nas.test"],
  ]);
});
