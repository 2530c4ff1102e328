/**
 * @module Which sockets are in flight, as one function that refers to nothing outside itself: its source text runs in the epoll
 * engine's thread (native-thread.ts).
 */

/** Lists of slots, oldest first. All slots of a list have the same waiting time, so only its oldest can be the next overdue. */
export interface FlightLists {
  /** Lists that have members, in no order. */
  readonly busy: readonly number[];
  /** Appends a slot that is in no list. */
  add(slot: number, list: number): void;
  remove(slot: number): void;
  /** The list's oldest slot, -1 for an empty list. */
  oldest(list: number): number;
}

/** Empty lists. */
export function createFlightLists(slots: number, lists: number): FlightLists {
  const nextInList = new Int32Array(slots).fill(-1);
  const previousInList = new Int32Array(slots).fill(-1);
  const listOf = new Int32Array(slots).fill(-1);
  const firstOf = new Int32Array(lists).fill(-1);
  const lastOf = new Int32Array(lists).fill(-1);
  const busyLists: number[] = [];
  const busyPlace = new Int32Array(lists).fill(-1);

  function add(slot: number, list: number): void {
    const last = lastOf[list]!;
    listOf[slot] = list;
    previousInList[slot] = last;
    nextInList[slot] = -1;
    if (last >= 0) {
      nextInList[last] = slot;
    } else {
      firstOf[list] = slot;
      busyPlace[list] = busyLists.length;
      busyLists.push(list);
    }
    lastOf[list] = slot;
  }

  function remove(slot: number): void {
    const list = listOf[slot]!;
    const previous = previousInList[slot]!;
    const next = nextInList[slot]!;
    if (previous >= 0) nextInList[previous] = next;
    else firstOf[list] = next;
    if (next >= 0) previousInList[next] = previous;
    else lastOf[list] = previous;
    if (firstOf[list]! >= 0) return;
    const moved = busyLists.pop()!;
    const place = busyPlace[list]!;
    if (moved !== list) {
      busyLists[place] = moved;
      busyPlace[moved] = place;
    }
    busyPlace[list] = -1;
  }

  return { busy: busyLists, add, remove, oldest: (list) => firstOf[list]! };
}
