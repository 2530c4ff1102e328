/**
 * @module What the promises of Portolan say to the wishes of a project: ports kept for other projects, for other users, or for a moment.
 */
import { monotonicMs, projectFolderOf, readLeaseRecords, readReservations } from "../lease/index.ts";
import type { PortWish } from "../wishes/index.ts";
import type { BareFinding } from "./check-machine.ts";
import { leaseHome } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";

/** The promises, ready to be asked. */
export interface Promises {
  readonly judge: (wish: PortWish) => Promise<BareFinding[]>;
  readonly isKept: (port: number) => boolean;
}

/** Reads them. @throws STORE_FAILED, LEASE_STORE_FAILED */
export async function readPromises(context: OperationContext): Promise<Promises> {
  const { file } = await leaseHome(context);
  const reservations = readReservations(file);
  const own = new Set(reservations.map(({ port }) => port as number));
  const records = readLeaseRecords().filter(({ port, endMs }) => endMs !== null || !own.has(port));
  const projects = new Map<string, Promise<string>>();
  const projectOf = (folder: string): Promise<string> => {
    let project = projects.get(folder);
    if (project === undefined) projects.set(folder, (project = projectFolderOf(folder)));
    return project;
  };
  const judge = async (wish: PortWish): Promise<BareFinding[]> => {
    const has = (port: number): boolean => port >= wish.port && port < wish.port + wish.count;
    if (wish.binder === "cluster") return [];
    const common = { transport: wish.transport, holder: null } as const;
    const kept = reservations.find(({ port, project }) => has(port) && project !== null);
    if (kept !== undefined) {
      const mine = await Promise.all([wish.home, ...wish.folders].map(projectOf));
      if (mine.includes(kept.project!)) return [];
      const message = `It is kept for ${kept.name} of ${kept.project} (portolan reserve).`;
      return [{ ...common, kind: "reserved", severity: "conflict", port: kept.port, message }];
    }
    const record = records.find(({ port, uid, endMs }) => has(port) && (endMs !== null || uid !== context.userId));
    if (record === undefined) return [];
    if (record.endMs === null) {
      const message = `The user with id ${record.uid} keeps it (portolan reserve).`;
      return [{ ...common, kind: "reserved", severity: "conflict", port: record.port, message }];
    }
    const seconds = Math.max(1, Math.round((record.endMs - monotonicMs()) / 1000));
    const message = `It is promised to whoever asked for it last, for ${seconds} s more (portolan pick).`;
    return [{ ...common, kind: "promised", severity: "warning", port: record.port, message }];
  };
  return { judge, isKept: (port) => own.has(port) || records.some((record) => record.port === port) };
}
