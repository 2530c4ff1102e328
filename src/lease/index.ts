/**
 * @module The room lease/: ports promised to somebody, so that no two callers get the same one.
 */
export { acquirePorts, lockPort, type AcquiredPort, type PortWish, type Surroundings } from "./acquire-ports.ts";
export {
  monotonicMs,
  publishReservations,
  readLeaseRecords,
  removeLeaseRecords,
  writeLeaseRecords,
  type LeaseRecord,
} from "./lease-records.ts";
export { poolsOf, type PortPools } from "./port-pool.ts";
export { acquireNamedPort, type PortName } from "./named-port.ts";
export {
  checkName,
  isName,
  pickPort,
  pickPorts,
  portNumbers,
  projectFolderOf,
  readWish,
  releasePort,
  releasePorts,
  type PickPortOptions,
} from "./pick-port.ts";
export {
  changeReservations,
  findReservation,
  readReservations,
  reservationFile,
  reservedPorts,
  type Reservation,
  type ReservationFile,
} from "./reservations.ts";
