import { expect, test } from "vitest";
import { isCoveredName, isHostName, readAuthorityNames } from "./authority-names.ts";

test.each([
  ["test", ["test"]],
  ["test,shop.test", ["test", "shop.test"]],
  [" Test , *.Shop.Example. ,.api.example", ["test", "shop.example", "api.example"]],
  ["test,test", ["test"]],
  ["home.arpa", ["home.arpa"]],
  ["shop.dev", ["shop.dev"]],
  ["", []],
])("names %j are %j", (text, names) => {
  expect(readAuthorityNames(text)).toEqual(names);
});

test.each(["com", "dev", "test,app", "10.0.0.1", "a b", "-a.test", "a..test", "ä.test", `${"a".repeat(64)}.test`])(
  "%j is refused",
  (text) => {
    expect(() => readAuthorityNames(text)).toThrow(expect.objectContaining({ code: "AUTHORITY_NAME_INVALID" }));
  },
);

test("a name covers itself and what is below, at whole labels", () => {
  const authority = { names: ["localhost", "shop.test"] };
  for (const name of ["localhost", "a.localhost", "A.B.LocalHost.", "shop.test", "x.shop.test"])
    expect([name, isCoveredName(name, authority)]).toEqual([name, true]);
  for (const name of ["xlocalhost", "localhost.com", "test", "myshop.test", "", "shop.test.com"])
    expect([name, isCoveredName(name, authority)]).toEqual([name, false]);
});

test("host names are labels of letters, digits, hyphens and underscores", () => {
  for (const name of ["a", "a_b.localhost", "xn--4ca.localhost", "1.2", "a-b"])
    expect([name, isHostName(name)]).toEqual([name, true]);
  for (const name of ["", ".", "a.", ".a", "a..b", "-a", "a-", "A", "a b", "*.a", "a".repeat(64)])
    expect([name, isHostName(name)]).toEqual([name, false]);
});
