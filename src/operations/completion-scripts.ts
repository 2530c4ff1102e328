/**
 * @module The shells' side of completion. Each script asks the command itself (`portolan __complete`) what may come next, so that none
 * of them has to be made anew for a new command; nothing that comes back is ever evaluated.
 *
 * An answer is lines of a value, a tab and what it is; the line `@files` asks for the shell's own completion of file names.
 */

/** Shells that there are scripts for. */
export const shells = ["bash", "zsh", "fish"] as const;

const bash = String.raw`# Completion of portolan for bash. Made by: portolan completions bash
_portolan() {
  local line value head before="${"$"}{COMP_LINE:0:$COMP_POINT}"
  # bash takes a word apart at : and =, and replaces only what is behind the last of them.
  local current="${"$"}{before##* }"
  head="${"$"}{current%"${"$"}{current##*[:=]}"}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == @files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${"$"}{current##*[:=]}")
      continue
    fi
    value="${"$"}{line%%$'\t'*}"
    value="${"$"}{value#"$head"}"
    [[ $value == *[^A-Za-z0-9_.,:=@%/+-]* ]] && printf -v value %q "$value"
    COMPREPLY+=("$value")
  done < <("$1" __complete line "$before" 2>/dev/null)
  [[ ${"$"}{#COMPREPLY[@]} -eq 1 && ${"$"}{COMPREPLY[0]} == *[=,] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _portolan portolan
`;

const zsh = String.raw`#compdef portolan
# Completion of portolan for zsh. Made by: portolan completions zsh
_portolan() {
  local line value files=0
  local -a values descriptions
  while IFS= read -r line; do
    if [[ $line == @files ]]; then
      files=1
      continue
    fi
    value="${"$"}{line%%$'\t'*}"
    values+=("$value")
    if [[ $line == *$'\t'* ]]; then
      descriptions+=("$value  -- ${"$"}{line#*$'\t'}")
    else
      descriptions+=("$value")
    fi
  done < <("${"$"}{words[1]}" __complete words "${"$"}{(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( ${"$"}{#values} )) && compadd -l -d descriptions -a values
  (( files )) && _files
  (( ${"$"}{#values} || files ))
}
if [[ "${"$"}{funcstack[1]}" == _portolan ]]; then _portolan "$@"; else compdef _portolan portolan; fi
`;

const fish = String.raw`# Completion of portolan for fish. Made by: portolan completions fish
function __portolan_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $words[1] __complete words $words[2..-1] -- "$current" 2>/dev/null)
        if test "$line" = @files
            __fish_complete_path "$current"
        else
            printf '%s\n' $line
        end
    end
end
complete -c portolan -f -a '(__portolan_complete)'
`;

/** The scripts. */
export const completionScripts: Readonly<Record<(typeof shells)[number], string>> = { bash, zsh, fish };
