/**
 * What a step of a workflow does with `@actions/cache`, as a program:
 *
 *     node actions-cache-step.ts save <key> <path>
 *     node actions-cache-step.ts restore <key> <path> [<restore key> …]
 *
 * Its last line is what the library answered, as JSON; before it stands what the library told the runner.
 */
import { pathToFileURL } from 'node:url';
import { buildTool } from './build-tools.ts';

interface ActionsCache {
  saveCache(paths: readonly string[], key: string): Promise<number>;
  restoreCache(
    paths: readonly string[],
    key: string,
    restoreKeys: readonly string[],
  ): Promise<string | undefined>;
}

const cache: ActionsCache = await import(pathToFileURL(buildTool('@actions/cache/lib/cache.js')).href);
const [operation, key = '', path = '', ...restoreKeys] = process.argv.slice(2);
const answer =
  operation === 'save'
    ? await cache.saveCache([path], key)
    : await cache.restoreCache([path], key, restoreKeys);
process.stdout.write(`\n${JSON.stringify({ answer: answer ?? null })}\n`);
