/**
 * @module Cells that several views share: how a claim, a holder, a reach and a moment look.
 */
import { knownOr } from "../../../core/index.ts";
import { summarizeReach } from "../../../plan/index.ts";
import type { ListedHolder, ListedService } from "../../../operations/schemas.ts";
import { span, type Line } from "../print/document.ts";

type ContainerValue = NonNullable<ListedService["container"]>["value"];

/** What a service is. A name that rests on the port's number alone carries a question mark. */
export function titleCell(service: ListedService): Line {
  const title = service.title;
  if (title === null) return [span("–", "dim")];
  if (title.basis === "proved") {
    // The handshake says what it speaks, the process often more closely what it is.
    const program = service.framework?.value.title ?? title.value;
    return [
      span(title.value, "strong"),
      span(" proved", "good"),
      program === title.value ? "" : span(` ${program}`, "strong"),
    ];
  }
  if (title.basis === "inferred") return [span(title.value, "strong")];
  return [title.value, span("?", "dim")];
}

/** True when the name rests on the number alone. */
export function isGuess(service: ListedService): boolean {
  return service.title !== null && (service.title.basis === "assigned" || service.title.basis === "convention");
}

/** `nginx +4`: the leader and how many others hold it too. */
export function holderNameCell(service: ListedService): Line {
  const holders = service.holders;
  if (!holders.known) {
    return [span(holders.why === "permission" ? `hidden (uid ${service.sockets[0]?.uid ?? "?"})` : holders.why, "dim")];
  }
  const leader = holders.value[0];
  if (leader === undefined) return [span("no process here", "dim")];
  const others = holders.value.length - 1;
  return [nameOfHolder(leader), others > 0 ? span(` +${others}`, "dim") : ""];
}

/** `nginx +4, pid 512`. */
export function holderCell(service: ListedService): Line {
  const leader = knownOr(service.holders, [])[0];
  return leader === undefined ? holderNameCell(service) : [...holderNameCell(service), `, pid ${leader.pid}`];
}

/** `5173/tcp Vite, node 4711`: a service in a line of its own. */
export function briefService(service: ListedService): Line {
  const leader = knownOr(service.holders, [])[0];
  return [
    span(`${service.port}/${service.transport}`, "strong"),
    " ",
    ...titleCell(service),
    ", ",
    ...holderNameCell(service),
    leader === undefined ? "" : ` ${leader.pid}`,
  ];
}

/** Short name of a process. */
export function nameOfHolder(holder: Pick<ListedHolder, "name">): string {
  return knownOr(holder.name, "?");
}

/** `shop@fix-login`: the project and its branch, when it is in a linked worktree or away from the usual branches. */
export function projectCell(service: ListedService): Line {
  const project = service.project?.value;
  if (project === undefined) return [];
  const branch = project.git?.branch ?? null;
  const usual = branch === null || branch === "main" || branch === "master";
  return usual ? [project.name] : [project.name, span(`@${branch}`, "dim")];
}

/** What people call a container: its name, or the service that Compose made it for, or its id. */
export function containerName({ id, name, composeService }: ContainerValue): string {
  return name ?? composeService ?? id;
}

/** `podman web`, `netns blue`: the container a service is in, else its network namespace when that is not the reader's own. */
export function placeCell({ container, networkNamespace, behind }: ListedService): Line {
  if (container !== null) {
    const port = behind === null ? "" : `:${behind.port}`;
    return [span(`${container.value.engine} `, "dim"), containerName(container.value), span(port, "dim")];
  }
  if (networkNamespace === null) return [];
  const [name] = networkNamespace.names;
  return name === undefined
    ? [span(knownOr(networkNamespace.id, "another namespace"), "dim")]
    : [span("netns ", "dim"), name];
}

/** How far it reaches, in a few words. */
export function reachCell(service: ListedService): Line {
  const words = summarizeReach(service.reach);
  const scope = service.reach.scope;
  return [span(words, scope === "everywhere" ? "warning" : scope === "machine" ? "good" : "strong")];
}

/** Where to open it: the address of widest use first, else the local one, else where it is bound. */
export function openAtCell(service: ListedService): Line {
  const url = preferredUrl(service);
  const name = service.routeNames?.[0];
  const named: Line = name === undefined ? [] : [span(` ${name}`, "dim")];
  return [url === undefined ? span(service.addresses.join(" "), "dim") : span(url, "link"), ...named];
}

/** The URL that another device can use, else the one for this machine; what is certain goes first. */
export function preferredUrl(service: ListedService): string | undefined {
  const outside = service.reach.addresses.filter(({ url, audience }) => url !== null && audience !== "this-machine");
  const best =
    outside.find(({ certain, family }) => certain && family === "ipv4") ??
    outside.find(({ certain }) => certain) ??
    outside[0];
  return best?.url ?? service.localUrl ?? service.urls[0];
}

/** `3 h`, `12 d`: how long ago, in the largest unit. */
export function ageText(startedAt: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(startedAt)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Bytes in the largest binary unit: `48.1 MiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
