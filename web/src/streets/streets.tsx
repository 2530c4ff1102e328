/**
 * @module The streets: the network interfaces, which doors open on to each, and who travels there now.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ListedConnection } from "../../../src/operations/connections.ts";
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import { nameOf } from "../building/tenants.ts";
import { client } from "../state/machine.ts";
import { shownServices } from "../state/shown.ts";
import { followed, openDoor, openPort } from "../state/view.ts";
import { tripOf } from "../packet/journey.ts";
import { countOf } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { describeStreet, streetsOf, type Street } from "./doors-by-street.ts";

/** Between two looks, milliseconds. */
const paceMs = 2000;
const mostDoors = 60;
const mostTravellers = 30;

/** The view of the streets. */
export function Streets() {
  const interfaces = useSignal<InterfacesResult["interfaces"] | null>(null);
  const connections = useSignal<readonly ListedConnection[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const look = async (): Promise<void> => {
      try {
        if (!document.hidden && client.value !== null) {
          const [streets, travellers] = await Promise.all([
            client.value.call("interfaces", {}, abort.signal),
            client.value.call("connections", { transport: "tcp", state: "established", limit: 300 }, abort.signal),
          ]);
          interfaces.value = streets.interfaces;
          connections.value = travellers.connections;
        }
      } catch {
        // The link's state is told in the page's head.
      }
      if (!abort.signal.aborted) timer = window.setTimeout(() => void look(), paceMs);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  const streets = useComputed(() => streetsOf(interfaces.value ?? [], shownServices.value));
  const yard = streets.value.find(({ kind }) => kind === "inner");
  const outside = streets.value.filter(({ kind }) => kind !== "inner");
  const onlyHere = shownServices.value.filter(({ reach }) => reach.scope === "machine");
  if (interfaces.value === null) return <p class="soft">Looking at the streets …</p>;
  return (
    <div class="streets">
      <div class="streets-head">
        <h2>The streets that lead here</h2>
        <p class="soft">
          {outside.length === 0
            ? "No interface leads out: this machine talks to nobody but itself."
            : `${countOf(shownServices.value.length - onlyHere.length, "door")} can be reached from outside, ${onlyHere.length} from this machine only.`}
        </p>
      </div>
      <div class="streets-map">
        <ol class="streets-outside" aria-label="Interfaces that lead out">
          {outside.map((street) => (
            <StreetCard key={street.networkInterface.name} street={street} />
          ))}
        </ol>
        {yard !== undefined && (
          <ol class="streets-inside" aria-label="The loopback">
            <StreetCard street={yard} />
          </ol>
        )}
      </div>
      <Travellers connections={connections.value} />
    </div>
  );
}

function StreetCard({ street }: { readonly street: Street }) {
  const { networkInterface, doors, kind } = street;
  return (
    <li class={`street street-${kind}`}>
      <div class="street-sign">
        <h3>
          <bdi class="mono">{safeText(networkInterface.name, 30)}</bdi>
        </h3>
        <ul class="street-addresses mono">
          {networkInterface.addresses.map(({ address, prefixLength }) => (
            <li key={address}>
              {address}
              <span class="soft">/{prefixLength}</span>
            </li>
          ))}
        </ul>
        <p class="soft">{describeStreet(street)}</p>
      </div>
      <ul class="street-doors">
        {doors.slice(0, mostDoors).map((service) => (
          <li key={`${service.transport}/${service.port}/${service.sockets[0]?.inode ?? 0}`}>
            <button
              type="button"
              class="street-door"
              aria-pressed={openPort.value === service.port}
              onClick={() => openDoor(service.port)}
            >
              <span class="mono street-port">{service.port}</span>
              <bdi>{nameOf(service)}</bdi>
            </button>
          </li>
        ))}
        {doors.length > mostDoors && <li class="soft">and {doors.length - mostDoors} more</li>}
      </ul>
    </li>
  );
}

/** Live connections as they travel: client → street → door → process. */
function Travellers({ connections }: { readonly connections: readonly ListedConnection[] }) {
  const arriving = connections.filter(({ servicePort, direction }) => servicePort !== null && direction !== "out");
  return (
    <section class="travellers" aria-labelledby="travellers-title">
      <h2 id="travellers-title">On their way: {countOf(arriving.length, "connection")}</h2>
      {arriving.length === 0 && <p class="soft">Nobody is connected to a door of this machine at this moment.</p>}
      <ul class="travellers-list">
        {arriving.slice(0, mostTravellers).map((connection) => {
          const port = connection.servicePort!;
          const { caller, called } = tripOf(connection, port);
          const end = connection.direction === "local" && connection.peer !== null ? connection.peer : connection;
          const holder = end.holders.known ? end.holders.value[0] : undefined;
          const follow = (): void => {
            openDoor(port);
            followed.value = {
              port,
              localAddress: called.address,
              localPort: called.port,
              remoteAddress: caller.address,
              remotePort: caller.port,
            };
          };
          return (
            <li key={`${caller.address}:${caller.port}-${called.address}:${called.port}`}>
              <button type="button" class="traveller" onClick={follow}>
                <span class="mono">
                  {caller.address}:<strong>{caller.port}</strong>
                </span>
                <span class="traveller-way" aria-hidden="true" />
                <span class="mono">
                  {called.address}:<strong>{called.port}</strong>
                </span>
                <span class="traveller-way" aria-hidden="true" />
                <bdi>
                  {holder === undefined
                    ? "process not visible"
                    : `${holder.name.known ? safeText(holder.name.value, 30) : "process"} ${holder.pid}`}
                </bdi>
                <span class="traveller-follow">Follow a packet</span>
              </button>
            </li>
          );
        })}
      </ul>
      {arriving.length > mostTravellers && <p class="soft">and {arriving.length - mostTravellers} more</p>}
    </section>
  );
}
