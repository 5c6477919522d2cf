// The program as a value, for the launcher, for tests and for the generated reference.
import { Command } from 'commander';

export function program(): Command {
  return new Command('rebake').description('Plan and apply the least work to keep images up to date.').version('0.1.0');
}
