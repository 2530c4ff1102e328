/**
 * @module A container by its name as the end of a route: where its engine has published its port on this machine.
 */
import { PortolanError, quote, toPort } from "../core/index.ts";
import { type Target } from "../gateway/index.ts";
import { askEngines, findEngineSockets, type EngineContainer } from "../tenant/index.ts";
import type { OperationContext } from "./operation.ts";

/** `container:web`, or `container:web:8080` with the port inside where it publishes several. */
const pattern = /^container:([\w][\w.-]*)(?::(\d{1,5}))?$/;

/** Whether a target means a container. */
export function isContainerTarget(text: string): boolean {
  return text.startsWith("container:");
}

/**
 * Where the container's published port is now. A container that gets another port when it starts anew takes a new route.
 * @throws ROUTE_TARGET_INVALID when there is no such container, or it publishes no port or several
 */
export async function findContainerTarget(
  text: string,
  { environment, signal, userId }: OperationContext,
): Promise<Target> {
  const [, name = "", inside] = pattern.exec(text) ?? [];
  if (name === "")
    throw invalid(`${quote(text)} does not name a container.`, "Write container:NAME or container:NAME:PORT.");
  const answers = await askEngines(findEngineSockets(environment), signal);
  // Another user's engine says what it likes; what it says is no reason to lead a name of this user's anywhere.
  const believed = answers
    .flatMap(({ containers }) => containers)
    .filter(({ owner }) => owner === null || owner === userId);
  const found = believed.filter((one) => isCalled(one, name));
  const [container] = found;
  if (container === undefined) {
    const names = believed.flatMap((one) => (one.published.length > 0 && one.name !== null ? [one.name] : []));
    const refused = answers.some(({ failure }) => failure === "permission");
    const hint =
      names.length > 0 ? `There is: ${[...new Set(names)].join(", ")}.` : "portolan list --container shows what runs.";
    throw invalid(
      `No engine tells of a container ${quote(name)}${refused ? ", and one may not be asked by this user" : ""}.`,
      hint,
    );
  }
  if (found.some(({ id }) => id !== container.id))
    throw invalid(`Several containers are called ${quote(name)}.`, "Write the container's full name.");
  const published = container.published.filter(
    (one) => one.transport === "tcp" && (inside === undefined || one.containerPort === Number(inside)),
  );
  const ports = [...new Set(published.map(({ containerPort }) => containerPort))];
  const [first] = published;
  if (first === undefined)
    throw invalid(
      `The container ${quote(name)} publishes ${inside === undefined ? "no port" : `no port ${inside}`} on this machine.`,
      "Start it with --publish, or give its address and port.",
    );
  if (ports.length > 1)
    throw invalid(
      `The container ${quote(name)} publishes several ports.`,
      `Write container:${name}:${ports.join(`, container:${name}:`)}.`,
    );
  return {
    protocol: "http",
    host: first.hostAddress === "" ? "localhost" : first.hostAddress,
    port: toPort(first.hostPort),
  };
}

/** By its name, its id, or its service in a Compose project. */
function isCalled({ name, id, composeService }: EngineContainer, wanted: string): boolean {
  return name === wanted || composeService === wanted || (wanted.length >= 8 && id.startsWith(wanted));
}

function invalid(message: string, hint: string): PortolanError {
  return new PortolanError("ROUTE_TARGET_INVALID", message, { details: { hint } });
}
