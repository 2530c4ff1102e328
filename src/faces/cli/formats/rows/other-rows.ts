/**
 * @module Rows of the smaller tables: `interfaces`, `services`, `ranges`, `reservations`, `wait`.
 */
import { knownOr } from "../../../../core/index.ts";
import type { InterfacesResult } from "../../../../operations/interfaces.ts";
import type { RangesResult } from "../../../../operations/ranges.ts";
import type { ReservationsResult } from "../../../../operations/reservations.ts";
import type { ServicesResult } from "../../../../operations/services.ts";
import type { WaitResult } from "../../../../operations/wait.ts";
import { cell, joined, rowSource } from "../row-source.ts";

type Interface = InterfacesResult["interfaces"][number];
type InterfaceRow = Interface & { readonly at: Interface["addresses"][number] | null };

/** An address a row; an interface without any is one row all the same. */
export const interfacesRows = rowSource<InterfacesResult, InterfaceRow>({
  rows: ({ interfaces }) =>
    interfaces.flatMap((device): InterfaceRow[] =>
      device.addresses.length === 0 ? [{ ...device, at: null }] : device.addresses.map((at) => ({ ...device, at })),
    ),
  columns: {
    interface: ({ name }) => name,
    address: ({ at }) => at?.address ?? null,
    family: ({ at }) => at?.family ?? null,
    prefix: ({ at }) => at?.prefixLength ?? null,
    network: ({ at }) => at?.network ?? null,
    audience: ({ at }) => at?.audience ?? null,
    up: ({ up }) => cell(up),
    loopback: ({ loopback }) => loopback,
    index: ({ index }) => cell(index),
    mtu: ({ mtuBytes }) => cell(mtuBytes),
    hardware: ({ hardwareAddress }) => cell(hardwareAddress),
    defaultIpv4: ({ defaultRoute }) => cell(defaultRoute.ipv4),
    defaultIpv6: ({ defaultRoute }) => cell(defaultRoute.ipv6),
  },
});

interface ServiceRow {
  readonly name: string | null;
  readonly title: string | null;
  readonly port: number;
  readonly transports: readonly string[];
  readonly description: string;
  readonly basis: string | null;
  readonly source: string;
  readonly alive: string | null;
}

/** What a search found, or a row for each port of the doors everybody meets. */
export const servicesRows = rowSource<ServicesResult, ServiceRow>({
  rows: ({ doors, matches }) => [
    ...doors.flatMap(({ title, ports, transports, oneLine, source, alive }) =>
      ports.map((port) => ({
        name: null,
        title,
        port,
        transports,
        description: oneLine,
        basis: null,
        source,
        alive: alive.known
          ? joined(alive.value.flatMap((one) => (one.port === port ? [knownOr(one.program, null) ?? "yes"] : [])))
          : null,
      })),
    ),
    ...matches.map((match) => ({ ...match, alive: null })),
  ],
  columns: {
    port: ({ port }) => port,
    transports: ({ transports }) => joined(transports),
    name: ({ name }) => name,
    title: ({ title }) => title,
    description: ({ description }) => description,
    basis: ({ basis }) => basis,
    alive: ({ alive }) => alive,
    source: ({ source }) => source,
  },
});

/** Rows of `ranges`. */
export const rangesRows = rowSource<RangesResult, RangesResult["ranges"][number]>({
  rows: ({ ranges }) => ranges,
  columns: {
    id: ({ id }) => id,
    title: ({ title }) => title,
    first: ({ first }) => first,
    last: ({ last }) => last,
    count: ({ count }) => count,
    listening: ({ listeningHere }) => cell(listeningHere),
    explanation: ({ explanation }) => explanation,
    source: ({ source }) => source,
  },
});

type Reservation = ReservationsResult["reservations"][number];
type Lease = ReservationsResult["leases"][number];
interface ReservationRow {
  readonly reservation: Reservation | null;
  readonly lease: Lease | null;
  readonly port: number;
  readonly holders: Reservation["holders"];
}

/** Reservations and then leases. */
export const reservationsRows = rowSource<ReservationsResult, ReservationRow>({
  rows: ({ reservations, leases }) => [
    ...reservations.map((reservation) => ({ ...reservation, reservation, lease: null })),
    ...leases.map((lease) => ({ ...lease, reservation: null, lease })),
  ],
  columns: {
    port: ({ port }) => port,
    kind: ({ lease }) => (lease === null ? "reservation" : "lease"),
    name: ({ reservation }) => reservation?.name ?? null,
    project: ({ reservation }) => reservation?.project ?? null,
    created: ({ reservation }) => reservation?.createdAt ?? null,
    uid: ({ lease }) => lease?.uid ?? null,
    remainingMs: ({ lease }) => lease?.remainingMs ?? null,
    pids: ({ holders }) => (holders?.known === true ? joined(holders.value.map(({ pid }) => pid)) : null),
  },
});

/** Rows of `wait`. */
export const waitRows = rowSource<WaitResult, WaitResult["endpoints"][number]>({
  rows: ({ endpoints }) => endpoints,
  columns: {
    endpoint: ({ endpoint }) => endpoint,
    ready: ({ ready }) => ready,
    how: ({ how }) => how,
    afterMs: ({ afterMs }) => afterMs,
    status: ({ status }) => status,
    reason: ({ reason }) => reason,
  },
});
