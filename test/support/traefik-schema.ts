/**
 * @module What Traefik 3 takes from its file provider, of the parts that an export can have: written from its reference of routing configuration, for
 * Traefik itself is in no package of Debian's. Stricter than Traefik: what is not listed here is refused.
 */

const text = { type: "string", minLength: 1 };
const texts = { type: "array", items: text, minItems: 1 };
const closed = (properties: object, required: readonly string[] = Object.keys(properties)): object => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
/** Names have no `@`, which would be another provider's. */
const named = (value: object): object => ({
  type: "object",
  patternProperties: { "^[A-Za-z0-9_]+$": value },
  additionalProperties: false,
  minProperties: 1,
});
const priority = { type: "integer", minimum: 1 };
const address = { type: "string", pattern: String.raw`^(?:\[[0-9a-f:]+\]|[a-z0-9._-]+):\d{1,5}$` };
const proxyProtocol = closed({ version: { enum: [1, 2] } });
const balancer = (properties: object, required: readonly string[]): object =>
  closed({ loadBalancer: closed(properties, required) });

/** JSON schema (draft 7) of the dynamic configuration. */
export const traefikSchema = closed(
  {
    http: closed(
      {
        routers: named(
          closed({ rule: text, priority, entryPoints: texts, middlewares: texts, service: text, tls: closed({}) }, [
            "rule",
            "priority",
            "entryPoints",
            "service",
          ]),
        ),
        services: named(
          balancer(
            {
              servers: {
                type: "array",
                minItems: 1,
                items: closed({
                  url: {
                    type: "string",
                    pattern: String.raw`^(?:https?|h2c)://(?:\[[0-9a-f:]+\]|[a-z0-9._-]+):\d{1,5}$`,
                  },
                }),
              },
              serversTransport: text,
            },
            ["servers"],
          ),
        ),
        middlewares: named({
          oneOf: [
            closed({ stripPrefix: closed({ prefixes: texts }) }),
            closed({ headers: closed({ customRequestHeaders: { type: "object", additionalProperties: text } }) }),
          ],
        }),
        serversTransports: named(closed({ serverName: text, insecureSkipVerify: { type: "boolean" } }, [])),
      },
      ["routers", "services"],
    ),
    tcp: closed({
      routers: named(
        closed(
          { rule: text, priority, entryPoints: texts, service: text, tls: closed({ passthrough: { const: true } }) },
          ["rule", "entryPoints", "service"],
        ),
      ),
      services: named(
        balancer({ servers: { type: "array", minItems: 1, items: closed({ address }) }, proxyProtocol }, ["servers"]),
      ),
    }),
    udp: closed({
      routers: named(closed({ entryPoints: texts, service: text })),
      services: named(balancer({ servers: { type: "array", minItems: 1, items: closed({ address }) } }, ["servers"])),
    }),
    tls: closed({
      certificates: { type: "array", items: closed({ certFile: text, keyFile: text }) },
      stores: closed({ default: closed({ defaultCertificate: closed({ certFile: text, keyFile: text }) }) }),
    }),
  },
  [],
);

/** What of the static configuration stands in the comment. */
export const traefikStaticSchema = closed({
  entryPoints: named(
    closed(
      {
        address: { type: "string", pattern: String.raw`^(?:\[[0-9a-f:]+\]|[0-9.]+):\d{1,5}(?:/udp)?$` },
        transport: closed({
          respondingTimeouts: closed({ readTimeout: { type: "string", pattern: String.raw`^\d+(?:s|ms)$` } }),
        }),
        proxyProtocol: closed({ insecure: { const: true } }),
        udp: closed({ timeout: { type: "string", pattern: String.raw`^\d+ms$` } }),
      },
      ["address"],
    ),
  ),
});
