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

const placeSchema = v.pipe(
  v.union(
    [port(aPort), text("a port, or an address and a port")],
    'a port (443), or an address and a port ("0.0.0.0:443")',
  ),
  v.description('Port to listen at, at 127.0.0.1 unless an address stands before it: 443, "0.0.0.0:443"'),
);
const targetSchema = (what: string) =>
  v.pipe(
    v.union([port(aPort), text("a server, as a text")], 'a server: 5432, ":5432", "192.168.1.8:5432"'),
    v.description(what),
  );
const proxySchema = v.pipe(
  v.picklist([1, 2], "a version of the PROXY protocol is 1 or 2"),
  v.description("The server is told who the client is by a header of this version of the PROXY protocol"),
);
const most = (what: string) =>
  v.pipe(v.number("a number"), v.integer("a whole number"), v.minValue(1, "one at least"), v.description(what));

/** What forwards and shares can both be told. */
const termsEntries = {
  acceptProxy: v.optional(
    v.pipe(v.boolean(yesOrNo), v.description("Clients begin with a header of the PROXY protocol. Default: false")),
  ),
  sendProxy: v.optional(proxySchema),
  idle: v.optional(
    v.pipe(
      text('a span of time, as a text: "10m"'),
      v.description("A connection on which nothing moves for so long is ended. Default: never"),
    ),
  ),
  maxConnections: v.optional(most("Most connections at once; more wait. Default: 4096")),
  maxPerTarget: v.optional(most("Most connections at once to one server; more are refused. Default: 4096")),
};

const forwardEntries = {
  listen: v.pipe(
    v.union(
      [port(aPort), text("a port, or an address and a port")],
      'a port (8080), or an address and a port ("0.0.0.0:8080")',
    ),
    v.description('Where it listens, as for portolan forward: 8080, "0.0.0.0:8080", "8000-8010", "53/udp"'),
  ),
  to: targetSchema('The server: 5500, "192.168.1.8:5500"; of several ports the first'),
  ...termsEntries,
};

/** One forward. */
export const forwardEntrySchema = v.strictObject(
  forwardEntries,
  'a forward: { "listen": 8080, "to": "192.168.1.8:5500" }',
);

const ruleEntries = {
  protocol: v.optional(
    v.pipe(
      text("a protocol, as a text"),
      v.description(
        "What the first bytes must be: ssh, tls, http, http2, postgresql, … Default: any that has the name",
      ),
    ),
  ),
  name: v.optional(
    v.pipe(
      text("a name, as a text"),
      v.description('Name that the client asks for, by SNI of TLS or Host of HTTP; "*.shop.test" is every name below'),
    ),
  ),
  alpn: v.optional(v.pipe(text("a protocol, as a text"), v.description("A protocol that TLS offers: h2, http/1.1"))),
  to: targetSchema('The server: 22, ":22", "192.168.1.8:22"'),
  sendProxy: v.optional(proxySchema),
};

const shareEntries = {
  listen: placeSchema,
  rules: v.optional(
    v.pipe(
      v.array(
        v.strictObject(ruleEntries, 'a rule: { "protocol": "ssh", "to": ":22" }'),
        'a list of rules: [{ "protocol": "ssh", "to": ":22" }]',
      ),
      v.description("Who goes where. Rules with a name are asked first; otherwise the first that fits is taken"),
    ),
  ),
  silent: v.optional(targetSchema("Where clients go that say nothing. Default: they are closed")),
  wait: v.optional(
    v.pipe(text('a span of time, as a text: "3s"'), v.description("How long a client may say nothing. Default: 3s")),
  ),
  fallback: v.optional(targetSchema("Where bytes go that fit no rule. Default: they are closed")),
  ...termsEntries,
};

/** One share. */
export const shareEntrySchema = v.strictObject(shareEntries, 'a share: { "listen": 443, "rules": [] }');

const projectEntries = {
  $schema: v.optional(v.pipe(v.string("an address, as a text"), v.description("For editors; not read"))),
  name: v.optional(
    v.pipe(
      text("a name, as a text"),
      v.description("The project's, for host names. Default: the project file's around it, or the folder's"),
    ),
  ),
  apps: v.optional(
    v.pipe(
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
  forwards: v.optional(
    v.pipe(
      v.array(forwardEntrySchema, 'a list of forwards: [{ "listen": 8080, "to": "192.168.1.8:5500" }]'),
      v.description("What portolan forward starts when it is given nothing else"),
    ),
  ),
  shares: v.optional(
    v.pipe(
      v.array(shareEntrySchema, 'a list of shares: [{ "listen": 443, "rules": [{ "protocol": "ssh", "to": ":22" }] }]'),
      v.description("What portolan share starts when it is given nothing else"),
    ),
  ),
};

/** The whole file. */
export const projectFileSchema = v.pipe(
  v.strictObject(projectEntries, 'a project: { "apps": { "web": { "command": "npm run dev" } } }'),
  v.description("What portolan up starts, and what portolan forward and portolan share do"),
);

/** Names that may stand in a part of the file. */
export const knownNames = {
  project: Object.keys(projectEntries),
  app: Object.keys(appEntries),
  forward: Object.keys(forwardEntries),
  share: Object.keys(shareEntries),
  rule: Object.keys(ruleEntries),
} as const;

/** The file's content, checked. */
export type ProjectContent = v.InferOutput<typeof projectFileSchema>;
export type AppContent = v.InferOutput<typeof appSchema>;
export type ForwardContent = v.InferOutput<typeof forwardEntrySchema>;
export type ShareContent = v.InferOutput<typeof shareEntrySchema>;
