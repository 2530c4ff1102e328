/**
 * @module What the recorder wrote down before the page was opened.
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { HistoryResult, RecordedResidence } from "../../../src/operations/history.ts";
import { ApiError } from "../api/client.ts";
import { Failure } from "../door/failure.tsx";
import { client } from "../state/machine.ts";
import { openDoor, searchText } from "../state/view.ts";
import { namedPort } from "../search/match.ts";
import { countOf } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { Residences } from "./residences.tsx";

/** Between two looks, milliseconds. */
const paceMs = 10_000;
const spans = [
  { since: "1h", title: "An hour" },
  { since: "24h", title: "A day" },
  { since: "7d", title: "A week" },
  { since: "30d", title: "A month" },
] as const;

/** The record, or how to begin one. */
export function Recorded() {
  const since = useSignal<string>("24h");
  const history = useSignal<HistoryResult | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const port = namedPort(searchText.value);
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const look = async (): Promise<void> => {
      try {
        const ports = port === null ? {} : { ports: [String(port)] };
        history.value = await client.value!.call("history", { since: since.value, limit: 500, ...ports }, abort.signal);
        failure.value = null;
      } catch (error) {
        if (error instanceof ApiError) failure.value = error;
      }
      if (!abort.signal.aborted) timer = window.setTimeout(() => void look(), paceMs);
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [since.value, port]);
  const shown = history.value;
  return (
    <section class="recorded" aria-labelledby="recorded-title">
      <div class="time-head">
        <h2 id="recorded-title">Since the recorder was started</h2>
        <label class="scan-check">
          <span class="soft">Show</span>
          <select class="field" value={since.value} onChange={(event) => (since.value = event.currentTarget.value)}>
            {spans.map((span) => (
              <option key={span.since} value={span.since}>
                {span.title}
              </option>
            ))}
          </select>
        </label>
      </div>
      {failure.value !== null && <Failure error={failure.value} />}
      {shown !== null && shown.recorder.since === null && (
        <p>
          Nobody records on this machine. Leave <code>portolan record</code> running in a terminal, and this page shows
          who held each port and when.
        </p>
      )}
      {shown !== null && shown.recorder.since !== null && (
        <>
          <p class="soft">
            {shown.recorder.running ? "Recording now" : "The recorder does not run now"}; the record begins{" "}
            {new Date(shown.recorder.since).toLocaleString()} and holds{" "}
            {countOf(shown.recorder.residences, "residence")}.
          </p>
          <Residences history={shown} />
          <RecordedTable residences={shown.residences} />
        </>
      )}
    </section>
  );
}

function RecordedTable({ residences }: { readonly residences: readonly RecordedResidence[] }) {
  if (residences.length === 0) return <p class="soft">Nothing in this time.</p>;
  return (
    <div class="scan-table-frame">
      <table class="recorded-table">
        <thead>
          <tr>
            <th scope="col">Port</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Held by</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {residences.map((one) => (
            <tr key={`${one.port}${one.transport}${one.appearedAt}${one.pid ?? ""}`}>
              <th scope="row">
                <button type="button" class="time-port mono" onClick={() => openDoor(one.port)}>
                  {one.port}
                </button>
              </th>
              <td>
                {one.startKnown ? "" : "before "}
                {new Date(one.appearedAt).toLocaleString()}
              </td>
              <td>
                {one.disappearedAt === null
                  ? "still there"
                  : `${one.endKnown ? "" : "after "}${new Date(one.disappearedAt).toLocaleString()}`}
              </td>
              <td>
                <bdi>{safeText(one.process ?? "not visible", 60)}</bdi> {one.pid}
                {one.project !== null && (
                  <span class="soft">
                    {" "}
                    <bdi>{safeText(one.project, 60)}</bdi>
                  </span>
                )}
              </td>
              <td>
                <bdi>{safeText(one.service ?? "", 60)}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
