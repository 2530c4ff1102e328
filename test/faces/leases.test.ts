/**
 * @module `pick`, `run`, `reserve`, `reservations`, `release`, `kill`, `wait` and `can-bind` as a user calls them.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { publishReservations } from "../../src/lease/index.ts";
import { reservationFile } from "../../src/lease/reservations.ts";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { lockPort } from "../../src/lease/index.ts";
import { endHolders, startHolder } from "../support/holders.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const home = mkdtempSync(join(tmpdir(), "portolan-leases-test-"));
const shop = join(home, "shop");
const blog = join(home, "blog");
for (const folder of [shop, blog]) {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "x" }));
}
const environment = { PORTOLAN_STATE_HOME: join(home, "state"), HOME: home };
const schemas = fileURLToPath(new URL("../../dist/schema", import.meta.url));

afterEach(endHolders);
afterAll(() => {
  // What this test kept is shown to every user until it is taken back.
  for (const state of ["state", "second", "odd"]) publishReservations(reservationFile(join(home, state)).path, []);
  rmSync(home, { recursive: true, force: true });
});

function portolan(words: readonly string[], options: { cwd?: string; uid?: number } = {}) {
  return runCommand(words, { environment, cwd: shop, ...options });
}

function expectSchema(name: string, text: string): unknown {
  const value: unknown = JSON.parse(text);
  const validate = new Ajv2020({ strict: false }).compile(
    JSON.parse(readFileSync(join(schemas, `${name}.json`), "utf8")) as object,
  );
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  return value;
}

describe.skipIf(process.platform !== "linux")("pick", () => {
  test("prints ports alone, so that a script can take them as they are", async () => {
    const one = await portolan(["pick", "--ttl", "1s"]);
    expect(one).toMatchObject({ status: 0, stderr: "" });
    expect(one.stdout).toMatch(/^\d+\n$/);
    const run = await portolan(["pick", "3", "--contiguous", "--in", "17000-17099", "--ttl", "1ms"]);
    const [first = 0, ...rest] = run.stdout.trim().split("\n").map(Number);
    expect(rest).toEqual([first + 1, first + 2]);
    const json = await portolan(["pick", "--both", "--json", "--ttl", "1ms"]);
    expectSchema("pick", json.stdout);
  });

  test("the same port for the same name in the same project, every time", async () => {
    const first = await portolan(["pick", "--name", "web", "--ttl", "1ms"]);
    const again = await portolan(["pick", "--name", "web", "--ttl", "1ms"]);
    const elsewhere = await portolan(["pick", "--name", "web", "--ttl", "1ms"], { cwd: blog });
    expect(first.stdout).toMatch(/^\d+\n$/);
    expect(again.stdout).toBe(first.stdout);
    expect(elsewhere.stdout).not.toBe(first.stdout);
  });

  test("a second caller of a name does not get its port while the promise holds", async () => {
    const first = await portolan(["pick", "--name", "held", "--ttl", "30s"]);
    const second = await portolan(["pick", "--name", "held"]);
    expect(second).toMatchObject({ status: 1, stdout: "" });
    expect(second.stderr).toContain("PORT_TAKEN");
    const port = first.stdout.trim();
    expect((await portolan(["release", port])).stdout).toContain(`promise of port ${port} is taken back`);
  });

  test("a promise is over once somebody has bound the port", async () => {
    expect((await portolan(["pick", "--in", "17050", "--ttl", "1h"])).stdout).toBe("17050\n");
    expect((await portolan(["pick", "--in", "17050"])).stderr).toContain("1 promised to others");
    const holder = await startHolder(`s = hold("127.0.0.1", port)\nsay("ready")\ntime.sleep(60)`, 17_050);
    expect((await portolan(["pick", "--in", "17050"])).stderr).toContain("1 in use");
    holder.process.kill("SIGKILL");
    await holder.ended;
    expect((await portolan(["pick", "--in", "17050", "--ttl", "1ms"])).stdout).toBe("17050\n");
  });

  test.each([
    [["pick", "x"], "whole number", 2],
    [["pick", "0"], "whole number", 2],
    [["pick", "--in", "9-1"], "PORT_SET_INVALID", 2],
    [["pick", "--prefer", "70000"], "PORT_INVALID", 2],
    [["pick", "--ttl", "2d"], "--ttl", 2],
    [["pick", "2", "--name", "web"], "--name", 2],
    [["pick", "--name", "../x"], "not accepted as a name", 2],
    [["pick", "--udp", "--both"], "exclude each other", 2],
    [["pick", "--host", "192.0.2.7"], "192.0.2.7", 2],
    [["pick", "--in", "6000"], "1 refused by browsers", 1],
    [["pick", "5", "--in", "17100-17102", "--contiguous"], "5 free ports in a row", 1],
  ])("%j is refused", async (words, text, status) => {
    const outcome = await portolan(words);
    expect(outcome).toMatchObject({ status, stdout: "" });
    expect(outcome.stderr).toContain(text);
  });

  test("a state folder that cannot be written gives no stable port, and a damaged file is left as it is", async () => {
    const damaged = join(home, "damaged");
    mkdirSync(damaged);
    writeFileSync(join(damaged, "reservations.json"), "{");
    const outcome = await runCommand(["pick", "--name", "web"], {
      environment: { ...environment, PORTOLAN_STATE_HOME: damaged },
      cwd: shop,
    });
    expect(outcome).toMatchObject({ status: 3, stdout: "" });
    expect(outcome.stderr).toContain("is damaged");
    expect(readFileSync(join(damaged, "reservations.json"), "utf8")).toBe("{");
    const barred = await runCommand(["pick", "--name", "web"], {
      environment: { ...environment, PORTOLAN_STATE_HOME: "/proc/portolan" },
      cwd: shop,
    });
    expect(barred).toMatchObject({ status: 3, stdout: "" });
    expect(barred.stderr).toContain("STORE_FAILED");
  });
});

describe.skipIf(process.platform !== "linux")("reserve", () => {
  test("keeps a port for a name, lists it, gives it to nobody else, and gives it back", async () => {
    expect((await portolan(["reserve", "api", "17200"])).stdout).toContain("Port 17200 is kept for api");
    // Said twice is said once.
    expect((await portolan(["reserve", "api", "17200"])).status).toBe(0);
    const conflict = await portolan(["reserve", "other", "17200"]);
    expect(conflict).toMatchObject({ status: 1 });
    expect(conflict.stderr).toContain("RESERVATION_CONFLICT");
    expect((await portolan(["reserve", "api", "17201"])).stderr).toContain("RESERVATION_CONFLICT");
    expect((await portolan(["pick", "--in", "17200"])).stderr).toContain("1 reserved by name");
    expect((await portolan(["pick", "--name", "api", "--ttl", "1ms"])).stdout).toBe("17200\n");
    expect((await portolan(["pick", "--name", "api", "--ttl", "1ms"], { cwd: blog })).stdout).not.toBe("17200\n");
    const listed = expectSchema("reservations", (await portolan(["reservations", "--here", "--json"])).stdout) as {
      reservations: { name: string; port: number }[];
    };
    expect(listed.reservations).toContainEqual(expect.objectContaining({ name: "api", port: 17_200 }));
    const text = await portolan(["reservations"]);
    expect(text.stdout).toMatch(/17200\s+api\s+free\s+.*shop/);
    expect((await portolan(["release", "api"], { cwd: home })).stderr).toContain("It is in");
    expect((await portolan(["release", "api"])).status).toBe(0);
    expect((await portolan(["release", "api"])).status).toBe(1);
    expect((await portolan(["pick", "--in", "17200", "--ttl", "1ms"])).stdout).toBe("17200\n");
  });

  test("a number takes a promise back before the reservation behind it", async () => {
    await portolan(["reserve", "kept", "17220"]);
    expect((await portolan(["pick", "--name", "kept"])).stdout).toBe("17220\n");
    expect((await portolan(["release", "17220"])).stdout).toContain("promise of port 17220");
    expect((await portolan(["pick", "--name", "kept", "--ttl", "1ms"])).stdout).toBe("17220\n");
    expect((await portolan(["pick", "--name", "kept", "--except", "17220"])).status).toBe(2);
    expect((await portolan(["release", "kept"])).status).toBe(0);
  });

  test("what another state folder of the same user keeps stays kept", async () => {
    const other = { ...environment, PORTOLAN_STATE_HOME: join(home, "second") };
    await portolan(["reserve", "here", "17230"]);
    await runCommand(["reserve", "there", "17231"], { environment: other, cwd: shop });
    expect((await runCommand(["pick", "--in", "17230"], { environment: other, cwd: shop })).stderr).toContain(
      "1 reserved by name",
    );
    expect((await portolan(["pick", "--in", "17231"])).stderr).toContain("1 reserved by name");
    await portolan(["release", "here"]);
    await runCommand(["release", "there"], { environment: other, cwd: shop });
    expect((await portolan(["pick", "--in", "17231", "--ttl", "1ms"])).stdout).toBe("17231\n");
  });

  test.skipIf(requireOrSkip("a pipe in place of a file", whyNoProgram("mkfifo", "coreutils")))(
    "a pipe or a folder in place of the file is refused at once",
    async () => {
      const odd = join(home, "odd");
      mkdirSync(odd);
      execFileSync("mkfifo", [join(odd, "reservations.json")]);
      const outcome = await runCommand(["pick"], {
        environment: { ...environment, PORTOLAN_STATE_HOME: odd },
        cwd: shop,
      });
      expect(outcome.status).toBe(3);
      expect(outcome.stderr).toContain("no plain file");
    },
  );

  test("a name for every folder", async () => {
    expect((await portolan(["reserve", "db", "17210", "--global"])).status).toBe(0);
    expect((await portolan(["pick", "--name", "db", "--ttl", "1ms"], { cwd: blog })).stdout).toBe("17210\n");
    expect((await portolan(["release", "db"], { cwd: blog })).status).toBe(0);
  });

  test("ports that are none to keep", async () => {
    expect((await portolan(["reserve", "x", "6000"])).stderr).toContain("Browsers refuse");
    expect((await portolan(["reserve", "x", "0"])).status).toBe(2);
    expect((await portolan(["reserve", "x", "65536"])).stderr).toContain("PORT_INVALID");
  });

  test("many at once lose none", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `many${index}`);
    await Promise.all(names.map((name) => portolan(["reserve", name])));
    const { stdout } = await portolan(["reservations", "--here", "--json"]);
    const kept = (JSON.parse(stdout) as { reservations: { name: string; port: number }[] }).reservations.filter(
      ({ name }) => name.startsWith("many"),
    );
    expect(kept.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect(new Set(kept.map(({ port }) => port)).size).toBe(12);
    expect((await portolan(["release", ...names])).status).toBe(0);
    expect(readdirSync(environment.PORTOLAN_STATE_HOME)).toEqual(["reservations.json"]);
  });
});

describe.skipIf(process.platform !== "linux")("run", () => {
  test("gives the program its port, its words as they are, and its own exit status", async () => {
    const program =
      "process.stdout.write(JSON.stringify([process.env.PORT, ...process.argv.slice(1)])); process.exit(7)";
    const outcome = await portolan([
      "run",
      "--no-route",
      "--in",
      "17300-17399",
      "--",
      process.execPath,
      "-e",
      program,
      "x",
      "--port",
      "--",
      "-n",
    ]);
    expect(outcome).toMatchObject({ status: 7, stderr: "" });
    const [port, ...words] = JSON.parse(outcome.stdout) as string[];
    expect(Number(port)).toBeGreaterThanOrEqual(17_300);
    expect(words).toEqual(["x", "--port", "--", "-n"]);
    const lock = await lockPort(Number(port));
    expect(lock).not.toBeNull();
    lock?.release();
  });

  test("options before the program are run's, after it the program's", async () => {
    const outcome = await portolan(["run", "--no-route", "--in", "17310", "sh", "-c", 'echo "$PORT $1"', "sh", "--in"]);
    expect(outcome).toMatchObject({ status: 0, stdout: "17310 --in\n" });
  });

  test("nobody else gets the port while the program runs, and everybody afterwards, however it ends", async () => {
    const child = spawn(
      process.execPath,
      [commandPath, "run", "--no-route", "--in", "17320", "--", "sh", "-c", "echo $PORT; exec sleep 60"],
      {
        env: { PATH: process.env["PATH"], ...environment },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await once(child.stdout, "data");
    expect((await portolan(["pick", "--in", "17320"])).stderr).toContain("1 promised to others");
    child.kill("SIGTERM");
    // 128 and the number of SIGTERM, as a shell tells it.
    expect(await once(child, "exit")).toEqual([143, null]);
    expect((await portolan(["pick", "--in", "17320", "--ttl", "1ms"])).stdout).toBe("17320\n");
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"] as const)(
    "%s reaches the program once",
    async (signal) => {
      const program = `let count = 0; process.on("${signal}", () => { count += 1; setImmediate(() => { console.log("got " + count); process.exit(3); }); }); console.log("ready"); setInterval(() => {}, 1000);`;
      const child = spawn(process.execPath, [commandPath, "run", "--no-route", "--", process.execPath, "-e", program], {
        env: { PATH: process.env["PATH"], ...environment },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines: string[] = [];
      const reader = createInterface({ input: child.stdout });
      reader.on("line", (line) => {
        lines.push(line);
        if (line === "ready") child.kill(signal);
      });
      const [status] = (await once(child, "exit")) as [number];
      expect(status).toBe(3);
      expect(lines).toEqual(["ready", "got 1"]);
    },
  );

  test.skipIf(requireOrSkip("run on a terminal", whyNoProgram("script", "bsdutils")))(
    "on a terminal its port is told before the program says anything, and Ctrl-C reaches it once",
    async () => {
      const file = join(home, "interrupted.cjs");
      writeFileSync(
        file,
        `let count = 0; process.on("SIGINT", () => { count += 1; setTimeout(() => { console.log("got " + count); process.exit(5); }, 200); }); console.log("ready"); setInterval(() => {}, 1000);`,
      );
      const child = spawn(
        "script",
        [
          "-qfec",
          `exec ${process.execPath} ${commandPath} run --no-route --in 17340 -- ${process.execPath} ${file}`,
          "/dev/null",
        ],
        {
          env: { PATH: process.env["PATH"], TERM: "xterm", COLUMNS: "80", NO_COLOR: "1", ...environment },
        },
      );
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        if (!text.includes("ready") && (text + piece).includes("ready")) child.stdin.write("\u0003");
        text += piece;
      });
      expect(await once(child, "close")).toEqual([5, null]);
      expect(text.indexOf("portolan: port 17340, PORT=17340")).toBe(0);
      expect(text.indexOf("ready")).toBeGreaterThan(0);
      expect(text).toContain("got 1");
    },
  );

  test.skipIf(requireOrSkip("wait on a terminal", whyNoProgram("script", "bsdutils")))(
    "a wait says on the terminal what it waits for",
    async () => {
      const child = spawn(
        "script",
        ["-qfec", `${process.execPath} ${commandPath} wait 17341 --timeout 2s`, "/dev/null"],
        {
          env: { PATH: process.env["PATH"], TERM: "xterm", COLUMNS: "80", NO_COLOR: "1", ...environment },
        },
      );
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      expect(await once(child, "close")).toEqual([1, null]);
      expect(text).toContain("Waiting for :17341, 2 s at most");
      expect(text).toContain("Nobody listens on port 17341.");
    },
  );

  test("a program that is not there, or is none", async () => {
    const missing = await portolan(["run", "--no-route", "--", "no-such-program-at-all"]);
    expect(missing).toMatchObject({ status: 127, stdout: "" });
    expect(missing.stderr).toContain("COMMAND_NOT_FOUND");
    const file = join(home, "plain");
    writeFileSync(file, "text");
    chmodSync(file, 0o644);
    expect((await portolan(["run", "--no-route", "--", file])).status).toBe(126);
    expect((await portolan(["run"])).status).toBe(2);
  });

  test.skipIf(requireOrSkip("a passed socket", whyNoProgram("python3", "python3")))(
    "--socket passes the bound socket, as systemd does",
    async () => {
      const code =
        'import os,socket,sys\nassert os.environ["LISTEN_PID"] == str(os.getpid())\ns = socket.socket(fileno=3)\nprint(os.environ["LISTEN_FDS"], os.environ["PORT"], s.getsockname()[1], s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), flush=True)\nc, _ = s.accept()\nc.sendall(b"served")\n';
      const child = spawn(
        process.execPath,
        [commandPath, "run", "--no-route", "--socket", "--in", "17330", "--", "python3", "-c", code],
        {
          env: { PATH: process.env["PATH"], ...environment },
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      expect(line.toString()).toBe("1 17330 17330 1\n");
      const answered = await portolan(["wait", "17330"]);
      expect(answered.status).toBe(0);
      const { connect } = await import("node:net");
      const client = connect(17_330, "127.0.0.1");
      const [answer] = (await once(client, "data")) as [Buffer];
      client.destroy();
      expect(answer.toString()).toBe("served");
      expect(await once(child, "exit")).toEqual([0, null]);
      // The socket has gone with the program: nothing here has kept it.
      expect((await portolan(["wait", "17330", "--gone", "--timeout", "5s"])).status).toBe(0);
    },
  );
});

describe.skipIf(
  requireOrSkip(
    "kill and can-bind",
    process.platform === "linux" ? null : "they read Linux's sockets",
    whyNoProgram("python3", "python3"),
  ),
)("kill", () => {
  const listener = `s = hold("127.0.0.1", port)\nsay("ready")\ntime.sleep(60)`;

  test("--dry-run shows who it is and does nothing", async () => {
    const holder = await startHolder(listener, 17_400);
    const outcome = await portolan(["kill", "17400", "--dry-run"]);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain(String(holder.pid));
    expect(outcome.stdout).toContain("Nothing was done");
    expect(holder.isRunning()).toBe(true);
    expectSchema("kill", (await portolan(["kill", "17400", "-n", "--json"])).stdout);
  });

  test("without a terminal and without --yes nothing is done", async () => {
    const holder = await startHolder(listener, 17_401);
    const outcome = await portolan(["kill", "17401"]);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toContain("CONFIRMATION_NEEDED");
    expect(outcome.stderr).toContain(String(holder.pid));
    expect(holder.isRunning()).toBe(true);
  });

  test.each([
    [["kill", "-9", "17404", "-n"], "--signal 9"],
    [["kill", "192.0.2.1:17404", "-n"], "not a port of this machine"],
    [["kill", "somewhere.example:80", "-n"], "not a port of this machine"],
    [["kill", "--project", ".", "-n"], "no project"],
    [["wait", "17404", "--status", "200"], "--status"],
  ])("%j is refused", async (words, text) => {
    const outcome = await portolan(words, { cwd: "/" });
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
    expect(outcome.stderr).toContain(text);
  });

  test("exit status 0 freed, 2 nothing there", async () => {
    const holder = await startHolder(listener, 17_402);
    const freed = await portolan(["kill", "17402", "-y"]);
    expect(freed.status).toBe(0);
    expect(freed.stdout).toContain("Port 17402 is free");
    expect(await holder.ended).toBe("SIGTERM");
    expect((await portolan(["kill", "17402", "-y"])).status).toBe(2);
  });

  test.skipIf(requireOrSkip("a question on a terminal", whyNoProgram("script", "bsdutils"))).for([
    ["y", 0],
    ["n", 1],
    ["", 1],
    ["yes", 0],
    ["yep", 1],
  ] as const)("the answer %j on a terminal", async ([answer, status]) => {
    const holder = await startHolder(listener, 17_403);
    const child = spawn("script", ["-qfec", `${process.execPath} ${commandPath} kill 17403`, "/dev/null"], {
      env: { PATH: process.env["PATH"], TERM: "xterm", COLUMNS: "80", ...environment },
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      if (!text.includes("[y/N]") && (text + piece).includes("[y/N]")) child.stdin.write(`${answer}\n`);
      text += piece;
    });
    expect(await once(child, "close")).toEqual([status, null]);
    expect(text).toContain("End this process?");
    expect(holder.isRunning()).toBe(status === 1);
  });

  test("a process title full of escapes reaches no terminal, and 40 columns hold the table", async () => {
    const holder = await startHolder(`open("/proc/self/comm", "w").write("\\x1b[31mred\\x07")\n${listener}`, 17_404);
    const outcome = await runCommand(["kill", "17404", "-n"], {
      environment: { ...environment, COLUMNS: "40" },
      cwd: shop,
    });
    expect(outcome.stdout).toContain(String(holder.pid));
    // eslint-disable-next-line no-control-regex
    expect(outcome.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(Math.max(...outcome.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(40);
  });
});

describe.skipIf(
  requireOrSkip(
    "can-bind",
    process.platform === "linux" ? null : "it reads Linux's sockets",
    whyNoProgram("python3", "python3"),
  ),
)("can-bind", () => {
  test("yes, no and it depends, each with its status, and JSON by the schema", async () => {
    const free = await portolan(["can-bind", "17500"]);
    expect(free).toMatchObject({ status: 0 });
    expect(free.stdout).toContain("Yes: [::]:17500 can be bound");
    const holder = await startHolder(`s = hold("127.0.0.1", port)\nsay("ready")\ntime.sleep(60)`, 17_500);
    const taken = await portolan(["can-bind", "17500", "127.0.0.2:17500"]);
    expect(taken.status).toBe(1);
    expect(taken.stdout).toContain("EADDRINUSE");
    expect(taken.stdout).toContain(`(pid ${holder.pid}`);
    expect(taken.stdout).toContain("takes IPv4 as well");
    expect(taken.stdout).toContain("Yes: 127.0.0.2:17500");
    const other = await portolan(["can-bind", "[::1]:17500"]);
    expect(other.stdout).toContain("Somebody else listens at 127.0.0.1");
    const shared = await portolan(["can-bind", "17500", "--reuse-port", "--json"]);
    expect(shared.status).toBe(1);
    expect(expectSchema("can-bind", shared.stdout)).toMatchObject({
      answers: [{ bind: "depends", error: "EADDRINUSE" }],
    });
  });

  test("limits and addresses", async () => {
    const nowhere = await portolan(["can-bind", "192.0.2.99:17501"]);
    expect(nowhere.status).toBe(1);
    expect(nowhere.stdout).toMatch(/EADDRNOTAVAIL.*127\.0\.0\.1/s);
    if (process.getuid?.() === 0) {
      const barred = await portolan(["can-bind", "81"], { uid: 65_534, cwd: "/" });
      expect(barred.status).toBe(1);
      expect(barred.stdout).toContain("EACCES");
      expect(barred.stdout).toContain("ip_unprivileged_port_start=81");
    }
    expect((await portolan(["can-bind", "somewhere:80"])).status).toBe(2);
    expect((await portolan(["can-bind", "[fe80::1]:17501"])).stdout).toContain("EINVAL");
  });
});
