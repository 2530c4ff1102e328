/**
 * @module The rows of what listens, put in and taken out one by one. A row is the same one as long as it shares a socket.
 */
import type { ListedService } from "../../../src/operations/schemas.ts";

/** Rows that change. */
export interface ServiceTable {
  replace(services: readonly ListedService[]): void;
  put(service: ListedService): void;
  remove(service: ListedService): void;
  /** Whether anything is different since `list` was called. */
  hasChanged(): boolean;
  /** In order of port, then transport. */
  list(): readonly ListedService[];
}

/** An empty table. */
export function createServiceTable(): ServiceTable {
  const rows = new Set<ListedService>();
  const rowOfSocket = new Map<string, ListedService>();
  let changed = false;

  const remove = (service: ListedService): void => {
    for (const key of socketKeys(service)) {
      const row = rowOfSocket.get(key);
      if (row === undefined) continue;
      rows.delete(row);
      for (const other of socketKeys(row)) rowOfSocket.delete(other);
      changed = true;
    }
  };
  const put = (service: ListedService): void => {
    remove(service);
    rows.add(service);
    for (const key of socketKeys(service)) rowOfSocket.set(key, service);
    changed = true;
  };
  return {
    replace(services) {
      rows.clear();
      rowOfSocket.clear();
      changed = true;
      for (const service of services) put(service);
    },
    put,
    remove,
    hasChanged: () => changed,
    list() {
      changed = false;
      return [...rows].sort(
        (left, right) =>
          left.port - right.port || (left.transport < right.transport ? -1 : left.transport > right.transport ? 1 : 0),
      );
    },
  };
}

/** Sockets of other namespaces can have the same inode number only on another port or transport in practice; these are in the key. */
function socketKeys({ transport, port, sockets }: ListedService): string[] {
  return sockets.map(({ inode }) => `${transport}/${port}/${inode}`);
}
