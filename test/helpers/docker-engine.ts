import { inject } from 'vitest';

/** Whether container tests are left out, as no engine answers. */
export const noDocker = inject('dockerRun') === null;
