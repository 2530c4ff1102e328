/**
 * @module What the live table costs at rest, in a terminal, beside what people leave running: `watch ss`, htop, iftop.
 *
 * Usage: npm run bench:watch [-- SECONDS]. A thousand listeners in ten processes that do nothing. Each contestant runs in a pseudo-terminal of 120 × 40
 * made by script(1), whose own time is counted with it.
 */
import { fileURLToPath } from "node:url";
import { endAll, measureShares, printShares, startListeners } from "./idle-cost.mjs";

const seconds = Number(process.argv[2] ?? 20);
const command = fileURLToPath(new URL("../dist/bin/portolan.cjs", import.meta.url));

/** In a terminal of a size; the input stays open. */
const inTerminal = (name, line) => ({
  name,
  program: "script",
  words: ["-qfec", `stty cols 120 rows 40; exec ${line}`, "/dev/null"],
});

try {
  await startListeners(10);
  const results = await measureShares(
    [
      inTerminal("portolan watch", `${process.execPath} ${command} watch`),
      inTerminal("watch -n1 ss -tuln", "watch -n1 ss -tuln"),
      inTerminal("watch -n1 ss -tulnp", "watch -n1 ss -tulnp"),
      inTerminal("htop -d 10", "htop -d 10"),
      inTerminal("iftop -i lo", "iftop -n -i lo"),
    ],
    seconds,
  );
  console.log(`Watching 1,000 listeners at rest for ${seconds} s each, in a terminal, share of one processor:\n`);
  printShares(results);
} finally {
  endAll();
}
