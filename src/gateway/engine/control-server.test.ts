import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listenForControl } from "./control-server.ts";

const unused = (): never => {
  throw new Error("not asked for");
};

test.skipIf(process.platform === "win32").each(["trace", "traffic"])(
  "whoever follows %s may go away in the middle of a line: no error is left without a listener",
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), "pgc-"));
    const happened = new EventEmitter();
    const follow = (tell: (value: object) => unknown) => {
      happened.emit("begun", tell);
      return () => void happened.emit("ended");
    };
    const path = join(folder, "control.sock");
    const control = await listenForControl(path, {
      status: unused,
      reload: unused,
      stop: unused,
      replace: unused,
      trace: follow,
      traffic: (_name, tell) => follow(tell),
    });
    const [begun, ended] = [once(happened, "begun"), once(happened, "ended")];
    const socket = connect(path);
    socket.write(`${JSON.stringify({ do: kind, name: null })}\n`);
    const [tell] = (await begun) as [(value: object) => unknown];
    // More than it has read when it goes: that makes its end an error of the connection.
    tell({ text: "x".repeat(300_000) });
    socket.destroy();
    const telling = setInterval(() => tell({ text: "more" }), 1);
    await ended;
    clearInterval(telling);
    control.close();
    rmSync(folder, { recursive: true, force: true });
    expect(socket.destroyed).toBe(true);
  },
);
