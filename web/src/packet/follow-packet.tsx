/**
 * @module Follow a packet: one real connection, step by step, with its own numbers.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import { client } from "../state/machine.ts";
import { announce, followed, highlighted, type FollowedConnection } from "../state/view.ts";
import { Track } from "./track.tsx";
import { journeyOf, tripOf, type Trip } from "./journey.ts";

/** Between two looks, milliseconds. */
const paceMs = 1500;

/** The journey of the connection in `followed`. */
export function FollowPacket() {
  const wanted = followed.value!;
  const trip = useSignal<Trip | null>(null);
  const streets = useSignal<InterfacesResult["interfaces"]>([]);
  const ended = useSignal(false);
  const step = useSignal(0);
  const text = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const look = async (): Promise<void> => {
      try {
        const [{ connections }, { interfaces }] = await Promise.all([
          client.value!.call("connections", { port: [String(wanted.port)], transport: "tcp" }, abort.signal),
          client.value!.call("interfaces", {}, abort.signal),
        ]);
        streets.value = interfaces;
        const trips = connections.map((connection) => tripOf(connection, wanted.port));
        const found = trips.find((one) => isSame(one, wanted));
        ended.value = found === undefined;
        if (found !== undefined) trip.value = found;
      } catch {
        // The link's state is told in the page's head.
      }
      if (!abort.signal.aborted) timer = window.setTimeout(() => void look(), paceMs);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      highlighted.value = [];
    };
  }, []);

  const stops = trip.value === null ? [] : journeyOf(trip.value, streets.value);
  const stop = stops[step.value];
  useEffect(() => {
    if (stop === undefined) return;
    highlighted.value = stop.ports;
  }, [step.value, stops.length]);
  const go = (to: number): void => {
    if (to < 0 || to >= stops.length) return;
    step.value = to;
    announce(`${to + 1} of ${stops.length}. ${stops[to]!.title}. ${stops[to]!.text}`);
  };
  return (
    <section
      class="packet"
      aria-labelledby="packet-title"
      onKeyDown={(event) => {
        if (event.key === "ArrowRight") go(step.value + 1);
        else if (event.key === "ArrowLeft") go(step.value - 1);
        else return;
        event.preventDefault();
      }}
    >
      <h3 id="packet-title">Follow a packet</h3>
      {stop === undefined && <p>{ended.value ? "This connection has ended." : "Looking for the connection …"}</p>}
      {stop !== undefined && (
        <>
          {ended.value && <p class="failure">The connection has ended meanwhile; these are its last numbers.</p>}
          <Track signs={stops.map(({ sign }) => sign)} at={step.value} onGo={go} />
          <div ref={text} class="packet-stop">
            <p class="soft">
              Stop {step.value + 1} of {stops.length}
            </p>
            <h4>{stop.title}</h4>
            <p>{stop.text}</p>
          </div>
          <div class="packet-buttons">
            <button type="button" class="button" disabled={step.value === 0} onClick={() => go(step.value - 1)}>
              Back
            </button>
            <button
              type="button"
              class="button button-main"
              disabled={step.value === stops.length - 1}
              onClick={() => go(step.value + 1)}
            >
              Next stop
            </button>
          </div>
        </>
      )}
      <button type="button" class="button button-quiet" onClick={() => (followed.value = null)}>
        Back to the door
      </button>
    </section>
  );
}

function isSame({ caller, called }: Trip, wanted: FollowedConnection): boolean {
  return (
    caller.address === wanted.remoteAddress &&
    caller.port === wanted.remotePort &&
    called.address === wanted.localAddress &&
    called.port === wanted.localPort
  );
}
