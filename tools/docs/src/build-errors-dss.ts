/** What failures at an instance of DSS mean. */
import { row, type FailureGroup } from './build-error-row.ts';

/** One group. */
export const DSS_ERRORS: FailureGroup = {
  title: 'DSS instances',
  rows: [
    row(
      'DSS_DATA_DIR',
      'The data directory of a DSS instance is not there, or is not to be read.',
      'Give the folder that has `install.ini` in it, and the right to read it.',
    ),
    row('DSS_UNREACHABLE', 'The instance does not answer.', 'Check its address, and whether it runs.'),
    row('DSS_TLS', 'The certificate of the instance is not trusted, or TLS does not come about.', 'Name its CA.'),
    row('DSS_AUTH', 'DSS does not accept the API key, or the key may not do this.', 'Use a key of an administrator.'),
    row(
      'DSS_BROKEN_ANSWER',
      'What came back is no answer of DSS.',
      'Check the address: a proxy or another service may stand there.',
    ),
    row('DSS_REFUSED', 'DSS answers a request with an error.', 'Read the words of DSS that come with it.'),
    row(
      'DSS_BUILD_FAILED',
      'DSS was asked to build the images of a code env, and says that this failed.',
      'Read the words of DSS that come with it: most often the packages of the env cannot be installed on the base image.',
    ),
  ],
};
