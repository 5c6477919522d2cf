/** The calls of the public API that have to do with images. */
import { codeEnvRoute } from './routes-envs.ts';
import { runTask, messages } from './futures.ts';
import { isObject, ok, refused } from './server-answers.ts';
import type { Answer, RecordedCall, State } from './server-types.ts';
import type { Json, JsonObject } from './types.ts';

/** Answers a call that no fault has met. */
export async function answer(state: State, call: RecordedCall): Promise<Answer> {
  const { method, path } = call;
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part));
  if (parts[0] === 'futures' && parts[1] !== undefined) return futureRoute(state, method, parts[1]);
  if (path === '/admin/general-settings') return settingsRoute(state, call);
  if (method === 'POST' && path === '/admin/container-exec/actions/push-base-images') {
    // The real client reads a future here and gives no `wait`.
    return runTask(state, false, () => Promise.resolve(messages('SUCCESS', 'Base images pushed')));
  }
  if (parts[0] === 'admin' && parts[1] === 'code-envs') {
    return codeEnvRoute(state, call, parts.slice(2));
  }
  if (parts[0] === 'admin' && parts[1] === 'clusters' && method === 'GET') {
    if (parts[2] === undefined) {
      return ok(Object.entries(state.instance.clusters).map(([id, one]) => ({ ...one, id })));
    }
    const cluster = state.instance.clusters[parts[2]];
    return cluster === undefined ? refused(404, `Cluster ${parts[2]} not found`) : ok(cluster);
  }
  return refused(404, `No such call: ${method} ${path}`);
}

function futureRoute(state: State, method: string, id: string): Answer {
  const future = state.futures.get(id);
  if (future === undefined) return refused(404, `Unknown future ${id}`);
  if (method === 'DELETE') future.abort();
  return ok(future.state);
}

function settingsRoute(state: State, { method, body }: RecordedCall): Answer {
  const { instance } = state;
  if (method === 'GET') return ok(instance.generalSettings);
  if (method !== 'PUT' || !isObject(body)) return refused(400, 'Settings expected');
  const dangling = danglingBuildConfig(body);
  if (dangling !== null) return refused(400, `Image build config ${dangling} does not exist`);
  const known = Object.entries(body).filter(([key]) => key in instance.generalSettings);
  state.instance = { ...instance, generalSettings: Object.fromEntries(known) };
  return ok({});
}

/** DSS 15 refuses all of the settings when one config names a build config that isn't there. */
function danglingBuildConfig(settings: JsonObject): string | null {
  const container = settings['containerSettings'];
  if (!isObject(container) || !Array.isArray(container['buildConfigs'])) return null;
  const names = new Set(rows(container['buildConfigs']).map((one) => one['name']));
  for (const config of rows(container['executionConfigs'])) {
    const name = config['imageBuildConfig'];
    if (typeof name === 'string' && name !== '' && !names.has(name)) return name;
  }
  return null;
}

function rows(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : [];
}
