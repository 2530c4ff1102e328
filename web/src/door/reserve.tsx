/**
 * @module Keeping a port for a name, and giving it back; each is confirmed in a dialog.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import { client } from "../state/machine.ts";
import { announce } from "../state/view.ts";
import { Failure } from "./failure.tsx";

/** The button with its dialog. */
export function ReserveButton({ port }: { readonly port: number }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useSignal("");
  const said = useSignal<string | null>(null);
  const failure = useSignal<ApiError | null>(null);
  const reserve = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (client.value === null) return;
    try {
      const { ticket } = await client.value.propose("reserve", { name: name.value.trim(), port: String(port) });
      const steps = client.value.apply("reserve", ticket, new AbortController().signal);
      for (let step = await steps.next(); ; step = await steps.next()) {
        if (step.done !== true) continue;
        said.value = `Reserved for ${step.value.name}.`;
        break;
      }
      failure.value = null;
      announce(`Port ${port}: ${said.value ?? ""}`);
      dialog.current?.close();
    } catch (error) {
      if (error instanceof ApiError) failure.value = error;
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => dialog.current?.showModal()}>
        Reserve
      </button>
      {said.value !== null && <span role="status">{said.value}</span>}
      <dialog ref={dialog} class="dialog" aria-labelledby={`reserve-${port}`}>
        <form onSubmit={(event) => void reserve(event)}>
          <h3 id={`reserve-${port}`}>Keep port {port} for a name</h3>
          <p>
            portolan pick and portolan run give it to that name in this folder's project, and to nobody else, until it
            is released. Other programs are not kept from it.
          </p>
          <label class="dialog-field">
            Name
            <input
              class="field"
              required
              maxLength={60}
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
          {failure.value !== null && <Failure error={failure.value} />}
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="button button-main">
              Reserve
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
