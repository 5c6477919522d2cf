/** The calls below `/admin/code-envs`. */
import { messages, runTask } from './futures.ts';
import { isObject, ok, refused } from './server-answers.ts';
import type { Answer, RecordedCall, State } from './server-types.ts';
import type { FakeEnv } from './types.ts';

/** Answers a call on code envs; `parts` follow `/admin/code-envs`. */
export async function codeEnvRoute(state: State, call: RecordedCall, parts: readonly string[]): Promise<Answer> {
  const [language, name, action, log] = parts;
  const { envs, usages } = state.instance;
  if (language === undefined) {
    return ok(
      envs.map((env) => ({
        envLang: env.language,
        envName: env.name,
        deploymentMode: env.deploymentMode,
        owner: env.owner,
      })),
    );
  }
  if (language === 'usages' && name === undefined) return ok(usages);
  const env = envs.find((one) => one.language === language && one.name === name);
  if (env === undefined || name === undefined) return refused(404, `Code env ${name} not found`);
  const logs = state.logs.get(`${language}/${name}`) ?? {};
  const wait = call.query['wait']?.toLowerCase() !== 'false';
  if (call.method === 'GET') {
    if (action === undefined) return ok(env.settings);
    if (action === 'usages') {
      return ok(usages.filter((row) => row['envLang'] === language && row['envName'] === name));
    }
    if (action === 'logs' && log === undefined) {
      return ok(Object.keys(logs).map((one) => ({ name: one })));
    }
    const text = action === 'logs' && log !== undefined ? logs[log] : undefined;
    if (text !== undefined) return { status: 200, body: text, text: true };
  }
  if (call.method === 'PUT' && action === undefined) return save(state, env, call);
  if (call.method === 'POST' && action === 'images') {
    const version = call.query['envVersion'] ?? null;
    if (version !== null && !(env.versions ?? []).some((one) => one.id === version)) {
      return refused(404, `Version ${version} of ${name} not found`);
    }
    return runTask(state, wait, async () => {
      await state.options.onImagesBuilt?.({ language, name, version });
      return messages('SUCCESS', `Built images of ${name}`);
    });
  }
  if (call.method === 'POST' && action === 'packages') {
    return runTask(state, wait, () => Promise.resolve(messages('SUCCESS', `Updated packages of ${name}`)));
  }
  return refused(404, `No such call: ${call.method} ${call.path}`);
}

/** Unknown keys are dropped without a word, as DSS does. */
function save(state: State, env: FakeEnv, { body }: RecordedCall): Answer {
  if (!isObject(body)) return refused(400, 'Settings expected');
  const settings = Object.fromEntries(Object.entries(body).filter(([key]) => key in env.settings));
  const envs = state.instance.envs.map((one) => (one === env ? { ...env, settings } : one));
  state.instance = { ...state.instance, envs };
  return ok({});
}
