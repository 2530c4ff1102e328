/**
 * @module Signals that ask this process to end, and those that stop it for a while (signal(7), job control).
 */

/** What is called for them. */
export interface EndSignalListener {
  readonly onEnd: (signal: NodeJS.Signals) => void;
  /** Ctrl-Z: whoever is looked after is to stop as well. This process stops after it, until somebody continues it. */
  readonly onStop: () => void;
  readonly onContinue: () => void;
}

/** What a terminal, a shell and a supervisor send. */
export const endSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Listens until this process ends. */
export function listenForEndSignals({ onEnd, onStop, onContinue }: EndSignalListener): void {
  for (const signal of endSignals) process.on(signal, () => onEnd(signal));
  if (process.platform === "win32") return;
  process.on("SIGTSTP", () => {
    onStop();
    process.kill(process.pid, "SIGSTOP");
  });
  process.on("SIGCONT", onContinue);
}
