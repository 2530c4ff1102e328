/**
 * @module Which code runs and shows each command; loaded when the command is called and not before.
 */
import type { OperationContext, OperationResult } from "../../operations/operation.ts";
import type { View } from "./view.ts";

/** An operation's code with its view, types erased: the declaration has checked them. */
export interface LoadedCommand {
  readonly run: (
    input: never,
    context: OperationContext,
  ) => Promise<OperationResult> | AsyncGenerator<unknown, OperationResult, void>;
  readonly view: View<never, never>;
}

/** Loaders by command name. */
export const commands: Readonly<Record<string, () => Promise<LoadedCommand>>> = {
  list: async () => {
    const [{ runList }, { listView }] = await Promise.all([
      import("../../operations/list.ts"),
      import("./views/list.ts"),
    ]);
    return { run: runList, view: listView };
  },
  who: async () => {
    const [{ runWho }, { whoView }] = await Promise.all([import("../../operations/who.ts"), import("./views/who.ts")]);
    return { run: runWho, view: whoView };
  },
  explain: async () => {
    const [{ runExplain }, { explainView }] = await Promise.all([
      import("../../operations/explain.ts"),
      import("./views/explain.ts"),
    ]);
    return { run: runExplain, view: explainView };
  },
  services: async () => {
    const [{ runServices }, { servicesView }] = await Promise.all([
      import("../../operations/services.ts"),
      import("./views/services.ts"),
    ]);
    return { run: runServices, view: servicesView };
  },
  ranges: async () => {
    const [{ runRanges }, { rangesView }] = await Promise.all([
      import("../../operations/ranges.ts"),
      import("./views/ranges.ts"),
    ]);
    return { run: runRanges, view: rangesView };
  },
  interfaces: async () => {
    const [{ runInterfaces }, { interfacesView }] = await Promise.all([
      import("../../operations/interfaces.ts"),
      import("./views/interfaces.ts"),
    ]);
    return { run: runInterfaces, view: interfacesView };
  },
};
