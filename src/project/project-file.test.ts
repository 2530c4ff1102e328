import { Ajv2020 } from "ajv/dist/2020.js";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PortolanError } from "../core/index.ts";
import { environmentOf, planProject, readProjectFile, wordsOf, type ProjectFile, type ProjectPlan } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "pgc-"));
let count = 0;

beforeAll(() => {
  mkdirSync(join(folder, "packages", "api"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "shop" }));
  writeFileSync(join(folder, "some.env"), 'A=1\nB="two words"\nPORT=9\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string, name = `file-${(count += 1)}.json`): ProjectFile {
  writeFileSync(join(folder, name), text);
  return readProjectFile(folder, name);
}

function plan(text: string, names: readonly string[] = []): ProjectPlan {
  return planProject(read(text), names);
}

function failureOf(act: () => unknown): PortolanError {
  try {
    act();
  } catch (error) {
    if (error instanceof PortolanError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The place of a mark `▶` in a text, and the text without it. */
function unmark(marked: string): { readonly text: string; readonly place: string } {
  const before = marked.slice(0, marked.indexOf("▶")).split("\n");
  return { text: marked.replace("▶", ""), place: `${before.length}:${before.at(-1)!.length + 1}` };
}

const app = (more: string): string => `{\n  "apps": {\n    "web": { "command": "node server.js", ${more} }\n  }\n}`;

/** Broken files: `▶` stands where the complaint has to point. */
const broken: readonly (readonly [string, RegExp, RegExp?])[] = [
  ["▶", /ends too early/],
  ["▶x", /not JSON there/],
  ['{ "apps": { "web": { "command": "a" } ', /ends too early|not JSON/],
  ["{ ▶apps: {} }", /not JSON there\. Names and texts stand in double quotes/],
  ["{ ▶'apps': {} }", /double quotes/],
  ['{\n  "apps": {\n    "web": { "command": "a" }\n    ▶"api": { "command": "b" }\n  }\n}', /not JSON there/],
  ['{ "apps": { "web": { "command": "a" } } }\n▶{', /not JSON there/],
  ['{ "apps": { "web": { "command": "a", ▶"command": "b" } } }', /"command" stands twice/],
  ['{ "apps": { "web": { "command": "a" }, ▶"web": { "command": "b" } } }', /"web" stands twice/],
  ["▶[]", /The file: a project in braces, not a list/],
  ["▶null", /The file: a project/],
  ["▶{}", /The file has no "apps"/],
  ['▶{ "shares": [] }', /The file has no "apps"/],
  ['{ "shares": ▶{} }', /shares: a list of shares/],
  ['{ "shares": [▶{}] }', /shares\.0 has no "listen"/],
  ['{ "shares": [{ "listen": 443, ▶"rulse": [] }] }', /"rulse" is nothing that a share has/, /"rules"/],
  ['{ "shares": [{ "listen": ▶70000 }] }', /shares\.0\.listen: a port is a whole number/],
  ['{ "shares": [{ "listen": 443, "rules": [▶{ "protocol": "ssh" }] }] }', /shares\.0\.rules\.0 has no "to"/],
  [
    '{ "shares": [{ "listen": 443, "rules": [{ ▶"protocl": "ssh", "to": 22 }] }] }',
    /nothing that a rule has/,
    /"protocol"/,
  ],
  ['{ "forwards": [{ "listen": 8080, "to": 1, "sendProxy": ▶3 }] }', /forwards\.0\.sendProxy: a version of the PROXY/],
  ['{ "forwards": [{ "listen": 8080, ▶"too": 1 }] }', /"too" is nothing that a forward has/, /"to"/],
  ['{ "apps": ▶{} }', /apps: there is no application/],
  ['{ "apps": ▶[] }', /apps: applications in braces, not a list/],
  ['{ "apps": { "web": ▶"npm run dev" } }', /apps\.web: an application/],
  ['{ "apps": { "web": ▶{} } }', /apps\.web has no "command"/],
  ['{ "apps": { ▶"1st": { "command": "a" } } }', /apps\.1st: an application's name has/],
  ['{ "apps": { ▶"my app": { "command": "a" } } }', /an application's name has/],
  ['{ "apps": { ▶"constructor": { "command": "a" } } }', /no name that can be given/],
  ['{ "apps": { ▶"__proto__": { "command": "a" } } }', /no name that can be given/],
  ['{\n  "name": "shop",\n  ▶"app": {}\n}', /"app" is nothing that the file has/, /Did you mean "apps"/],
  [app('▶"comand": "x"'), /"comand" is nothing that an application has/, /Did you mean "command"/],
  [app('▶"env": {}'), /nothing that an application has/, /Did you mean "environment"/],
  [app('▶"zzz": 1'), /nothing that an application has/, /There is: command, directory/],
  ['{ "apps": { "web": { "command": ▶5 } } }', /apps\.web\.command: a command is a text/],
  ['{ "apps": { "web": { "command": ▶"" } } }', /apps\.web\.command: a command/],
  ['{ "apps": { "web": { "command": ▶[] } } }', /apps\.web\.command: a command has a word at least/],
  ['{ "apps": { "web": { "command": ▶["", "a"] } } }', /first word is empty/],
  ['{ "apps": { "web": { "command": ▶"a && b" } } }', /& and && takes a shell/, /\["sh", "-c", "a && b"\]/],
  ['{ "apps": { "web": { "command": ▶"a | b" } } }', /a pipe takes a shell/],
  ['{ "apps": { "web": { "command": ▶"X=1 a" } } }', /a variable before the program/, /environment/],
  [app('"port": ▶"3000"'), /apps\.web\.port: a port is a whole number/],
  [app('"port": ▶70000'), /apps\.web\.port: a port is a whole number/],
  [app('"port": ▶0'), /apps\.web\.port: a port is a whole number/],
  [app('"port": 3000, "prefer": ▶3001'), /apps\.web\.prefer: port says already/],
  [app('"prefer": ▶[]'), /apps\.web\.prefer: there is no port/],
  [app('"directory": ▶"nowhere"'), /there is no folder .*nowhere/],
  [app('"environmentFile": ▶"none.env"'), /there is no file .*none\.env/],
  [app('"environment": { "A": ▶1 }'), /apps\.web\.environment\.A: a variable's value is a text/],
  [app('"environment": { ▶"a-b": "1" }'), /a variable's name has letters/],
  [app('"environment": { ▶"PORT": "1" }'), /PORT is given to it/, /"port": 8080/],
  [app('"after": ▶"db"'), /apps\.web\.after: a list of applications/],
  [app('"after": [▶"db"]'), /There is no application "db"/, /There is: web/],
  [app('"after": [▶"wbe"]'), /There is no application "wbe"/, /Did you mean "web"/],
  [app('"after": [▶"web"]'), /web comes after itself/],
  [app('"ready": ▶"soon"'), /apps\.web\.ready: "listen", "exit", "started"/],
  [app('"ready": { "http": ▶"health" }'), /apps\.web\.ready\.http: a path begins with \//],
  [app('"ready": ▶{ "htp": "/" }'), /apps\.web\.ready: "listen", "exit"/],
  [app('"environment": ▶["A=1"]'), /apps\.web\.environment: variables in braces, not a list/],
  [app('"readyTimeout": ▶"soon"'), /apps\.web\.readyTimeout: .*span of time/],
  [app('"readyTimeout": ▶30'), /apps\.web\.readyTimeout: a span of time/],
  [app('"name": ▶"sh op"'), /apps\.web\.name: "sh op" is not a name/],
  [app('"name": ▶"*.shop"'), /a wildcard/],
  [app('"name": ▶"portolan"'), /the gateway's own/],
  [app('"path": ▶"../x"'), /apps\.web\.path: .*not a path/],
  [app('"strip": ▶true'), /no path to take off/],
  [app('"route": false, "name": ▶"x"'), /route is false/],
  [app('"restart": ▶"always"'), /"never" or "on-failure"/],
  [app('"protocol": ▶"ftp"'), /"http", "https" or "h2c"/],
  [app('"flags": ▶"no"'), /it is true or false/],
  [
    '{ "apps": {\n "a": { "command": "x", "after": [▶"b"] },\n "b": { "command": "x", "after": ["c"] },\n "c": { "command": "x", "after": ["a"] } } }',
    /Nobody can be first: a comes after b comes after c comes after a/,
  ],
  ['{ "apps": { "a-b": { "command": "x" }, ▶"a_b": { "command": "x" } } }', /cannot be told apart/],
  [
    '{ "apps": { "a": { "command": "x", "name": "s" }, "b": { "command": "x", "name": ▶"s" } } }',
    /a has s\.localhost already/,
  ],
  [
    '{ "apps": { "a": { "command": "x", "port": 81 }, "b": { "command": "x", "port": ▶81 } } }',
    /a has port 81 already/,
  ],
  ['{ "apps": { "a": { "command": "x" } }, "routes": { "db": ▶8081 } }', /routes\.db: where it leads, as a text/],
  ['{ "apps": { "a": { "command": "x" } }, "routes": { "db": ▶"nowhere" } }', /not a server that a route can lead to/],
  ['{ "apps": { "a": { "command": "x" } }, "routes": { ▶"d b": "80" } }', /not a name that a route can have/],
  ['{ "apps": { "a": { "command": "x" } }, "routes": { ▶"shop": "80" } }', /a has shop\.localhost already/],
];

describe("broken files", () => {
  test("there are enough of them", () => {
    expect(broken.length).toBeGreaterThan(60);
  });

  test.each(broken.map(([marked, message, hint]) => ({ marked, message, hint })))(
    "$marked",
    ({ marked, message, hint }) => {
      const { text, place } = unmark(marked);
      const failure = failureOf(() => plan(text));
      expect(failure.code).toBe("PROJECT_FILE_INVALID");
      expect(failure.message).toMatch(message);
      if (hint !== undefined) expect(failure.hint).toMatch(hint);
      const name = `file-${count}.json`;
      // Where the end is missing there is no one place.
      if (marked.includes("▶")) expect(failure.message).toMatch(new RegExp(`^${name}:${place}: `));
      const { file, line, column } = failure.details;
      expect([file, line, column].join(":")).toBe(/^[^ ]+:\d+:\d+(?=: )/.exec(failure.message)![0]);
    },
  );

  test("one that is nested without end", () => {
    expect(failureOf(() => read("[".repeat(200_000))).message).toMatch(/:1:1: It is nested too deeply/);
  });

  test.each([
    ["web", 1, 1, /"web" is not NAME: COMMAND/],
    ["# fine\nweb: a\n\nweb: b", 4, 1, /"web" stands twice/],
    ["web: a\n  my.app: b", 2, 3, /no name for an application/],
    ["web:   ", 1, 5, /web has no command/],
    ["# nothing", 1, 1, /There is no application/],
    ["a-b: x\na_b: y", 2, 1, /cannot be told apart/],
  ])("a Procfile: %j", (text, line, column, message) => {
    const failure = failureOf(() => planProject(read(text, "Procfile.broken"), []));
    expect(failure.message).toMatch(message);
    expect(failure.message.startsWith(`Procfile.broken:${line}:${column}: `)).toBe(true);
  });

  test("a file that is not there, and one that is none", () => {
    expect(failureOf(() => readProjectFile(folder, "gone.json")).code).toBe("PROJECT_FILE_MISSING");
    expect(failureOf(() => readProjectFile(folder, "packages")).code).toBe("FILE_UNREADABLE");
    expect(failureOf(() => readProjectFile(join(folder, "packages"))).message).toMatch(
      /nor a Procfile in .*packages, nor above it up to /,
    );
  });
});

describe("what is planned", () => {
  test("names, order and needs", () => {
    const text = `{
      // The project's own name comes from package.json.
      "apps": {
        "web": { "command": "npm run dev", "after": ["api"] },
        "api": { "command": ["node", "api.js"], "after": ["db"], "path": "/api", "strip": true, },
        "db": { "command": "postgres", "route": false, "port": 5432 },
        "main": { "command": "x", "name": "other.test." },
        "seed": { "command": "x", "ready": "exit", "after": ["db"] },
      },
    }`;
    const { projectName, apps } = plan(text);
    expect(projectName).toBe("shop");
    expect(apps.map(({ name, hostName, path, takesPort }) => [name, hostName, path, takesPort])).toEqual([
      ["db", null, "/", true],
      ["api", "shop.localhost", "/api", true],
      ["web", "web.shop.localhost", "/", true],
      ["main", "other.test", "/", true],
      ["seed", null, "/", false],
    ]);
    expect(plan(text, ["web"]).apps.map(({ name, wanted }) => [name, wanted])).toEqual([
      ["db", false],
      ["api", false],
      ["web", true],
    ]);
    expect(failureOf(() => plan(text, ["wbe"]))).toMatchObject({ code: "APP_UNKNOWN", hint: "Did you mean web?" });
  });

  test("the only application has the project's name, and main has it among others", () => {
    expect(plan('{ "apps": { "web": { "command": "x" } } }').apps[0]!.hostName).toBe("shop.localhost");
    expect(
      plan('{ "name": "My Shop", "apps": { "main": { "command": "x" }, "b": { "command": "x" } } }').apps.map(
        ({ hostName }) => hostName,
      ),
    ).toEqual(["my-shop.localhost", "b.my-shop.localhost"]);
  });

  test("variables in words and values", () => {
    const text = `{ "apps": { "web": { "command": "serve --port $PORT '$PORT'", "environmentFile": "some.env",
      "environment": { "API": "\${PORTOLAN_URL_API}/v1", "BOTH": "\${A} \${B} $A $\${A}" } } } }`;
    const file = read(text);
    const [web] = planProject(file, []).apps;
    const given = { PORT: "4000", PORTOLAN_URL_API: "http://api.localhost" };
    const environment = environmentOf(file, web!, { A: "0", PATH: "/bin" }, given);
    expect(environment).toMatchObject({
      PATH: "/bin",
      A: "1",
      PORT: "4000",
      API: "http://api.localhost/v1",
      BOTH: "1 two words $A ${A}",
    });
    expect(wordsOf(file, web!, environment)).toEqual(["serve", "--port", "4000", "$PORT"]);
    expect(failureOf(() => environmentOf(file, web!, {}, { PORT: "1", PORTOLAN_URL_APP: "" }))).toMatchObject({
      code: "PROJECT_FILE_INVALID",
      hint: "Did you mean PORTOLAN_URL_APP?",
    });
    expect(failureOf(() => wordsOf(file, web!, {})).message).toMatch(/:1:\d+: web: there is no variable "PORT"/);
  });

  test("a Procfile: plain lines without a shell, the others as one argument of it", () => {
    const file = read("# apps\nweb:  npm run dev\r\n\nworker: FOO=1 node 'w x'.js && echo $PORT\n", "Procfile.plain");
    expect(file.apps.map(({ name, words, shell }) => [name, words, shell])).toEqual([
      ["web", [["npm"], ["run"], ["dev"]], false],
      ["worker", [["sh"], ["-c"], ["FOO=1 node 'w x'.js && echo $PORT"]], true],
    ]);
  });

  test("the nearest file upwards, as far as the project goes", () => {
    const inside = join(folder, "packages", "api");
    writeFileSync(join(folder, "Procfile"), "web: x");
    expect(readProjectFile(inside)).toMatchObject({ path: join(folder, "Procfile"), shown: "../../Procfile", folder });
    writeFileSync(join(folder, "Procfile.dev"), "web: x");
    expect(readProjectFile(inside).path).toBe(join(folder, "Procfile.dev"));
    writeFileSync(join(folder, "portolan.config.json"), '{ "apps": { "web": { "command": "x" } } }');
    expect(readProjectFile(inside).path).toBe(join(folder, "portolan.config.json"));
    // A project of its own ends the search.
    writeFileSync(join(inside, "package.json"), JSON.stringify({ name: "api" }));
    expect(failureOf(() => readProjectFile(inside)).code).toBe("PROJECT_FILE_MISSING");
  });
});

describe("the published schema", () => {
  const path = new URL("../../dist/schema/project-file.json", import.meta.url);
  const validate = new Ajv2020({ allErrors: true }).compile(JSON.parse(readFileSync(path, "utf8")) as object);
  const example = /```jsonc\n(\{[^]*?\n\})\n```/.exec(
    readFileSync(new URL("../../docs/up.md", import.meta.url), "utf8"),
  )![1]!;

  test("takes the documented example, and so does the command", () => {
    const plain = JSON.parse(
      example.replaceAll(/^\s*\/\/.*$|\s\/\/ .*$/gm, "").replaceAll(/,(\s*[}\]])/g, "$1"),
    ) as unknown;
    expect([validate(plain), validate.errors]).toEqual([true, null]);
    expect(read(example).apps.length).toBeGreaterThan(2);
  });

  test.each([
    '{ "apps": {} , "x": 1 }',
    '{ "apps": { "web": {} } }',
    '{ "apps": { "web": { "command": 5 } } }',
    '{ "apps": { "1": { "command": "x" } } }',
  ])("refuses %s as the command does", (text) => {
    expect(validate(JSON.parse(text))).toBe(false);
    expect(failureOf(() => read(text)).code).toBe("PROJECT_FILE_INVALID");
  });

  test("is where package.json leads to", () => {
    expect(existsSync(path)).toBe(true);
  });
});

test("forwards and shares stand beside applications or alone, and know where their parts are", () => {
  const file = read(`{
  "forwards": [{ "listen": "53/udp", "to": "192.0.2.1:53", "idle": "10m" }],
  "shares": [
    { "listen": 443, "silent": ":25",
      "rules": [{ "protocol": "tls", "alpn": "h2", "name": "a.test", "to": ":8443", "sendProxy": 2 }] }
  ]
}`);
  expect(file.apps).toEqual([]);
  expect(file.forwards).toMatchObject([{ listen: "53/udp", to: "192.0.2.1:53", idle: "10m" }]);
  expect(file.shares).toMatchObject([{ listen: 443, silent: ":25", rules: [{ alpn: "h2", sendProxy: 2 }] }]);
  expect(file.shares[0]!.positionOf("rules", 0, "to")).toMatchObject({ line: 5 });
  expect(() => planProject(file, [])).toThrow("There is no application in it that could be started.");
});
