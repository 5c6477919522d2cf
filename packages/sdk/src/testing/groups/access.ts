/** How builds reach the world: networks and proxies, which are facts of the machine and never of the image. */
import { group, offers, steps } from '../group.ts';
import { hold } from '../rules.ts';
import { run, shell } from '../steps.ts';

export const accesses = group('access', [
  {
    id: 'network',
    title: 'gives steps the network of the job',
    why: 'A build that needs an index has to reach it.',
    needs: steps('rootfs', 'run'),
    async run(bench) {
      const meeting = await bench.meeting();
      const name = bench.key();
      const built = bench.make(await bench.base(), [run(meeting.wait(name))]);
      await Promise.race([meeting.arrived(name), built]);
      meeting.release(name);
      await built;
    },
  },
  {
    id: 'no-network',
    title: 'gives steps no network where the job has none',
    why: 'Whoever declares a build without a network wants to know that nothing came over it.',
    needs: [...steps('rootfs', 'run'), ...offers('network')],
    async run(bench) {
      const meeting = await bench.meeting();
      const [command = '', ...args] = meeting.wait(bench.key());
      const job = bench.job(await bench.base(), [shell('"$@" || echo "not reached"', command, ...args)]);
      const { log } = await bench.build({ ...job, access: { ...job.access, network: 'none' } });
      hold(log.includes('not reached'), 'A step without a network reaches nobody', log);
    },
  },
  {
    id: 'proxy',
    title: 'hands proxies to steps, and to nothing that stays',
    why: 'The proxy of this machine is not that of the cluster, and must not make another image.',
    needs: [...steps('rootfs', 'run'), ...offers('proxy')],
    async run(bench) {
      const proxy = { http: 'http://proxy.example.com:3128', no: 'localhost,127.0.0.1' };
      const job = bench.job(await bench.base(), [shell('echo "[$http_proxy] [$NO_PROXY]"; echo made > /made.txt')]);
      const { output, log } = await bench.build({ ...job, access: { ...job.access, proxy } });
      hold(
        log.includes(`[${proxy.http}] [${proxy.no}]`),
        'Steps have the proxies of the job in their environment',
        log,
      );
      const { config, manifestText } = await bench.read(output);
      hold(!`${config.text}${manifestText}`.includes('proxy.example.com'), 'No proxy is in the image', config.text);
    },
  },
]);
