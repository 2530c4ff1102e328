/**
 * @module The ports that a compose project wishes for.
 */
import { readEnvironmentFile, resolveEnvironment } from "../environment-file.ts";
import { plainWish, readPortNumber, type PortWish } from "../port-wish.ts";
import type { ProjectFiles } from "../project-files.ts";
import type { ProjectProblem } from "../source-text.ts";
import type { ComposeProject } from "./compose-project.ts";
import { distinctPorts, type ComposeService } from "./compose-service.ts";

/** Who asks. */
export interface ComposeScene {
  readonly scene: string;
  readonly folder: string;
  /** Profiles that are asked for; `*` is all. */
  readonly profiles: readonly string[];
}

/** Wishes of one project; one list of ports can serve many services. */
const mostWishes = 40_000;

/** The wishes of a project, and what else is wrong with it. */
export function composeWishes(
  project: ComposeProject,
  { scene, folder, profiles }: ComposeScene,
  files: ProjectFiles,
): { readonly wishes: readonly PortWish[]; readonly problems: readonly ProjectProblem[] } {
  const wishes: PortWish[] = [];
  const problems: ProjectProblem[] = [];
  for (const [name, service] of project.services) {
    const inactive = inactiveReason(service, profiles);
    const common = {
      ...plainWish,
      format: "compose",
      name: `service ${name}`,
      binder: "engine",
      scene,
      folders: [...(service.context === null ? [] : [service.context]), ...service.mounts],
      home: folder,
      container: { project: project.name, service: name },
      copies: service.replicas ?? 1,
    } as const;
    if (inactive === null) problems.push(...missingFiles(service, files));
    if (service.networkMode === "host") {
      wishes.push(...hostWishes(service, files).map((wish) => ({ ...common, ...wish, unit: name, inactive })));
      const [ignored] = service.ports.items;
      if (ignored !== undefined) {
        const message = `network_mode: host makes the ports of ${JSON.stringify(name)} meaningless.`;
        problems.push({ severity: "warning", message, path: ignored.place.source.path, place: ignored.place });
      }
      continue;
    }
    for (const [index, port] of distinctPorts(service.ports.items).entries()) {
      if (port.published === null) continue;
      if (wishes.length >= mostWishes) return { wishes, problems: [...problems, tooMany(service)] };
      const anyOf = `the engine takes a free one from ${port.published} to ${port.published + port.count - 1}`;
      wishes.push({
        ...common,
        transport: port.transport,
        address: port.address,
        port: port.published,
        count: port.count,
        place: port.place,
        unit: `${name} ${index}`,
        inactive: inactive ?? (port.anyOf ? anyOf : null),
      });
    }
  }
  return { wishes, problems };
}

function inactiveReason({ profiles }: ComposeService, asked: readonly string[]): string | null {
  if (profiles === null || profiles.length === 0 || asked.includes("*")) return null;
  return profiles.some((profile) => asked.includes(profile))
    ? null
    : `${profiles.length === 1 ? "its profile" : "none of its profiles"} ${profiles.join(", ")} is ${profiles.length === 1 ? "not " : ""}asked for`;
}

/** A service in the host's own network binds the ports that it says it has there. */
function hostWishes(service: ComposeService, files: ProjectFiles): Pick<PortWish, "transport" | "port" | "place">[] {
  const found: Pick<PortWish, "transport" | "port" | "place">[] = [];
  for (const exposed of service.expose.items) {
    const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(exposed.text);
    const port = readPortNumber(match?.[1] ?? "");
    if (port === undefined) continue;
    const transport = (match?.[2] ?? "tcp") as PortWish["transport"];
    found.push({ transport, port, place: exposed.placeOf(0, match![1]!.length) });
  }
  const variable = service.portVariable ?? portFromFiles(service, files);
  const port = readPortNumber(variable?.text ?? "");
  if (
    variable !== null &&
    port !== undefined &&
    !found.some((wish) => wish.port === port && wish.transport === "tcp")
  ) {
    found.push({ transport: "tcp", port, place: variable.placeOf(0, variable.text.length) });
  }
  return found;
}

function portFromFiles({ environmentFiles }: ComposeService, files: ProjectFiles) {
  const sources = environmentFiles.flatMap(({ path }) => files.tryRead(path) ?? []);
  return resolveEnvironment(sources.map(readEnvironmentFile), () => undefined).get("PORT") ?? null;
}

function missingFiles({ environmentFiles }: ComposeService, files: ProjectFiles): ProjectProblem[] {
  return environmentFiles.flatMap(({ path, required, place }) => {
    if (!required || files.has(path)) return [];
    return [
      {
        severity: "error" as const,
        message: `There is no ${path}, which env_file names.`,
        path: place.source.path,
        place,
      },
    ];
  });
}

function tooMany({ place }: ComposeService): ProjectProblem {
  const message = `More than ${mostWishes} ports are wished for here; the rest is not looked at.`;
  return { severity: "error", message, path: place.source.path, place };
}
