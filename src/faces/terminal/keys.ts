/**
 * @module From bytes to keys. An escape sequence can come in pieces; a lone Escape is one only when nothing follows it.
 */

/** A key: a printable character, or a name. */
export type Key =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind:
        | "up"
        | "down"
        | "left"
        | "right"
        | "pageUp"
        | "pageDown"
        | "home"
        | "end"
        | "enter"
        | "escape"
        | "backspace"
        | "delete"
        | "tab"
        | "interrupt"
        | "suspend";
    };

type NamedKind = Exclude<Key["kind"], "text">;

/** Sequences of xterm, the Linux console, screen and tmux. */
const sequences: Readonly<Record<string, NamedKind>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  "[5~": "pageUp",
  "[6~": "pageDown",
  "[H": "home",
  "[F": "end",
  OH: "home",
  OF: "end",
  "[1~": "home",
  "[4~": "end",
  "[7~": "home",
  "[8~": "end",
  "[3~": "delete",
};

const controls: Readonly<Record<string, NamedKind>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u0003": "interrupt",
  "\u0004": "interrupt",
  "\u001a": "suspend",
};

/** Takes text as it comes and gives whole keys. */
export class KeyReader {
  #rest = "";

  /** True while an Escape may be the beginning of a sequence; `flush` says that it was none. */
  get waits(): boolean {
    return this.#rest !== "";
  }

  /** Keys that are whole after this piece. */
  take(piece: string): Key[] {
    const keys: Key[] = [];
    let text = this.#rest + piece;
    this.#rest = "";
    while (text !== "") {
      if (text[0] !== "\u001b") {
        const character = String.fromCodePoint(text.codePointAt(0)!);
        const control = controls[character];
        if (control !== undefined) keys.push({ kind: control });
        else if (character >= " ") keys.push({ kind: "text", text: character });
        text = text.slice(character.length);
        continue;
      }
      const sequence = /^\u001b(\[[0-9;?]*[@-~]|O[@-~])/.exec(text);
      if (sequence !== null) {
        const kind = sequences[sequence[1]!];
        if (kind !== undefined) keys.push({ kind });
        text = text.slice(sequence[0].length);
      } else if (/^\u001b(\[[0-9;?]*|O)?$/.test(text)) {
        this.#rest = text;
        text = "";
      } else {
        keys.push({ kind: "escape" });
        text = text.slice(1);
      }
    }
    return keys;
  }

  /** Nothing followed: an Escape was one. */
  flush(): Key[] {
    const had = this.#rest;
    this.#rest = "";
    return had === "" ? [] : [{ kind: "escape" }];
  }
}
