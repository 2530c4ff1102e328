// The OpenAPI 3.1 document of the HTTP interface, from the operations' declarations. Nothing in it is written by hand twice.

/** Shape of every failure. */
const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "hint"],
      properties: {
        code: { type: "string", description: "Permanent; docs/reference/README.md lists them" },
        message: { type: "string" },
        hint: { type: "string", description: "What to do now" },
        details: { type: "object" },
      },
    },
  },
};

const failure = (description) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});

const json = (schema) => ({ "application/json": { schema } });

/** Failures that every call can have. */
const failures = {
  400: failure("The input is not accepted"),
  401: failure("The key is missing or wrong"),
  403: failure("The request comes from another site, or under another host's name"),
  default: failure("What the operation itself refuses or fails at; the code tells which"),
};

const bodyOf = (schema) => ({ required: true, content: json(schema) });

function streamOf(name, hasEvents) {
  const what = hasEvents ? `\`event\` (schema ${name}-event), ` : "";
  return {
    description:
      `Server-sent events (text/event-stream, HTML Living Standard 9.2): ${what}\`progress\` ({message, measure}), at the end \`result\` (schema ${name}) or ` +
      "`error`. Comments keep the connection alive.",
    content: { "text/event-stream": { schema: { type: "string" } } },
  };
}

const isEntry = ([key]) => key !== "$schema";
const plain = (schema) => Object.fromEntries(Object.entries(schema).filter(isEntry));

/** Entries as query parameters: lists are repeated, switches are `true`. */
function queryOf(input) {
  return Object.entries(input.properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: (input.required ?? []).includes(name),
    ...(schema.description === undefined ? {} : { description: schema.description }),
    schema,
  }));
}

function callOf(operation, input, output) {
  const { name, summary, description, event } = operation;
  const streaming = event !== undefined;
  const answer = streaming ? streamOf(name, true) : { description: "The result", content: json(output) };
  const shared = { summary, description, tags: [operation.effect], responses: { 200: answer, ...failures } };
  const path = { post: { operationId: name, ...shared, requestBody: bodyOf(input) } };
  if (operation.effect === "read" && !streaming)
    path.get = { operationId: `${name}.get`, ...shared, parameters: queryOf(input) };
  return { [`/api/${name}`]: path };
}

function changeOf(operation, input) {
  const { name, summary, description } = operation;
  const ticket = {
    type: "object",
    required: ["proposal", "ticket", "expiresInMs"],
    properties: {
      proposal: { description: "What would be done to whom; null when the input says it all" },
      ticket: { type: "string", description: "Good for one use" },
      expiresInMs: { type: "number" },
    },
  };
  return {
    [`/api/${name}/propose`]: {
      post: {
        operationId: `${name}.propose`,
        summary: `${summary}: what would be done`,
        description: `${description} Nothing is changed by this call.`,
        tags: ["change"],
        requestBody: bodyOf(input),
        responses: { 200: { description: "The proposal", content: json(ticket) }, ...failures },
      },
    },
    [`/api/${name}/apply`]: {
      post: {
        operationId: `${name}.apply`,
        summary: `${summary}: does what was proposed, and nothing else`,
        tags: ["change"],
        requestBody: bodyOf({
          type: "object",
          required: ["ticket"],
          additionalProperties: false,
          properties: { ticket: { type: "string" } },
        }),
        responses: { 200: streamOf(name, operation.event !== undefined), ...failures },
      },
    },
  };
}

const serverCalls = {
  "/api/session": {
    post: {
      operationId: "session",
      summary: "Exchange a token of one use for a key",
      security: [],
      requestBody: bodyOf({
        type: "object",
        required: ["token"],
        additionalProperties: false,
        properties: { token: { type: "string" } },
      }),
      responses: {
        200: {
          description: "The key, for the Authorization header, until the server ends",
          content: json({ type: "object", required: ["key"], properties: { key: { type: "string" } } }),
        },
        ...failures,
      },
    },
  },
  "/api/session/invite": {
    post: {
      operationId: "session.invite",
      summary: "An address of the page with a fresh token of one use",
      responses: {
        200: {
          description: "The address",
          content: json({ type: "object", required: ["entryUrl"], properties: { entryUrl: { type: "string" } } }),
        },
        ...failures,
      },
    },
  },
  "/api/about": {
    post: {
      operationId: "about",
      summary: "What the server says of itself",
      responses: { 200: { description: "About", content: json({ type: "object" }) }, ...failures },
    },
  },
};

/** The document. */
export function describeHttp({ version, operations, schemaOf, faceInput }) {
  const paths = { ...serverCalls };
  const schemas = { Error: errorSchema };
  for (const operation of operations) {
    if (!operation.faces.includes("http")) continue;
    const input = plain(schemaOf(faceInput(operation, "http"), "input"));
    schemas[operation.name] = plain(schemaOf(operation.output, "output"));
    if (operation.event !== undefined) schemas[`${operation.name}-event`] = plain(schemaOf(operation.event, "output"));
    const output = { $ref: `#/components/schemas/${operation.name}` };
    Object.assign(paths, operation.effect === "change" ? changeOf(operation, input) : callOf(operation, input, output));
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Portolan",
      version,
      description:
        "The chart of a computer's ports over HTTP, as `portolan ui` serves it. Every request carries `Authorization: Bearer KEY`; the key " +
        "comes from `/api/session` in exchange for the token of the address that the command printed.",
      license: { name: "MIT", identifier: "MIT" },
    },
    security: [{ key: [] }],
    paths,
    components: { schemas, securitySchemes: { key: { type: "http", scheme: "bearer" } } },
  };
}
