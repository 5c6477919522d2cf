/** Canonical tar headers: the same entry gives the same bytes always. */
import { CONTEXT_FILE_TIME } from '@rebake/image';

/** Time of every entry of a layer, in seconds since the epoch: one that zip archives can hold in every time zone. */
export const LAYER_TIME: number = CONTEXT_FILE_TIME;
