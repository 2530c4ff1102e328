import type * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { PortolanError } from "../../core/index.ts";
import { checkInput } from "../../operations/bind-operation.ts";
import { gatewayOperation } from "../../operations/gateway.ts";
import { gatewayServiceOperation } from "../../operations/gateway-service.ts";
import { registryOperation } from "../../operations/registry.ts";
import { routeOperation } from "../../operations/route.ts";
import { completeWords } from "./call.ts";
import { manifest } from "./manifest.generated.ts";
import { parseWords } from "./parse-words.ts";

function refusalOf(words: string): string {
  try {
    parseWords(manifest, completeWords(words.split(" ")));
  } catch (error) {
    expect((error as PortolanError).code).toBe("ARGUMENT_INVALID");
    const { hint = "" } = (error as PortolanError).details as { hint?: string };
    return `${(error as PortolanError).message} ${hint}`.trimEnd();
  }
  return "";
}

test.each([
  ["route lst", '"lst" is no action of route. (Did you mean list?) portolan route takes add, remove, list, hosts.'],
  [
    "route hsots",
    '"hsots" is no action of route. (Did you mean hosts?) portolan route takes add, remove, list, hosts.',
  ],
  ["route rm shop", '"rm" is no action of route. portolan route takes add, remove, list, hosts.'],
  [
    "route lst --json",
    '"lst" is no action of route. (Did you mean list?) portolan route takes add, remove, list, hosts.',
  ],
  [
    "registry updat",
    '"updat" is no action of registry. (Did you mean update?) portolan registry takes status, update, reset.',
  ],
  ["hosts remov", 'hosts takes no words but flags: "remov". (Did you mean --remove?)'],
  ["route hosts lst", 'hosts takes no words but flags: "lst".'],
  ["routes shop", 'routes takes no words but flags: "shop".'],
])("%s", (words, refusal) => {
  expect(refusalOf(words)).toBe(refusal);
});

test.each([
  ["gateway stauts", "status"],
  ["gateway --port 8080 stauts", "status"],
  ["gateway trst", "trust"],
  ["gateway instal --port 80", "install"],
])("%s: did you mean %s?", (words, meant) => {
  expect(refusalOf(words)).toMatch(
    new RegExp(`is no action of gateway\\. \\(Did you mean ${meant}\\?\\).*install, uninstall, trust, untrust`),
  );
});

test.each([
  ["gateway --port 80", "--port", "gateway status", "gateway start, gateway restart, gateway serve"],
  ["gateway status --log x", "--log", "gateway status", "gateway start, gateway restart, gateway serve"],
  ["gateway stop --no-https", "--no-https", "gateway stop", "gateway start, gateway restart, gateway serve"],
  ["gateway start --drain 1s", "--drain", "gateway start", "gateway stop, gateway restart"],
  ["gateway uninstall --https-port 1", "--https-port", "gateway uninstall", "gateway install"],
  ["route remove shop 3000", "TARGET", "route remove", "route add"],
  ["route remove shop --no-start", "--no-start", "route remove", "route add"],
  ["registry reset --from x", "--from", "registry reset", "registry update"],
])("%s: %s belongs to another action", (words, entry, action, actions) => {
  expect(refusalOf(words)).toBe(`${entry} does not go with ${action}, but with ${actions}.`);
});

test("with its own action each is taken", () => {
  for (const words of [
    "gateway start --port 80 --https-port 81 --no-https --bind ::1 --ca-names test --log x",
    "gateway restart --drain 1s --port 80",
    "gateway stop --drain 1s",
    "gateway --json",
    "gateway install --port 80 --system",
    "gateway uninstall --system --yes",
    "route add shop 3000 --strip --own-host --force --no-start",
    "route remove shop --json",
    "registry update --from x --timeout 1s",
  ])
    expect([words, refusalOf(words)]).toEqual([words, ""]);
});

describe("the library and the HTTP interface refuse the same", () => {
  test.each([
    [routeOperation, { action: "remove", name: "x", force: true }, 'force does not go with "remove", but with "add"'],
    [gatewayOperation, { port: 80 }, 'port does not go with "status", but with "start", "restart", "serve"'],
    [gatewayServiceOperation, { action: "uninstall", bind: "::1" }, 'bind does not go with "uninstall"'],
    [registryOperation, { from: "x" }, 'from does not go with "status", but with "update"'],
  ] as const)("%#", (operation, input, message) => {
    expect(() => checkInput<v.GenericSchema>(operation, input)).toThrow(message);
  });

  test("and take the rest", () => {
    expect(checkInput(gatewayOperation, { action: "stop", drain: "1s" })).toEqual({ action: "stop", drain: "1s" });
    expect(checkInput(routeOperation, { action: "add", name: "x", target: "3", strip: false })).toMatchObject({
      strip: false,
    });
  });
});
