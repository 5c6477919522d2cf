/** What DSS is asked when it builds the images of a code env. */
export { ImageUpdates, type EnvRequest, type Watch } from './update-images.ts';
