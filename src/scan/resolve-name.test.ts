import { expect, test } from "vitest";
import { resolveName } from "./resolve-name.ts";

const never = new AbortController().signal;

test("localhost and names under it are loopback without asking anybody", async () => {
  expect(await resolveName("localhost", never)).toEqual(["127.0.0.1", "::1"]);
  expect(await resolveName("shop.localhost", never)).toEqual(["127.0.0.1", "::1"]);
});

test("an abort ends the wait", async () => {
  await expect(resolveName("example.invalid", AbortSignal.abort())).rejects.toMatchObject({ code: "ABORTED" });
});
