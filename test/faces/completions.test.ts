/**
 * @module Completion in real shells: what bash, zsh and fish offer, and that nothing that is offered is ever run.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeServer, listenTcp, portOf } from "../support/listeners.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

/** Folder names that would run something if a shell ever evaluated them. */
const trap = "$(touch pwned)`touch pwned`;touch pwned #";

let folder: string;
let port: number;
const holders: ChildProcess[] = [];
let server: Awaited<ReturnType<typeof listenTcp>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "portolan-shells-"));
  mkdirSync(join(folder, "bin"));
  const program = join(folder, "bin/portolan");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${commandPath}' "$@"\n`);
  chmodSync(program, 0o755);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout, status } = await runCommand(["completions", shell]);
    expect(status).toBe(0);
    writeFileSync(join(folder, `portolan.${shell}`), stdout);
  }
  server = await listenTcp({ host: "127.0.0.1", port: 0 });
  port = portOf(server);
  for (const name of [trap, "two words", "shop"]) {
    const project = join(folder, name);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name }));
    const child = spawn(
      process.execPath,
      ["-e", 'require("net").createServer().listen(0, "127.0.0.1", () => console.log("up"))'],
      {
        cwd: project,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    holders.push(child);
    await once(child.stdout, "data");
  }
});

afterAll(async () => {
  for (const child of holders) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await closeServer(server);
  rmSync(folder, { recursive: true, force: true });
});

function run(shell: string, words: readonly string[]): string {
  return execFileSync(shell, [...words], {
    encoding: "utf8",
    cwd: folder,
    env: { PATH: `${folder}/bin:${process.env["PATH"]}`, HOME: folder, TERM: "xterm", LC_ALL: "C.UTF-8" },
    timeout: 60_000,
  });
}

const ask: Readonly<Record<string, (line: string) => string[]>> = {
  bash: (line) =>
    run("bash", [
      "--norc",
      "-c",
      `source portolan.bash; COMP_LINE=$1; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=($1); COMP_CWORD=0; _portolan portolan; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      line,
    ])
      .split("\n")
      .filter(Boolean),
  // compadd works in a completion alone: in its place stands a function that prints what it is given.
  zsh: (line) =>
    run("zsh", [
      "-f",
      "-c",
      `compdef() { }; compadd() { print -rl -- "\${values[@]}" }; _files() { print -r -- FILES }
       source ./portolan.zsh; words=("\${(@Q)\${(z)1}}"); [[ $1 == *' ' ]] && words+=(""); CURRENT=\${#words}; _portolan`,
      "zsh",
      line,
    ])
      .split("\n")
      .filter(Boolean),
  fish: (line) =>
    run("fish", ["--no-config", "-c", `source portolan.fish; complete -C $argv[1]`, line])
      .split("\n")
      .filter(Boolean)
      .map((row) => row.split("\t")[0]!),
};

for (const [shell, complete] of Object.entries(ask)) {
  describe.skipIf(requireOrSkip(`completion in ${shell}`, whyNoProgram(shell, shell)))(shell, () => {
    test("commands, options, choices", () => {
      expect(complete("portolan ")).toEqual(expect.arrayContaining(["list", "who", "connections", "diff"]));
      expect(complete("portolan wh")).toEqual(["who"]);
      expect(complete("portolan list --col")).toEqual(expect.arrayContaining(["--columns", "--color"]));
      expect(complete("portolan list --transport ")).toEqual(["tcp", "udp"]);
      expect(complete("portolan list --columns port,pro")).toEqual(["port,process", "port,processes", "port,project"]);
      expect(complete("portolan completions ")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
    });

    test("ports, users and projects of this machine now", () => {
      expect(complete(`portolan who ${String(port).slice(0, 3)}`)).toContain(String(port));
      expect(complete("portolan kill ")).toContain(String(port));
      expect(complete("portolan list --project sh")).toContain("shop");
      expect(complete("portolan list --address 127")).toContain("127.0.0.1");
    });

    test("names with spaces and signs are offered as one word, and nothing in them runs", () => {
      const offered = complete("portolan list --project ");
      const plain =
        shell === "bash" ? ["two\\ words"] : shell === "fish" ? ["two words", "two\\ words"] : ["two words"];
      expect(
        offered.some((word) => plain.includes(word)),
        offered.join("\n"),
      ).toBe(true);
      expect(existsSync(join(folder, "pwned"))).toBe(false);
      for (const name of ["pwned"]) expect(existsSync(join(folder, trap, name))).toBe(false);
    });
  });
}

describe.skipIf(
  requireOrSkip("a bash that somebody types into", whyNoProgram("bash", "bash"), whyNoProgram("script", "bsdutils")),
)("an interactive bash", () => {
  test("completes a command, an option with = and a port when Tab is pressed", async () => {
    const lines = [
      "PS1='> '; bind 'set bell-style none'; source portolan.bash",
      "portolan rang\t--json | head -c 30",
      `portolan who --transport=tc\t ${port} | head -n 1`,
      "exit",
    ];
    const child = spawn("script", ["-qec", "bash --norc --noprofile -i", "/dev/null"], {
      cwd: folder,
      env: { PATH: `${folder}/bin:${process.env["PATH"]}`, HOME: folder, TERM: "dumb", LC_ALL: "C.UTF-8" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    child.stdin.write(`${lines.join("\n")}\n`);
    await once(child, "close");
    expect(text).toContain('{"complete":true,"ranges"');
    expect(text).toContain(`Port ${port}/tcp is held`);
  });
});

describe("what a shell asks for", () => {
  const complete = async (...words: string[]): Promise<string> => (await runCommand(["__complete", ...words])).stdout;

  test("lines are taken apart as shells do", async () => {
    expect(await complete("line", "portolan list --transport=")).toBe("--transport=tcp\n--transport=udp\n");
    expect(await complete("line", "portolan list 'a b' --so")).toContain("--sort\t");
    expect(await complete("line", 'portolan list "a \\" b" --transport t')).toBe("tcp\n");
    expect(await complete("line", "portolan snapshot ")).toBe("@files\n");
    expect(await complete("line", "portolan diff ")).toContain("live\t");
    expect(await complete("line", "portolan nonsense ")).toBe("");
    expect(await complete("line", "portolan run -- ")).toBe("@files\n");
    expect(await complete()).not.toBe("");
  });

  test("hostile names do not reach the shell raw", async () => {
    const place = join(folder, "evil");
    mkdirSync(place);
    writeFileSync(join(place, "package.json"), JSON.stringify({ name: "x\u001b[31m\ny\tz" }));
    const child = spawn(
      process.execPath,
      ["-e", 'require("net").createServer().listen(0, "127.0.0.1", () => console.log("up"))'],
      {
        cwd: place,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    holders.push(child);
    await once(child.stdout, "data");
    const text = (await complete("words", "list", "--project", "")) + (await complete("words", "who", ""));
    // eslint-disable-next-line no-control-regex -- Control characters are what this is about.
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  });

  test("an unknown shell is refused with those that there are", async () => {
    const outcome = await runCommand(["completions", "powershell"]);
    expect([outcome.status, outcome.stderr.includes("bash, zsh, fish")]).toEqual([2, true]);
  });
});
