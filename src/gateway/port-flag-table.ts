/**
 * @module How each program that does not look at PORT takes its port, after its own documentation.
 */

/** How a program takes its port. */
export interface PortFlag {
  /** The program, as it is called. */
  readonly programs: readonly string[];
  /** Its first words must be one of these; without the entry it needs none. `""` stands for no word at all. */
  readonly commands?: readonly string[];
  /** A word without which it serves nothing. */
  readonly needs?: string;
  /** Words that say the port. */
  readonly words: (port: string) => readonly string[];
  /** Words that say where its pages are met, for programs that write whole addresses into them. */
  readonly address?: (url: string) => readonly string[];
  /** When one of the user's words looks like this, the user has decided. */
  readonly decided: RegExp;
}

const port = /^(?:-p|-P|--port)(?:=|$)/;
const long = (text: string): readonly string[] => ["--port", text];
const joined = (text: string): readonly string[] => [`--port=${text}`];
const short = (text: string): readonly string[] => ["-p", text];

function portOfUrl(url: string): string {
  const { port: own, protocol } = new URL(url);
  return own === "" ? (protocol === "https:" ? "443" : "80") : own;
}

/** Those that read PORT themselves (Express, react-scripts, Remix's and React Router's servers, gunicorn, Puma) are not here. */
export const portFlags: readonly PortFlag[] = [
  // Without --strictPort Vite takes the next port without a word.
  {
    programs: ["vite"],
    commands: ["", "dev", "serve", "preview"],
    words: (text) => ["--port", text, "--strictPort"],
    decided: /^--port(?:=|$)/,
  },
  { programs: ["next"], commands: ["", "dev", "start"], words: short, decided: port },
  { programs: ["nuxt", "nuxi"], commands: ["", "dev", "preview"], words: long, decided: port },
  { programs: ["astro"], commands: ["dev", "preview"], words: long, decided: port },
  { programs: ["ng"], commands: ["serve", "s", "dev"], words: long, decided: port },
  // `parcel watch` has no server but the one for reloading.
  { programs: ["parcel"], commands: ["", "serve"], words: long, decided: port },
  { programs: ["webpack-dev-server"], words: long, decided: port },
  // Alone they build.
  { programs: ["webpack", "rspack"], commands: ["serve", "server", "s", "dev"], words: long, decided: port },
  { programs: ["rsbuild"], commands: ["dev", "preview"], words: long, decided: port },
  { programs: ["react-router", "remix"], commands: ["dev", "vite:dev"], words: long, decided: port },
  { programs: ["svelte-kit"], commands: ["dev", "preview"], words: long, decided: port },
  { programs: ["expo"], commands: ["start"], words: long, decided: port },
  { programs: ["storybook", "sb"], commands: ["dev"], words: short, decided: port },
  { programs: ["start-storybook"], words: short, decided: port },
  { programs: ["wrangler"], commands: ["dev", "pages dev"], words: long, decided: port },
  { programs: ["vue-cli-service"], commands: ["serve"], words: long, decided: port },
  { programs: ["gatsby"], commands: ["develop", "serve"], words: long, decided: port },
  { programs: ["docusaurus"], commands: ["start", "serve"], words: long, decided: port },
  { programs: ["eleventy"], needs: "--serve", words: joined, decided: port },
  { programs: ["ember"], commands: ["serve", "server", "s"], words: long, decided: port },
  { programs: ["vinxi", "solid-start", "waku"], commands: ["dev", "start"], words: long, decided: port },
  { programs: ["live-server"], words: (text) => [`--port=${text}`, "--no-browser"], decided: port },
  { programs: ["http-server"], words: short, decided: port },
  { programs: ["serve"], words: (text) => ["-l", text], decided: /^(?:-l|--listen|-p|--port)(?:=|$)/ },
  { programs: ["json-server"], words: long, decided: port },
  { programs: ["flask"], commands: ["run"], words: long, decided: port },
  { programs: ["uvicorn"], words: long, decided: /^(?:--port|--fd|--uds)(?:=|$)/ },
  { programs: ["fastapi"], commands: ["dev", "run"], words: long, decided: port },
  { programs: ["daphne"], words: short, decided: /^(?:-p|--port|-e|--endpoint|-u|--fd|--unix-socket)(?:=|$)/ },
  { programs: ["hypercorn"], words: (text) => ["--bind", `127.0.0.1:${text}`], decided: /^(?:-b|--bind)(?:=|$)/ },
  { programs: ["rails"], commands: ["server", "s"], words: short, decided: port },
  // Its pages name their own address, and without this it would be that of the port.
  {
    programs: ["hugo"],
    commands: ["server", "serve"],
    words: long,
    address: (url) => ["--baseURL", url, "--appendPort=false", "--liveReloadPort", portOfUrl(url)],
    decided: port,
  },
  { programs: ["jekyll"], commands: ["serve", "s", "server"], words: long, decided: /^(?:-P|--port)(?:=|$)/ },
  // Their port is a word of its own.
  {
    programs: ["manage.py", "django-admin", "django"],
    commands: ["runserver"],
    words: (text) => [text],
    decided: /^(?:[\w.:[\]]+:)?\d+$/,
  },
  { programs: ["http.server"], words: (text) => [text], decided: /^\d+$/ },
  { programs: ["artisan"], commands: ["serve"], words: joined, decided: port },
];

/** Programs that start several others and hand on no words of theirs: none of these can be told a port. */
export const starters: ReadonlySet<string> = new Set([
  "turbo",
  "nx",
  "lerna",
  "concurrently",
  "npm-run-all",
  "npm-run-all2",
  "run-p",
  "run-s",
  "foreman",
  "overmind",
  "hivemind",
  "honcho",
  "mprocs",
  "moon",
  "wireit",
]);
