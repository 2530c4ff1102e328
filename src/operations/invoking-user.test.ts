import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { findSystemUser } from "../act/index.ts";
import { findBorrower, findTrustOwner } from "../gateway/index.ts";
import { createContext } from "./bind-operation.ts";
import { findInvokingUser } from "./invoking-user.ts";

const { signal } = new AbortController();
const environment = { PATH: process.env["PATH"] };
const withoutPasswd = process.platform !== "linux";
/** Every Linux has it, with a home folder. */
const other = withoutPasswd ? null : await findSystemUser("daemon", environment, signal);

test("a user is found by number and by name; nobody else is", async () => {
  const { uid, username, homedir } = userInfo();
  const own = { uid, name: username, home: homedir };
  expect(await findSystemUser(String(uid), environment, signal)).toMatchObject(own);
  expect(await findSystemUser(username, environment, signal)).toMatchObject(own);
  for (const nobody of ["54399", "no-such-user-of-a-test", "", "-P"])
    expect([nobody, await findSystemUser(nobody, environment, signal)]).toEqual([nobody, null]);
});

test.skipIf(other === null)("only root has borrowed anything, and not from itself", async () => {
  const { uid, name, home } = other!;
  expect(await findBorrower({ ...environment, SUDO_UID: String(uid) }, false, signal)).toBeNull();
  for (const itself of [{}, { SUDO_UID: "0" }, { DOAS_USER: "root" }, { SUDO_UID: "" }])
    expect(await findBorrower({ ...environment, ...itself }, true, signal)).toBeNull();
  for (const told of [{ SUDO_UID: String(uid) }, { PKEXEC_UID: String(uid) }, { DOAS_USER: name }])
    expect(await findBorrower({ ...environment, ...told }, true, signal)).toMatchObject({
      user: { uid, home },
      environment: { HOME: home, USER: name },
    });
  expect(await findBorrower({ ...environment, SUDO_UID: "54399" }, true, signal)).toMatchObject({
    typedBy: "54399",
    user: null,
  });
});

/** What sudo leaves of the environment, and where the user's files are then. */
const kept = [
  [{ HOME: "/root", XDG_STATE_HOME: "/root/state" }, "HOME/.local/state/portolan"],
  [{ HOME: "HOME", XDG_STATE_HOME: "/srv/state" }, "/srv/state/portolan"],
  [{ HOME: "/root", PORTOLAN_STATE_HOME: "/srv/own" }, "/srv/own"],
  [{}, "HOME/.local/state/portolan"],
] as const;

test.skipIf(other === null || process.geteuid?.() !== 0).each(kept)(
  "trust and hosts mean the same user and the same files: %j",
  async (left, folder) => {
    const { uid, gid, home } = other!;
    const asLeft = Object.fromEntries(Object.entries(left).map(([key, value]) => [key, value.replace("HOME", home)]));
    const told = { ...environment, ...asLeft, SUDO_UID: String(uid) };
    const stateFolder = folder.replace("HOME", home);
    expect(await findTrustOwner(told, signal)).toMatchObject({ home, stateFolder, behind: { uid, gid } });
    expect(await findInvokingUser(createContext({ environment: told }))).toMatchObject({ uid, stateFolder });
  },
);

test.skipIf(process.geteuid?.() !== 0)("a user whom nobody knows is refused by both", async () => {
  const told = { ...environment, HOME: "/root", SUDO_UID: "54399" };
  await expect(findTrustOwner(told, signal)).rejects.toMatchObject({ code: "AUTHORITY_UNUSABLE" });
  await expect(findInvokingUser(createContext({ environment: told }))).rejects.toMatchObject({ code: "STORE_FAILED" });
  // With a place for the files said, hosts knows enough.
  const placed = { ...told, PORTOLAN_STATE_HOME: "/srv/own" };
  expect(await findInvokingUser(createContext({ environment: placed }))).toEqual({
    uid: 54_399,
    name: null,
    stateFolder: "/srv/own",
  });
});
