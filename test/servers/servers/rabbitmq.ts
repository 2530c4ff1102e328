/**
 * @module RabbitMQ, the AMQP broker. It starts Erlang's name server too, in the same namespace.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { launch, makeServerFolder, writeServerFile } from "../launch.ts";
import type { HarbourServer } from "../server.ts";

const releases = "/usr/lib/rabbitmq/lib";

/** Debian's `/usr/sbin/rabbitmq-server` would change to a user of its own; this is what it runs. */
function findServer(): string {
  try {
    return join(releases, readdirSync(releases).find((name) => name.startsWith("rabbitmq_server-")) ?? "", "sbin");
  } catch {
    return releases;
  }
}

export const rabbitmqServers: readonly HarbourServer[] = [
  {
    id: "rabbitmq",
    protocol: "amqp",
    transports: ["tcp"],
    usualPort: 5672,
    unusualPort: 5673,
    otherPorts: (port) => [port + 20_000, port + 20_001],
    packages: ["rabbitmq-server"],
    products: {
      product: /^RabbitMQ$/i,
      // It brings up the whole of Erlang to say it, and would leave Erlang's name server running.
      versionCommand: [
        "unshare",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        'ip link set lo up && exec "$0" version',
        join(findServer(), "rabbitmqctl"),
      ],
      versionPattern: /^(\d\S*)$/m,
    },
    logKinds: /\[(?:warning|error|critical)\]/,
    async start(options) {
      const { folder, address, port } = options;
      makeServerFolder(folder, "data");
      makeServerFolder(folder, "log");
      const plugins = writeServerFile(folder, "plugins", "[].\n");
      return await launch(options, {
        program: join(findServer(), "rabbitmq-server"),
        words: [],
        environment: {
          RABBITMQ_NODENAME: `harbour${port}@localhost`,
          RABBITMQ_NODE_IP_ADDRESS: address,
          RABBITMQ_NODE_PORT: String(port),
          RABBITMQ_DIST_PORT: String(port + 20_000),
          ERL_EPMD_PORT: String(port + 20_001),
          ERL_EPMD_ADDRESS: "127.0.0.1",
          RABBITMQ_MNESIA_BASE: join(folder, "data"),
          RABBITMQ_LOG_BASE: join(folder, "log"),
          RABBITMQ_LOGS: "-",
          RABBITMQ_CONFIG_FILE: join(folder, "none"),
          RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
          RABBITMQ_PID_FILE: join(folder, "pid"),
          RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none",
        },
        readyLine: /Server startup complete/,
        deadlineMs: 120_000,
      });
    },
  },
];
