/** What each kind of step does. */
import { group, offers, parts, steps } from '../group.ts';
import { hold, refused, same } from '../rules.ts';
import { copy, fileSet, fragment, NO_FILES, run, shell } from '../steps.ts';

/** Prints what it was given as one line that can be read again. */
const TELL = `import json, os, sys
print("told " + json.dumps({"argv": sys.argv[1:], "env": {k: v for k, v in os.environ.items() if k.startswith("TOLD_")}, "cwd": os.getcwd()}))`;

const ODD = ['', 'a b', `"x" 'y'`, '$HOME', '\\', '-rf', '*', 'two\nlines', '<<EOF', 'ü', '\u{1f600}'];

export const stepKinds = group('steps', [
  {
    id: 'copy',
    title: 'copies files with their owner and exec bits, into new and into existing folders',
    why: 'Modes and owners decide what a user of the image can run and read.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const small = await bench.small();
      const one = fileSet(bench.folder(), { 'plain.txt': 'plain', 'bin/tool': { text: '#!/bin/sh\n', exec: true } });
      const two = fileSet(bench.folder(), { 'bin/other': 'other' });
      const { output } = await bench.make(small, [copy(one, '/opt/x', '1234:2345'), copy(two, '/opt/x', '0:0')]);
      const entries = await (await bench.read(output)).entries((await bench.read(small)).diffIds.length);
      const facts = (path: string) => {
        const entry = entries.get(path);
        return entry && [entry.type, entry.mode.toString(8), entry.owner, entry.text];
      };
      same(facts('opt/x/plain.txt'), ['file', '644', '1234:2345', 'plain'], 'A file has mode 644 and the owner given');
      same(facts('opt/x/bin/tool'), ['file', '755', '1234:2345', '#!/bin/sh\n'], 'A file that can be run has mode 755');
      same(facts('opt/x/bin/other'), ['file', '644', '0:0', 'other'], 'A second copy adds to the folder of the first');
    },
  },
  {
    id: 'copy-nothing',
    title: 'makes an empty folder of an empty set of files',
    why: 'A folder that is declared and empty today is there, as it will be tomorrow.',
    needs: steps('rootfs', 'copy'),
    async run(bench) {
      const base = await bench.base();
      const { output } = await bench.make(base, [copy(NO_FILES, '/opt/nothing')]);
      const entries = await (await bench.read(output)).entries((await bench.read(base)).diffIds.length);
      same(entries.get('opt/nothing')?.type, 'directory', 'Copying no files makes the folder');
    },
  },
  {
    id: 'link',
    title: 'makes a symbolic link, in a folder that is there or not, in place of the link before it',
    why: 'A link is how an image says which of several versions it uses.',
    needs: steps('rootfs', 'link'),
    async run(bench) {
      const base = await bench.base();
      const link = (target: string) => ({ step: 'link', folder: '/opt/made/for it', name: 'tool', target }) as const;
      const { output } = await bench.make(base, [link('/usr'), link('/usr/bin/env')]);
      const entries = await (await bench.read(output)).entries((await bench.read(base)).diffIds.length);
      const { type, text } = entries.get('opt/made/for it/tool') ?? {};
      same({ type, text }, { type: 'symlink', text: '/usr/bin/env' }, 'A link leads to its target, as it is written');
    },
  },
  {
    id: 'run',
    title: 'runs a command without a shell: arguments, environment and working directory arrive verbatim',
    why: 'No value of a spec may become a command.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const env = { TOLD_QUOTES: `"x" 'y'`, TOLD_DOLLAR: '$HOME', TOLD_EQUALS: 'a=b', TOLD_EMPTY: '' };
      const argv = ['python3', '-c', TELL, ...ODD];
      const { log, output } = await bench.make(await bench.base(), [run(argv, { env, workdir: '/made/for it' })]);
      const line = log.find((text) => text.startsWith('told '));
      hold(line !== undefined, 'The output of a command is in the log', log);
      const told = JSON.parse(line.slice('told '.length)) as unknown;
      same(told, { argv: ODD, env, cwd: '/made/for it' }, 'A command gets arguments, environment and folder verbatim');
      const { env: left } = (await bench.read(output)).config;
      hold(!Object.keys(left).some((name) => name.startsWith('TOLD_')), 'The environment of a step ends with it', left);
    },
  },
  {
    id: 'run-mount',
    title: 'lends files to a command while it runs, and leaves nothing of them behind',
    why: 'Installers are large, and sometimes not to be passed on.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const marker = `lent ${bench.run}`;
      const files = fileSet(bench.folder(), {
        'in/lent.txt': `${marker}\n`,
        tool: { text: '#!/bin/sh\necho it runs\n', exec: true },
      });
      const base = await bench.base();
      const { log, output } = await bench.make(base, [
        run(['/bin/sh', '-euc', 'cat /mnt/lent/in/lent.txt; /mnt/lent/tool; echo made > /made.txt'], {
          files,
          mount: '/mnt/lent',
        }),
        // Not every engine leaves the mount point behind.
        shell('find /mnt/lent -type f 2>&1 || echo looked'),
      ]);
      hold(log.includes(marker) && log.includes('it runs'), 'A command can read and run what it is lent', log);
      same(
        log.filter((line) => line.includes('lent.txt')),
        [],
        'A later step sees nothing of what an earlier one was lent',
      );
      const entries = await (await bench.read(output)).entries((await bench.read(base)).diffIds.length);
      same(entries.get('made.txt')?.text, 'made\n', 'What a command makes is in the image');
      const left = [...entries.values()].filter(({ path, text }) => path.includes('lent.txt') || text.includes(marker));
      same(left, [], 'What a command was lent is in no layer');
    },
  },
  {
    id: 'fragment',
    title: 'carries out a user’s instructions with the files that come with them',
    why: 'A Dockerfile fragment is what users of DSS have; nothing undeclared may reach it.',
    needs: steps('rootfs', 'fragment'),
    async run(bench) {
      const root = bench.folder();
      const files = fileSet(root, { 'certs/a.pem': 'a certificate' });
      fileSet(root, { 'certs/undeclared.pem': 'not part of the set', 'undeclared.txt': 'nor this' });
      const text = 'ENV FROM_FRAGMENT=yes\nCOPY . /opt/fragment/\nRUN cd /opt/fragment && find . -type f';
      const { output, log } = await bench.make(await bench.base(), [fragment(text, files)]);
      const seen = log.filter((line) => /^\.\/(certs|undeclared)/.test(line));
      same(seen, ['./certs/a.pem'], 'Files of the set are at their own paths, and no others are there');
      same(
        (await bench.read(output)).config.env['FROM_FRAGMENT'],
        'yes',
        'Instructions of a fragment have their effect',
      );
    },
  },
  {
    id: 'dockerfile',
    title: 'builds a user’s Dockerfile with several stages, each FROM and COPY --from being what it is pinned to',
    why: 'A tag that moved between plan and build must not get into the image.',
    needs: steps('rootfs', 'dockerfile'),
    async run(bench) {
      const froms = { 'base.example.com/big:1': await bench.base(), 'base.example.com/small:1': await bench.small() };
      const text = [
        'FROM base.example.com/big:1 AS maker',
        `RUN echo made ${bench.run} > /made.txt`,
        'FROM base.example.com/big:1',
        'COPY --from=maker /made.txt /from-stage.txt',
        'COPY --from=base.example.com/small:1 /below.txt /from-image.txt',
        'COPY own.txt /own.txt',
        'ENV OF_DOCKERFILE=yes',
      ].join('\n');
      const files = fileSet(bench.folder(), { 'own.txt': 'own' });
      const step = { step: 'dockerfile', text, files, froms: Object.keys(froms) } as const;
      const { output } = await bench.make(null, [step], { froms });
      const stored = await bench.read(output);
      const base = await bench.read(froms['base.example.com/big:1']);
      same(stored.diffIds.slice(0, base.diffIds.length), base.diffIds, 'FROM is what it is pinned to');
      const entries = await stored.entries(base.diffIds.length);
      same(
        ['from-stage.txt', 'from-image.txt', 'own.txt'].map((path) => entries.get(path)?.text),
        [`made ${bench.run}\n`, 'below\n', 'own'],
        'Files come from stages, from pinned images and from the set',
      );
      same(stored.config.env['OF_DOCKERFILE'], 'yes', 'The config is that of the last stage');
    },
  },
  {
    id: 'dockerfile-unpinned',
    title: 'refuses a Dockerfile with a reference that is not pinned',
    why: 'What is not pinned is not what was planned.',
    needs: steps('dockerfile'),
    async run(bench) {
      const text = 'FROM base.example.com/unpinned:1\n';
      const job = bench.job(null, [{ step: 'dockerfile', text, files: NO_FILES, froms: [] }]);
      await refused(
        bench.build(job),
        { code: 'SPEC_INVALID', retry: 'never' },
        'A reference without a pin is refused, and never looked for',
      );
    },
  },
  {
    id: 'user',
    title: 'makes a user with its uid, gid and a home that group 0 can write to',
    why: 'Clusters run images under uids that nobody knows, with gid 0.',
    needs: steps('rootfs', 'user'),
    async run(bench) {
      const base = await bench.base();
      const { output } = await bench.make(base, [
        { step: 'user', name: 'conformance', uid: 4321, gid: 4322, home: '/home/conformance' },
      ]);
      const entries = await (await bench.read(output)).entries((await bench.read(base)).diffIds.length);
      const lines = (path: string) => (entries.get(path)?.text ?? '').split('\n');
      const user = lines('etc/passwd').find((line) => line.startsWith('conformance:'));
      hold(
        user !== undefined && /^conformance:[^:]*:4321:4322:[^:]*:\/home\/conformance:/.test(user),
        'A user is in /etc/passwd with its ids and its home',
        user,
      );
      hold(
        lines('etc/group').some((line) => /^[^:]+:[^:]*:4322:/.test(line)),
        'The group of a user is in /etc/group',
        entries.get('etc/group')?.text,
      );
      const home = entries.get('home/conformance');
      same(
        [home?.type, home?.mode.toString(8), home?.owner],
        ['directory', '775', '4321:0'],
        'The home of a user has mode 775 and group 0',
      );
    },
  },
  {
    id: 'python-env',
    title: 'makes a Python environment with bytecode from an index that only the build knows',
    why: 'This is what code envs are; without bytecode an import takes four times as long.',
    needs: [...steps('rootfs', 'python-env', 'run'), ...offers('secrets'), ...parts('index')],
    async run(bench) {
      const { index, python = '3.11' } = bench.rig;
      hold(index !== undefined, 'The rig has an index');
      const conf = fileSet(bench.folder(), { 'pip.conf': `[global]\nindex-url = ${index.url}\n` });
      const look = `import importlib, importlib.util, os, sys
module = importlib.import_module(sys.argv[1])
print("bytecode", os.path.exists(importlib.util.cache_from_source(module.__file__)))`;
      const packages = { requirements: [index.requirement] };
      const { log } = await bench.make(
        await bench.base(),
        [
          { step: 'python-env', prefix: '/opt/env', interpreter: python, packages, bytecode: true },
          run(['/opt/env/bin/python', '-B', '-c', look, index.module]),
        ],
        { secrets: { 'pip-conf': { file: `${conf.root}/pip.conf` } } },
      );
      hold(log.includes('bytecode True'), 'Packages of the index can be imported, and have bytecode', log);
    },
  },
]);
