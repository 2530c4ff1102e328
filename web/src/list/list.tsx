/**
 * @module What listens, as a table: everything that the building shows, for reading, sorting and going through by keys.
 */
import { computed, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ListedService } from "../../../src/operations/schemas.ts";
import { detailOf, nameOf } from "../building/tenants.ts";
import { happenings, services, traffic, type PortTraffic } from "../state/machine.ts";
import { routesByPort } from "../state/routes.ts";
import { foundServices } from "../state/shown.ts";
import { openDoor, openPort, searchText } from "../state/view.ts";
import { countOf, formatBytes } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { sortServices, type SortKey } from "./order.ts";

/** Rows beyond this are drawn only where they are seen. */
const rowHeight = 46;
const overscan = 8;
/** How long somebody new is marked, milliseconds. */
const newMs = 8000;

const columns: readonly { readonly key: SortKey; readonly title: string; readonly className: string }[] = [
  { key: "port", title: "Port", className: "list-port" },
  { key: "name", title: "Service", className: "list-name" },
  { key: "reach", title: "Reach", className: "list-reach" },
  { key: "traffic", title: "Traffic", className: "list-traffic" },
];

/** The list with its heading. */
export function List() {
  const sort = useSignal<{ readonly key: SortKey; readonly reverse: boolean }>({ key: "port", reverse: false });
  const rows = useComputed(() => sortServices(foundServices.value, traffic.value, sort.value.key, sort.value.reverse));
  const scroller = useRef<HTMLDivElement>(null);
  const view = useSignal({ top: 0, height: 600 });
  useEffect(() => {
    const element = scroller.current!;
    const measure = (): void => {
      view.value = { top: element.scrollTop, height: element.clientHeight };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);

  const all = rows.value;
  const first = Math.max(0, Math.floor(view.value.top / rowHeight) - overscan);
  const last = Math.min(all.length, Math.ceil((view.value.top + view.value.height) / rowHeight) + overscan);
  const choose = (key: SortKey): void => {
    sort.value = { key, reverse: sort.value.key === key ? !sort.value.reverse : key === "traffic" };
  };
  return (
    <section class="list" aria-labelledby="list-title">
      <h2 id="list-title" class="list-title">
        {countOf(all.length, "open door")}
        {searchText.value.trim() !== "" && <span class="soft"> of {services.value.length}</span>}
      </h2>
      <div class="list-scroller" ref={scroller}>
        <table class="list-table" aria-rowcount={all.length + 1}>
          <thead>
            <tr>
              {columns.map(({ key, title, className }) => (
                <th
                  key={key}
                  scope="col"
                  class={className}
                  aria-sort={sort.value.key === key ? (sort.value.reverse ? "descending" : "ascending") : "none"}
                >
                  <button type="button" class="list-sort" onClick={() => choose(key)}>
                    {title}
                    <span aria-hidden="true">{sort.value.key === key ? (sort.value.reverse ? " ↓" : " ↑") : ""}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {first > 0 && <Filler rows={first} />}
            {all.slice(first, last).map((service, index) => (
              <Row key={keyOf(service)} service={service} index={first + index} />
            ))}
            {last < all.length && <Filler rows={all.length - last} />}
          </tbody>
        </table>
        {all.length === 0 && (
          <p class="list-empty soft">
            {searchText.value.trim() === "" ? "Nothing listens on this machine." : "Nothing that listens matches."}
          </p>
        )}
      </div>
    </section>
  );
}

function Filler({ rows }: { readonly rows: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns.length} style={{ height: `${rows * rowHeight}px`, padding: "0" }} />
    </tr>
  );
}

function keyOf({ transport, port, sockets }: ListedService): string {
  return `${transport}/${port}/${sockets[0]?.inode ?? 0}`;
}

const reachWords: Readonly<Record<string, string>> = {
  machine: "this machine",
  networks: "some networks",
  everywhere: "every network",
  nowhere: "nowhere",
  namespace: "its namespace",
};

function Row({ service, index }: { readonly service: ListedService; readonly index: number }) {
  const { port, transport } = service;
  const carried = traffic.value.get(`${transport}/${port}`);
  const name = nameOf(service);
  const bell = transport === "tcp" ? bellOf(port) : undefined;
  return (
    <tr
      class={`list-row${openPort.value === port ? " list-row-open" : ""}${newPorts.value.has(service.port) ? " list-row-new" : ""}`}
      aria-rowindex={index + 2}
      onClick={() => openDoor(port)}
    >
      <th scope="row" class="list-port">
        <button
          type="button"
          class="list-open mono"
          aria-label={`Open door ${port}, ${name}`}
          onClick={() => openDoor(port)}
        >
          {port}
        </button>
        <span class="list-transport soft">{transport}</span>
      </th>
      <td class="list-name">
        <bdi class="list-service">{name}</bdi>
        <span class="list-detail soft">
          {bell !== undefined && <bdi class="list-bell">{bell}</bdi>}
          <bdi>{detailOf(service)}</bdi>
        </span>
      </td>
      <td class="list-reach">
        <span class={`list-mark list-mark-${service.reach.scope}`} aria-hidden="true" />
        {reachWords[service.reach.scope]}
      </td>
      <td class="list-traffic">
        <Traffic carried={carried} />
      </td>
    </tr>
  );
}

/** The name that leads there, the first of several. */
function bellOf(port: number): string | undefined {
  const routes = routesByPort.value.get(port);
  if (routes === undefined) return undefined;
  return `${safeText(routes[0]!.name, 80)}${routes.length > 1 ? ` +${routes.length - 1}` : ""}`;
}

function Traffic({ carried }: { readonly carried: PortTraffic | undefined }) {
  if (carried === undefined || (carried.connections === 0 && (carried.sentBytes ?? 0) === 0))
    return <span class="soft">—</span>;
  const moving = (carried.sentPerSecond ?? 0) + (carried.receivedPerSecond ?? 0) >= 1;
  return (
    <>
      <span class="list-clients">{countOf(carried.connections, "client")}</span>
      <span class="soft list-rates">
        {moving ? `↓ ${formatBytes(carried.receivedPerSecond)}/s ↑ ${formatBytes(carried.sentPerSecond)}/s` : "still"}
      </span>
    </>
  );
}

/** Ports on which somebody came a moment ago. */
const newPorts = computed(() => {
  const ports = new Set<number>();
  const sinceMs = Date.now() - newMs;
  for (let index = happenings.value.length - 1; index >= 0; index -= 1) {
    const { kind, atMs, service } = happenings.value[index]!;
    if (atMs < sinceMs) break;
    if (kind === "appeared") ports.add(service.port);
  }
  return ports;
});
