import { OutU64, run } from './call.js';
import { Owner } from './handle.js';
import type { Target } from './vectors.js';

/**
 * The state of a database at one moment: what is asked of it gets the same answer however much is written meanwhile. Making one copies
 * nothing; what it shows stays in memory and on the disk until it is closed. Searches and reads of the database that it was
 * made from take it as the parameter `snapshot`.
 */
export class Snapshot extends Owner {
  private constructor(handle: bigint) {
    super(handle, 'snapshot');
  }

  /** @internal Database.snapshot */
  static make(db: Target): Snapshot {
    const out = new OutU64();
    return run({ name: 'vdb_snapshot_new', args: () => [db.handle, out.memory], finish: () => new Snapshot(out.value) });
  }

  /** Gives the snapshot back; calls that use it go on. Closing it again does nothing. */
  close(): void {
    this.free();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
