/**
 * @module SSH's probe over recorded exchanges.
 */
import { expect, test } from "vitest";
import { recordingOf, replay } from "../../test/support/replay.ts";
import { ssh } from "./ssh.ts";

test("an identification line proves it, also after other lines", () => {
  const { verdict, sent } = replay(ssh, recordingOf([["<", "welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"]]));
  expect(verdict).toMatchObject({
    outcome: "proved",
    facts: [
      { name: "protocolVersion", value: "2.0" },
      { name: "product", value: "OpenSSH" },
      { name: "version", value: "9.2p1" },
      { name: "identity", value: "Debian-2+deb12u3" },
    ],
  });
  expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["SSH-2.0-portolan\r\n"]);
});

test("silence and another protocol's greeting are told apart", () => {
  expect(replay(ssh, recordingOf([])).verdict.outcome).toBe("silent");
  expect(replay(ssh, recordingOf([["<", "220 mail ready\r\n"]])).verdict.outcome).toBe("other");
  expect(replay(ssh, recordingOf([["<", "SSH-\u001b[31m\r\n"]])).verdict.outcome).toBe("other");
});
