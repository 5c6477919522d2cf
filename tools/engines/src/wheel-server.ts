// The process behind the shared wheel index. Arguments: the port, the folder.
import { serveWheels } from './wheel-index.ts';

const [port, dir] = process.argv.slice(2);
if (port === undefined || dir === undefined) throw new Error('usage: wheel-server.ts PORT DIR');
const index = await serveWheels(dir, Number(port));
console.log(`serving ${dir} at ${index.indexUrl}`);
