// Fails when the committed client is not what openapi.json gives now.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const committed = 'src/api/generated';
const fresh = mkdtempSync(join(tmpdir(), 'antiphon-client-'));
const files = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
try {
  execFileSync('npx', ['openapi-ts', '--silent'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ANTIPHON_CLIENT_OUT: fresh },
  });
  execFileSync('node', ['scripts/tidy-generated.mjs'], {
    env: { ...process.env, ANTIPHON_CLIENT_OUT: fresh },
  });
  const format = ['prettier', '--log-level', 'warn', '--config', '.prettierrc.json', '--write', fresh];
  execFileSync('npx', format, { stdio: 'inherit' });
  const stale =
    files(committed).join() !== files(fresh).join() ||
    files(fresh).some(
      (name) => readFileSync(join(fresh, name), 'utf8') !== readFileSync(join(committed, name), 'utf8'),
    );
  if (stale) {
    console.error('The client in src/api/generated is stale: run `npm run generate` and commit it.');
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
