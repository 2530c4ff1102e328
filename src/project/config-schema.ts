/**
 * @module The format of portolan.config.json: what is checked, and what the published JSON schema is made from.
 */
import * as v from "valibot";

/** An application's name: it becomes part of a host name and of variables' names. */
export const appNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;

const port = (what: string) => v.pipe(v.number(what), v.integer(what), v.minValue(1, what), v.maxValue(65_535, what));
const aPort = "a port is a whole number from 1 to 65535";
const text = (what: string) => v.pipe(v.string(what), v.minLength(1, what));
const yesOrNo = "it is true or false";
const variableName = "a variable's name has letters, digits and _, and does not begin with a digit";

const appEntries = {
  command: v.pipe(
    v.union(
      [text("a command"), v.pipe(v.array(v.string()), v.minLength(1, "a command has a word at least"))],
      'a command is a text ("npm run dev") or a list of words (["npm", "run", "dev"])',
    ),
    v.description(
      'What to start. A text is split at spaces, with quotes and $NAME understood and without a shell; a list is taken as it is. For a shell: ["sh", "-c", "…"]',
    ),
  ),
  directory: v.optional(
    v.pipe(
      text("a folder, as a text"),
      v.description("Folder to start it in, from this file's own. Default: that one"),
    ),
  ),
  name: v.optional(
    v.pipe(
      text("a name, as a text"),
      v.description(
        "Host name: shop is http://shop.localhost. Default: APP.PROJECT, and PROJECT alone for the only application, for one called main, and for one with a path",
      ),
    ),
  ),
  path: v.optional(
    v.pipe(text("a path, as a text"), v.description("It answers below this path of the name alone, e.g. /api")),
  ),
  strip: v.optional(
    v.pipe(v.boolean(yesOrNo), v.description("The path is taken off before the application sees it. Default: false")),
  ),
  ownHost: v.optional(
    v.pipe(
      v.boolean(yesOrNo),
      v.description("The application sees localhost and its port in Host, instead of the name. Default: false"),
    ),
  ),
  protocol: v.optional(
    v.pipe(
      v.picklist(["http", "https", "h2c"], 'a protocol is "http", "https" or "h2c"'),
      v.description("What the application speaks. Default: http"),
    ),
  ),
  port: v.optional(
    v.pipe(port(aPort), v.description("This port and no other. Default: one that is free, the same every day")),
  ),
  prefer: v.optional(
    v.pipe(
      v.union(
        [port(aPort), v.pipe(v.array(port(aPort)), v.minLength(1, "there is no port"))],
        "a port from 1 to 65535, or a list of them",
      ),
      v.description("Ports to try first when one is chosen, which is the first time"),
    ),
  ),
  environment: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, variableName)),
        v.string("a variable's value is a text, in quotes"),
        'variables: { "NAME": "value" }',
      ),
      v.description("Variables; ${NAME} in a value stands for another one, e.g. ${PORTOLAN_PORT_DB}"),
    ),
  ),
  environmentFile: v.optional(
    v.pipe(
      v.union(
        [text("a file"), v.pipe(v.array(text("a file")), v.minLength(1, "there is no file"))],
        "a file, or a list of them, as texts",
      ),
      v.description(
        "Files of NAME=value lines, from this file's folder; later ones count, and environment before them",
      ),
    ),
  ),
  after: v.optional(
    v.pipe(
      v.array(v.string("an application's name, as a text"), "a list of applications' names"),
      v.description("Applications that must be ready before this one starts"),
    ),
  ),
  ready: v.optional(
    v.pipe(
      v.union(
        [
          v.picklist(["listen", "exit", "started"]),
          v.strictObject({
            http: v.pipe(
              v.string(),
              v.regex(/^\//, "a path begins with /"),
              v.description("Path that must answer with a status below 400"),
            ),
          }),
        ],
        '"listen", "exit", "started", or { "http": "/path" }',
      ),
      v.description(
        "When those after it may start: when it listens at its port, when it has ended with status 0, as soon as it was started, or when a path answers. Default: listen",
      ),
    ),
  ),
  readyTimeout: v.optional(
    v.pipe(
      text('a span of time, as a text: "30s"'),
      v.description(
        "It has failed when it is not ready by then: 500ms, 30s, 2m. Default: 60s when another waits for it, else no limit",
      ),
    ),
  ),
  flags: v.optional(
    v.pipe(
      v.boolean(yesOrNo),
      v.description(
        "Put the port behind the words of programs that do not look at PORT (vite, next, …). Default: true",
      ),
    ),
  ),
  route: v.optional(
    v.pipe(
      v.boolean(yesOrNo),
      v.description(
        "Give it a name. Default: true, but false with ready exit or started, and without a name or path of its own",
      ),
    ),
  ),
  restart: v.optional(
    v.pipe(
      v.picklist(["never", "on-failure"], '"never" or "on-failure"'),
      v.description(
        "on-failure: start it again when it failed, at most 5 times in a row, each time after a longer pause. Default: never",
      ),
    ),
  ),
};

/** One application. */
export const appSchema = v.strictObject(appEntries, 'an application: { "command": "npm run dev" }');

const projectEntries = {
  $schema: v.optional(v.pipe(v.string("an address, as a text"), v.description("For editors; not read"))),
  name: v.optional(
    v.pipe(
      text("a name, as a text"),
      v.description("The project's, for host names. Default: the project file's around it, or the folder's"),
    ),
  ),
  apps: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          appNamePattern,
          "an application's name has letters, digits, - and _, begins with a letter, and has 40 of them at most",
        ),
      ),
      appSchema,
      'applications: { "web": { "command": "npm run dev" } }',
    ),
    v.minEntries(1, 'there is no application: { "web": { "command": "npm run dev" } }'),
    v.description("Applications by name, started in this order unless after says otherwise"),
  ),
  routes: v.optional(
    v.pipe(
      v.record(
        v.string(),
        v.string('where it leads, as a text: "8081", "192.168.1.8:3000"'),
        'names for what runs already: { "db-admin": "8081" }',
      ),
      v.description(
        'Names for what runs already, as long as the project is up: { "db-admin": "8081", "shop/api": "4000" }',
      ),
    ),
  ),
};

/** The whole file. */
export const projectFileSchema = v.pipe(
  v.strictObject(projectEntries, 'a project: { "apps": { "web": { "command": "npm run dev" } } }'),
  v.description("What portolan up starts"),
);

/** Names that may stand in a part of the file. */
export const knownNames = {
  project: Object.keys(projectEntries),
  app: Object.keys(appEntries),
} as const;

/** The file's content, checked. */
export type ProjectContent = v.InferOutput<typeof projectFileSchema>;
export type AppContent = v.InferOutput<typeof appSchema>;
