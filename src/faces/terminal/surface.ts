/**
 * @module The terminal itself: the other screen, raw keys, frames of which only what changed is written, and everything put back at the end.
 *
 * Control sequences: ECMA-48 and xterm's (ctlseqs). A terminal that does not know one of the private modes ignores it.
 */
import type { ReadStream, WriteStream } from "node:tty";

const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const leave = "\u001b[?2026l\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";
const beginFrame = "\u001b[?2026h";
const endFrame = "\u001b[?2026l";

/** The screen while it is ours. */
export class Surface {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  #shown: string[] = [];
  #open = false;
  /** What was written is not taken yet: a slow terminal gets the latest frame, not all of them. */
  #busy = false;
  #onReady: (() => void) | undefined;

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input;
    this.#output = output;
  }

  get columns(): number {
    return Math.max(10, this.#output.columns || 80);
  }

  get rows(): number {
    return Math.max(3, this.#output.rows || 24);
  }

  /** True while the terminal has not taken the last frame. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Takes the screen over. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    this.#shown = [];
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#write(enter);
  }

  /** Puts everything back as it was; may be called again and again. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#write(leave);
    try {
      this.#input.setRawMode(false);
    } catch {
      // The terminal is gone.
    }
    this.#input.pause();
  }

  /** Forgets what is shown, so that the next frame is written whole. */
  invalidate(): void {
    this.#shown = [];
  }

  /** Called when a busy terminal has taken what was written. */
  whenReady(action: () => void): void {
    this.#onReady = action;
  }

  /** Writes what is different from the frame before. Nothing while the terminal is busy: the caller paints again when it is not. */
  show(lines: readonly string[]): boolean {
    if (!this.#open || this.#busy) return false;
    let text = this.#shown.length === 0 ? "\u001b[2J" : "";
    for (const [index, line] of lines.entries()) {
      if (this.#shown[index] === line) continue;
      text += `\u001b[${index + 1};1H\u001b[2K${line}`;
    }
    this.#shown = [...lines];
    if (text !== "") this.#write(`${beginFrame}${text}${endFrame}`);
    return true;
  }

  /** Text that is no part of a frame, such as what goes to the clipboard. */
  send(text: string): void {
    this.#write(text);
  }

  #write(text: string): void {
    this.#busy = true;
    this.#output.write(text, () => {
      this.#busy = false;
      const ready = this.#onReady;
      this.#onReady = undefined;
      ready?.();
    });
  }
}
