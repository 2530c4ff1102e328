/**
 * @module `completions`: the script that teaches a shell the words of this command.
 */
import * as v from "valibot";
import { defineOperation } from "./define-operation.ts";
import { completionScripts, shells } from "./completion-scripts.ts";

const inputSchema = v.object({
  shell: v.pipe(v.picklist(shells), v.description("The shell that the script is for")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  shell: v.picklist(shells),
  script: v.string(),
});

export type CompletionsInput = v.InferInput<typeof inputSchema>;
export type CompletionsResult = v.InferOutput<typeof outputSchema>;

/** Runs `completions`. */
export async function runCompletions({ shell }: CompletionsInput): Promise<CompletionsResult> {
  return { complete: true, shell, script: completionScripts[shell] };
}

/** The declaration of `completions`. */
export const completionsOperation = defineOperation({
  name: "completions",
  summary: "The script that completes commands, options, ports and names in bash, zsh or fish",
  description:
    'bash: put eval "$(portolan completions bash)" into ~/.bashrc. zsh: eval "$(portolan completions zsh)" in ~/.zshrc, after compinit. ' +
    "fish: portolan completions fish > ~/.config/fish/completions/portolan.fish. Ports, projects, users, addresses and reserved names are " +
    "those of this machine at the moment when Tab is pressed.",
  effect: "read",
  faces: ["cli"],
  positional: ["shell"],
  examples: [
    { command: "completions bash >> ~/.bashrc", note: "for every bash from now on" },
    { command: "completions fish | source", note: "for this fish alone" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runCompletions,
});
