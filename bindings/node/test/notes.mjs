// What a replay leaves: which cases passed, for the table of features, and a transcript, for the comparison of the languages.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A step of the transcript: what it came to, and the results that its file expects, to the bit. */
export function noted(op, got, error, expected) {
  const words = [op, got.status ?? 'OK'];
  if (error && error.item !== null) words.push(`item=${error.item}`);
  const names = error ? [] : Object.keys(expected).filter((name) => name in got && name !== 'contains').sort();
  for (const name of names) {
    const single = name === 'distances' || name === 'rows';
    words.push(`${name}=${JSON.stringify(exact(got[name], expected[name], single))}`);
  }
  return words.join(' ');
}

/** Numbers of single precision as their bits, and of objects what is expected. */
function exact(value, wanted, single) {
  if (Array.isArray(value)) return value.map((element) => exact(element, null, single));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.keys(wanted).sort().map((name) => [name, value[name]]));
  }
  if (!single || typeof value !== 'number') return value;
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  return bits.getUint32(0).toString(16).padStart(8, '0');
}

export class Notes {
  passed = [];
  failed = [];
  transcript = [];

  /** Leaves the files where VDB_REPLAY_OUT says, if it does. */
  write() {
    const folder = process.env.VDB_REPLAY_OUT;
    if (!folder) return;
    const { passed, failed } = this;
    writeFileSync(join(folder, 'features-node.json'), `${JSON.stringify({ language: 'Node', passed, failed })}\n`);
    writeFileSync(join(folder, 'transcript-node.txt'), `${this.transcript.join('\n')}\n`);
  }
}
