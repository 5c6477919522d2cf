/** Ctrl-C, at a moment of the test's choice. */

/** A signal as the process hands it in, and the key that aborts it. */
export function interruption(): { readonly signal: AbortSignal; readonly interrupt: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, interrupt: () => controller.abort(new Error('interrupted')) };
}
