/**
 * @module What one can do with a service: open it, copy its address, free its port, keep the number.
 */
import { useSignal } from "@preact/signals";
import { announce } from "../state/view.ts";
import { FreeButton } from "./free.tsx";
import { canBeNamed, NameButton } from "./names.tsx";
import { ReserveButton } from "./reserve.tsx";
import type { HeldService } from "./service-facts.tsx";

/** The row of buttons. */
export function Actions({ service }: { readonly service: HeldService }) {
  const url = service.localUrl ?? service.urls[0] ?? null;
  return (
    <div class="door-actions">
      {url !== null && (
        <a class="button button-main" href={url} target="_blank" rel="noreferrer noopener">
          Open
        </a>
      )}
      <CopyButton
        title={url === null ? "Copy address" : "Copy URL"}
        text={url ?? service.reach.addresses[0]?.endpoint ?? `localhost:${service.port}`}
      />
      {canBeNamed(service) && <NameButton port={service.port} />}
      <CopyButton title="Copy command" text={`portolan who ${service.port}`} />
      <FreeButton port={service.port} transport={service.transport} />
      <ReserveButton port={service.port} />
    </div>
  );
}

function CopyButton({ title, text }: { readonly title: string; readonly text: string }) {
  const said = useSignal(title);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = "Copied";
      announce(`${text} is in the clipboard.`);
    } catch {
      said.value = text;
    }
    setTimeout(() => (said.value = title), 2500);
  };
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      {said.value}
    </button>
  );
}
