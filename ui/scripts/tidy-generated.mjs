// The generator's own files name pages of the web in comments; ours name none.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.ANTIPHON_CLIENT_OUT ?? 'src/api/generated';

function tidy(path) {
  for (const name of readdirSync(path)) {
    const file = join(path, name);
    if (statSync(file).isDirectory()) tidy(file);
    else writeFileSync(file, readFileSync(file, 'utf8').replace(/\{@link https?:\S+ (`[^`]*`)\}/g, '$1'));
  }
}

tidy(folder);
