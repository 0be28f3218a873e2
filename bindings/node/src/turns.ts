/** Turns of calls at the library: who waits for a worker thread does so in JavaScript, where it can be given up. */

import { cancelled, onAbort } from './task.js';

/** Calls at the library at one time. More would wait there for one of the few worker threads, each with a stack. */
const AT_ONCE = 32;

const waiting = new Set<() => void>();
let places = AT_ONCE;

/** Goes on when there is a place at the library, at once if there is one; whoever leaves hands it on. Given up with the signal. */
export function enter(signal: AbortSignal | undefined, go: () => void, giveUp?: (error: unknown) => void): void {
  if (places > 0) {
    places--;
    go();
    return;
  }
  const turn = () => {
    stop?.();
    go();
  };
  const stop = signal && onAbort(signal, () => {
    waiting.delete(turn);
    stop!();
    giveUp?.(cancelled(signal));
  });
  waiting.add(turn);
}

export function leave(): void {
  const [next] = waiting;
  if (!next) {
    places++;
    return;
  }
  waiting.delete(next);
  next();
}
