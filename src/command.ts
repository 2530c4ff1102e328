/**
 * @module Where the command starts: the faces put together. Faces do not know each other; what one opens of another is given to it here,
 * and loaded only then.
 */
import { runCommandLine } from "./faces/cli/command-line.ts";
import type { FaceOpeners } from "./operations/operation.ts";

const faces: FaceOpeners = {
  async *page(input, context) {
    const { openPage } = await import("./faces/http/index.ts");
    return yield* openPage(input, context);
  },
  screen: async (input, context) => {
    const { openScreen } = await import("./faces/terminal/index.ts");
    return openScreen(input, context);
  },
  async *gateway(wish) {
    const { openGateway } = await import("./gateway/engine/index.ts");
    const { version } = await import("./operations/version.generated.ts");
    yield* openGateway({ ...wish, version });
  },
  authority: async () => {
    const { ensureAuthority } = await import("./gateway/engine/index.ts");
    return ensureAuthority;
  },
  tools: async (input, context) => {
    const { openTools } = await import("./faces/mcp/index.ts");
    return openTools(input, context);
  },
};

async function main(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), faces);
}

void main();
