/**
 * @module The dialog in which something about names is asked, and doing what was proposed in it.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Proposal } from "../api/client.ts";
import type { Changes } from "../api/operations.ts";
import { client } from "../state/machine.ts";
import { refreshRoutes } from "../state/routes.ts";
import { nameQuestion } from "../state/view.ts";

/** A dialog that is open from its beginning; closed, it asks nothing more, and the reader is where they were. */
export function AskDialog({
  title,
  children,
}: {
  readonly title: string;
  readonly children: (close: () => void) => ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const opener = useRef<Element | null>(null);
  useEffect(() => {
    opener.current = document.activeElement;
    dialog.current?.showModal();
  }, []);
  const onClose = (): void => {
    nameQuestion.value = null;
    // What opened it can have gone with the name.
    if (opener.current?.isConnected !== true) document.getElementById("view")?.focus();
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} aria-labelledby="name-question">
      <h3 id="name-question">{title}</h3>
      {children(() => dialog.current?.close())}
    </dialog>
  );
}

/** Does what a ticket stands for. @throws ApiError */
export async function applyChange<Name extends keyof Changes>(
  name: Name,
  { ticket }: Proposal<Name>,
): Promise<Changes[Name]["result"]> {
  const steps = client.value!.apply(name, ticket, new AbortController().signal);
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done === true) return step.value;
    }
  } finally {
    await refreshRoutes();
  }
}

/** Cancel and the button that does it; Close when there is nothing more to do. */
export function Buttons({
  close,
  done,
  children,
}: {
  readonly close: () => void;
  readonly done: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="dialog-buttons">
      <button type="button" class="button" onClick={close}>
        {done ? "Close" : "Cancel"}
      </button>
      {!done && children}
    </div>
  );
}
