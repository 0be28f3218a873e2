#!/usr/bin/env node
/**
 * Makes the npm packages: `vdb`, and one with the library for the platform that this runs on.
 *
 *     pack.mjs FOLDER [LIBRARY]
 *
 * writes vdb-VERSION.tgz and vdb-PLATFORM-VERSION.tgz into FOLDER; the version is the header's. LIBRARY is build/lib/libvdb.so.N
 * when it is not given. Which platform package npm installs is decided by its fields os, cpu and libc; `vdb` asks for all of
 * them as optionalDependencies, of which npm skips those that do not fit.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, '../..');

/** The platforms that a release has, by what npm knows of a machine. */
export const PLATFORMS = {
  'linux-x64': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
};

function stage(folder, manifest, files) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const [from, to] of files) cpSync(from, join(folder, to), { recursive: true, dereference: true });
}

/** Packs a folder; the path of the file that was written. */
function pack(folder, into) {
  const done = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', into], { cwd: folder, encoding: 'utf8' });
  return join(into, done.trim().split('\n').at(-1));
}

/** Makes both packages; the paths of their files. */
export function packAll(into, library) {
  const { devDependencies, scripts, ...manifest } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const platform = `${process.platform}-${process.arch}`;
  if (!(platform in PLATFORMS)) throw new Error(`there is no package for ${platform}: add it to PLATFORMS`);
  const header = createRequire(import.meta.url)('./dist/generated.js');
  library ??= join(root, 'build/lib', `libvdb.so.${header.ABI_VERSION}`);
  const version = `${header.VERSION_MAJOR}.${header.VERSION_MINOR}.${header.VERSION_PATCH}`;
  const { name, license } = manifest;
  const scratch = mkdtempSync(join(tmpdir(), 'vdb-pack-'));
  try {
    mkdirSync(into, { recursive: true });
    stage(join(scratch, 'vdb'), {
      name,
      version,
      ...manifest,
      optionalDependencies: Object.fromEntries(Object.keys(PLATFORMS).map((name) => [`@vdb/${name}`, version])),
    }, [[join(here, 'dist'), 'dist'], [join(root, 'docs/node.md'), 'README.md'], [join(root, 'LICENSE'), 'LICENSE']]);
    stage(join(scratch, platform), {
      name: `@vdb/${platform}`,
      version,
      description: `The library of vdb for ${platform}`,
      license,
      ...PLATFORMS[platform],
      files: [basename(library)],
    }, [[library, basename(library)], [join(root, 'LICENSE'), 'LICENSE'], [join(root, 'NOTICE'), 'NOTICE']]);
    return { main: pack(join(scratch, 'vdb'), into), platform: pack(join(scratch, platform), into) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, library] = process.argv.slice(2);
  if (!folder) {
    console.error('pack.mjs FOLDER [LIBRARY]');
    process.exit(2);
  }
  console.log(Object.values(packAll(resolve(folder), library && resolve(library))).join('\n'));
}
