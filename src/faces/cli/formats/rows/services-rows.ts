/**
 * @module Rows of services: `list`, `who`.
 */
import { knownOr } from "../../../../core/index.ts";
import { summarizeReach } from "../../../../plan/index.ts";
import type { ListResult } from "../../../../operations/list.ts";
import type { ListedHolder, ListedService } from "../../../../operations/schemas.ts";
import type { WhoResult } from "../../../../operations/who.ts";
import type { CsvCell } from "../csv.ts";
import { preferredUrl } from "../../views/service-cells.ts";
import { cell, joined, rowSource } from "../row-source.ts";

const leaderOf = (service: ListedService): ListedHolder | undefined => knownOr(service.holders, [])[0];

function ofLeader(pick: (leader: ListedHolder) => CsvCell): (service: ListedService) => CsvCell {
  return (service) => {
    const leader = leaderOf(service);
    return leader === undefined ? null : pick(leader);
  };
}

const columns: Readonly<Record<string, (service: ListedService) => CsvCell>> = {
  port: ({ port }) => port,
  transport: ({ transport }) => transport,
  range: ({ range }) => range,
  service: ({ title }) => title?.value ?? null,
  basis: ({ title }) => title?.basis ?? null,
  process: ofLeader(({ name }) => cell(name)),
  pid: ofLeader(({ pid }) => pid),
  processes: ({ holders }) => (holders.known ? holders.value.length : null),
  user: ofLeader(({ userName }) => cell(userName)),
  uid: (service) => ofLeader(({ uid }) => cell(uid))(service) ?? service.sockets[0]?.uid ?? null,
  project: ({ project }) => project?.value.name ?? null,
  root: ({ project }) => project?.value.root ?? null,
  branch: ({ project }) => project?.value.git?.branch ?? null,
  framework: ({ framework }) => framework?.value.title ?? null,
  supervisor: ({ supervisor }) =>
    supervisor === null ? null : joined([supervisor.value.kind, supervisor.value.name ?? ""]).trim(),
  container: ({ container }) => container?.value.name ?? container?.value.id ?? null,
  image: ({ container }) => container?.value.image ?? null,
  namespace: ({ networkNamespace }) =>
    networkNamespace === null ? null : (networkNamespace.names[0] ?? knownOr(networkNamespace.id, "hidden")),
  reach: ({ reach }) => summarizeReach(reach),
  scope: ({ reach }) => reach.scope,
  addresses: ({ addresses }) => joined(addresses),
  url: (service) => preferredUrl(service) ?? null,
  urls: ({ urls }) => joined(urls),
  started: ofLeader(({ startedAt }) => cell(startedAt)),
  memory: ofLeader(({ memoryBytes }) => cell(memoryBytes)),
  executable: ofLeader(({ executable }) => cell(executable)),
  folder: ofLeader(({ workingDirectory }) => cell(workingDirectory)),
  arguments: ofLeader(({ arguments: argv }) => (argv.known ? argv.value.join(" ") : null)),
  inode: ({ sockets }) => joined(sockets.map(({ inode }) => inode)),
};

/** Rows of `list`. */
export const listRows = rowSource<ListResult, ListedService>({ rows: ({ services }) => services, columns });

/** Rows of `who`. */
export const whoRows = rowSource<WhoResult, ListedService>({
  rows: ({ ports }) => ports.flatMap(({ services }) => services),
  columns,
});
