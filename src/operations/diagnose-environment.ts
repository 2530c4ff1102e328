/**
 * @module Which environment variables a report tells, and of which the value.
 */

/** Those that change what Portolan does or how it looks, and whose values say nothing of a person. */
const toldVariables = [
  "CI",
  "COLORTERM",
  "COLUMNS",
  "FORCE_COLOR",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "NO_COLOR",
  "NODE_ENV",
  "PORTOLAN_STATE_HOME",
  "TERM",
  "TERM_PROGRAM",
  "XDG_CACHE_HOME",
  "XDG_STATE_HOME",
  "container",
];

/** Those of which it matters that they are set. */
const namedVariables = [
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "LD_PRELOAD",
  "NODE_EXTRA_CA_CERTS",
  "NODE_OPTIONS",
  "SSH_CONNECTION",
  "SUDO_USER",
  "TMUX",
  "WSL_DISTRO_NAME",
  "https_proxy",
  "http_proxy",
];

/** A value of such characters and no longer is told as it is. */
const harmlessValue = /^[\w.:@~/+, -]{0,120}$/;

/** The variables that are set; `null` for a value that is not told. */
export function describeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): { name: string; value: string | null }[] {
  const others = Object.keys(environment).filter(
    (name) => /^PORTOLAN_\w{1,40}$/.test(name) && !toldVariables.includes(name),
  );
  return [...toldVariables, ...namedVariables, ...others].toSorted().flatMap((name) => {
    const value = environment[name];
    if (value === undefined) return [];
    const told = toldVariables.includes(name) && harmlessValue.test(value);
    return [{ name, value: told ? value : null }];
  });
}
