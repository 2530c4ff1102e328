/**
 * @module The open door: everything that is known of one port, and what can be done with it.
 */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import { apartmentOf, floorOf } from "../building/geometry.ts";
import { nameOf } from "../building/tenants.ts";
import { client, services } from "../state/machine.ts";
import { closeDoor, followed, freeing, openPort } from "../state/view.ts";
import { FollowPacket } from "../packet/follow-packet.tsx";
import type { DoorFacts } from "./door-facts.ts";
import { EmptyDoor } from "./empty-door.tsx";
import { Failure } from "./failure.tsx";
import { FreeDialog } from "./free.tsx";
import { Purpose } from "./purpose.tsx";
import { ServiceFacts } from "./service-facts.tsx";

/** The panel of the open port. */
export function Door() {
  const port = openPort.value!;
  const facts = useSignal<DoorFacts | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const panel = useRef<HTMLElement>(null);
  // What listens there, as far as it decides what is shown: looked at anew when that changes.
  const state = useComputed(() =>
    services.value
      .filter((service) => service.port === openPort.value)
      .map(
        ({ transport, sockets, holders }) =>
          `${transport} ${sockets.map(({ inode }) => inode).join()} ${JSON.stringify(holders).length}`,
      )
      .join(";"),
  );
  useSignalEffect(() => {
    void state.value;
    const asked = openPort.value;
    if (asked === null || client.value === null) return undefined;
    const abort = new AbortController();
    const word = String(asked);
    Promise.all([
      // The chart shows one network namespace, and so does the door.
      client.value.call("who", { ports: [word], namespace: "own" }, abort.signal),
      client.value.call("explain", { what: word }, abort.signal),
      client.value.call("can-bind", { endpoints: [word] }, abort.signal),
    ]).then(
      ([who, explained, bind]) => {
        failure.value = null;
        facts.value = { who: who.ports[0]!, explained, bind };
        return undefined;
      },
      (error: unknown) => {
        if (!abort.signal.aborted && error instanceof ApiError) failure.value = error;
      },
    );
    return () => abort.abort();
  });
  useEffect(() => {
    panel.current?.focus();
  }, [port]);

  const shown = facts.value?.who.port === port ? facts.value : null;
  return (
    <aside
      class="door"
      aria-labelledby="door-title"
      tabIndex={-1}
      ref={panel}
      onKeyDown={(event) => {
        if (event.key === "Escape" && event.target instanceof HTMLElement && event.target.closest("dialog") === null)
          closeDoor();
      }}
    >
      <div class="door-head">
        <div>
          <p class="door-place soft">
            Floor {floorOf(port)}, apartment {apartmentOf(port)}
          </p>
          <h2 id="door-title" class="door-title">
            <span class="mono">{port}</span> <bdi>{titleOf(shown)}</bdi>
          </h2>
        </div>
        <button type="button" class="button button-quiet door-close" aria-label="Close the door" onClick={closeDoor}>
          ✕
        </button>
      </div>
      {failure.value !== null && <Failure error={failure.value} />}
      {shown === null && failure.value === null && <p class="soft">Knocking …</p>}
      {shown !== null && (followed.value === null ? <Facts facts={shown} /> : <FollowPacket key={keyOfFollowed()} />)}
      {freeing.value !== null && (
        <FreeDialog key={`${freeing.value.transport}/${freeing.value.port}`} {...freeing.value} />
      )}
    </aside>
  );
}

function keyOfFollowed(): string {
  return JSON.stringify(followed.value);
}

function Facts({ facts }: { readonly facts: DoorFacts }) {
  const { who, explained, bind } = facts;
  return (
    <>
      {who.services.length === 0 ? (
        <EmptyDoor facts={facts} />
      ) : (
        who.services.map((service) => (
          <ServiceFacts key={`${service.transport}/${service.sockets[0]?.inode ?? 0}`} service={service} bind={bind} />
        ))
      )}
      <Purpose meaning={who} explained={explained} />
    </>
  );
}

/** The name on the door. */
function titleOf(facts: DoorFacts | null): string {
  if (facts === null) return "";
  const service = facts.who.services[0];
  if (service !== undefined) return nameOf(service);
  return "empty";
}
