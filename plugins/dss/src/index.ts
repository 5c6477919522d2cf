/** DSS itself: as a builder of env images, and as a source of declarations. */
import { definePlugin } from '@rebake/sdk';

/** The plugin. */
export const plugin = definePlugin({ name: '@rebake/plugin-dss' });
