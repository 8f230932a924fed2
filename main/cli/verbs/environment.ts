/** Environments built, brought in, listed and removed. */
import { stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZapError } from '../../../helper/protocol/errors';
import { readRecipe, readRecipeBundle } from '../../environments/recipe';
import { LocalTransport } from '../../ssh/local-transport';
import type { HelperClient } from '../../helper-client/client';
import { command } from '../command';
import type { Context } from '../context';
import { formatAge, formatBytes, formatTable, printable } from '../format';
import { environmentName } from '../values';

const hostOption = { kind: 'value', placeholder: 'HOST', help: 'on which host (default: the only one there is)' } as const;

export const environmentCommands = [
  command({
    name: 'env build',
    summary: 'Build an environment on a host from a recipe',
    operands: { name: { placeholder: 'NAME' } },
    options: { recipe: { kind: 'value', placeholder: 'DIR', help: 'directory with recipe.json, setup.sh and files/, instead of a built-in recipe' }, host: hostOption },
    run: async ({ operands, options }, context) => {
      const name = environmentName(operands.name);
      const recipe = options.recipe === undefined ? await builtInRecipe(context, name) : { ...(await readRecipe(options.recipe)), name };
      const host = await context.hostOr(options.host);
      const client = await context.client(host);
      const environment = await client.call('environment.build', { recipe }, { signal: context.signal, onEvent: ({ line }) => context.output.progress(line) });
      return { json: { host, environment }, text: `Environment ${name} is on ${host}: ${formatBytes(environment.sizeBytes)}, ${environment.digest.slice(0, 19)}.` };
    },
  }),
  command({
    name: 'env import',
    summary: 'Make an environment of a directory or a tar archive',
    operands: { path: { placeholder: 'DIR|TAR' } },
    options: { name: { kind: 'value', placeholder: 'NAME', help: 'its name (default: from the path)' }, host: hostOption },
    run: async ({ operands: { path }, options }, context) => {
      const name = environmentName(options.name ?? basename(path).replace(/\.(tar|tgz|tzst|gz|zst)+$/g, '').toLowerCase());
      const isDirectory = await stat(path).then(
        (found) => found.isDirectory(),
        (cause: NodeJS.ErrnoException) => {
          throw new ZapError('environment/unreadable', `"${path}" cannot be read (${cause.code ?? cause.message}).`, { cause });
        },
      );
      const host = await context.hostOr(options.host);
      const client = await context.client(host);
      const environment = await importFrom(client, name, path, isDirectory, context);
      return { json: { host, environment }, text: `Environment ${name} is on ${host}: ${formatBytes(environment.sizeBytes)}, ${environment.files} files.` };
    },
  }),
  command({
    name: 'env list',
    summary: 'List the environments on the hosts',
    operands: {},
    options: { host: { ...hostOption, help: 'of one host only' } },
    run: async ({ options }, context) => {
      const fleet = await context.fleet();
      const hosts = options.host === undefined ? fleet.hosts : [await context.hostOr(options.host)];
      const { answers, failures } = await fleet.askAll((client) => client.call('environment.list', {}, { signal: context.signal }), { hosts, signal: context.signal });
      for (const { host, error } of failures) context.output.notice(`${host} cannot be asked: ${error.message}`);
      const environments = answers.flatMap(({ host, value }) => value.environments.map((environment) => ({ host, ...environment })));
      const rows = environments.map((one) => [one.names.join(', ') || '-', one.host, formatBytes(one.sizeBytes), String(one.files), formatAge(one.createdAt), one.digest.slice(0, 19), printable(one.description)]);
      return {
        json: { environments, unreachable: failures.map(({ host, error }) => ({ host, code: error.code, message: error.message })) },
        text: rows.length === 0 ? 'There are no environments yet; build one with `zap env build NAME`.' : formatTable(['NAME', 'HOST', 'SIZE', 'FILES', 'AGE', 'DIGEST', 'DESCRIPTION'], rows, { numeric: [2, 3] }),
      };
    },
  }),
  command({
    name: 'env remove',
    summary: 'Remove an environment from a host',
    operands: { environment: { placeholder: 'NAME|DIGEST' } },
    options: { host: hostOption },
    run: async ({ operands: { environment }, options }, context) => {
      const host = await context.hostOr(options.host);
      const client = await context.client(host);
      const removed = await client.call('environment.remove', { environment }, { signal: context.signal });
      return { json: { host, removed }, text: `Environment ${environment} is removed from ${host}.` };
    },
  }),
];

export async function recipeNames(context: Context): Promise<string[]> {
  return (await readRecipeBundle(join(context.distDirectory, 'environments.json'))).map(({ name }) => name);
}

async function builtInRecipe(context: Context, name: string) {
  const recipes = await readRecipeBundle(join(context.distDirectory, 'environments.json'));
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (recipe) return recipe;
  throw new ZapError('environment/no-recipe', `There is no built-in recipe "${name}".`, { hint: `Recipes: ${recipes.map((known) => known.name).join(', ')}; or bring your own with --recipe DIR.` });
}

async function importFrom(client: HelperClient, name: string, path: string, isDirectory: boolean, context: Context) {
  const stop = new AbortController();
  const call = client.start('environment.import', { name }, { signal: AbortSignal.any([context.signal, stop.signal]), onEvent: ({ line }) => context.output.progress(line) });
  const lane = call.lane(0);
  let bytes = 0;
  lane.on('error', () => {}); // the call's own failure tells
  const count = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      context.output.progress(`sending ${formatBytes((bytes += chunk.length))}`);
      yield chunk;
    }
  };
  if (!isDirectory) {
    pipeline(createReadStream(path, { highWaterMark: 256 << 10 }), count, lane).catch(() => stop.abort());
    return call.result;
  }
  const tar = await new LocalTransport().exec(['tar', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', path, '-cf', '-', '.']);
  tar.stderr.resume();
  pipeline(tar.stdout, count, lane).catch(() => stop.abort());
  const [environment, status] = await Promise.all([call.result, tar.exit]);
  if (status !== 0) context.output.notice(`tar could not read all of ${path} (exit status ${status}).`);
  return environment;
}
