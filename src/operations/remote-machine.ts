/**
 * @module The document of a machine that is reached over ssh.
 */
import { lookRemotely, parseRemoteHost } from "../act/index.ts";
import { createHost, unpackTree, type SavedMachine } from "../host/index.ts";
import { parseDocument, type OpeningContext } from "./open-machine.ts";
import { takeMachine } from "./save-machine.ts";

/** @throws ARGUMENT_INVALID, REMOTE_FAILED, SNAPSHOT_INVALID, ABORTED */
export async function readRemoteMachine(host: string, context: OpeningContext): Promise<unknown> {
  const remote = parseRemoteHost(host);
  context.progress(`asking ${remote.destination} over ssh`);
  const { way, bytes } = await lookRemotely(remote, context);
  if (way === "snapshot") return parseDocument(bytes.toString("utf8"), remote.destination);
  const tree = await unpackTree(bytes, context.signal);
  try {
    const live = { ...context, host: createHost({ root: tree.root }) };
    const machine = await takeMachine(live, { showSecrets: false, hostName: tree.hostName || remote.destination });
    return JSON.parse(JSON.stringify(withoutOwnFacts(machine))) as unknown;
  } finally {
    tree.remove();
  }
}

/** Projects are files of the other machine, which were not sent. */
function withoutOwnFacts(machine: SavedMachine): SavedMachine {
  return {
    ...machine,
    facts: { ...machine.facts },
    blindSpots: [
      ...machine.blindSpots,
      {
        what: "processes",
        why: "unsupported",
        count: null,
        message:
          "Projects, containers' names and other network namespaces are told only where Portolan is installed on the other machine.",
      },
    ],
  };
}
