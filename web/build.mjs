// Builds web/dist: one bundle a page, the shells that name them, embed.js, pictures and texts.
import { build } from 'esbuild';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
// Made beside and put in place at the end: who serves or packs dist/ never sees half of it.
const dist = path.join(here, `dist.new-${process.pid}`);
const pages = ['shows', 'watch', 'desk', 'studio', 'account', 'pay'];

/** Takes comments and indentation out of the element styles that go into the bundles as text. */
const shadowStyles = {
  name: 'shadow-styles',
  /** @param {import('esbuild').PluginBuild} it */
  setup(it) {
    it.onLoad({ filter: /\.shadow\.css$/ }, async ({ path: file }) => {
      const { transform } = await import('esbuild');
      const { code } = await transform(await readFile(file, 'utf8'), { loader: 'css', minify: true, target: 'es2022' });
      return { contents: code, loader: 'text' };
    });
  },
};

await mkdir(path.join(dist, 'pages'), { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: [...pages.map((page) => ({ in: `pages/${page}/page.js`, out: page })), { in: 'styles/tokens.css', out: 'torg' },
    { in: 'embed/embed.js', out: 'embed' }],
  outdir: path.join(dist, 'assets'),
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome111', 'firefox115', 'safari16.4'],
  legalComments: 'none',
  charset: 'utf8',
  metafile: true,
  plugins: [shadowStyles],
  logLevel: 'warning',
});

/** @type {Map<string, string>} entry point -> file name in dist */
const built = new Map();
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  if (output.entryPoint) built.set(output.entryPoint, path.relative(dist, path.join(here, file)));
}

/** @param {string} entry */
function asset(entry) {
  const file = built.get(entry);
  if (!file) throw new Error(`${entry} was not built`);
  return `/${file}`;
}

for (const page of pages) {
  const shell = await readFile(path.join(here, 'pages', page, 'index.html'), 'utf8');
  const html = shell.replace('{{script}}', asset(`pages/${page}/page.js`)).replace('{{style}}', asset('styles/tokens.css'));
  if (html.includes('{{')) throw new Error(`pages/${page}/index.html: unknown placeholder`);
  await writeFile(path.join(dist, 'pages', `${page}.html`), html);
}

const embed = asset('embed/embed.js').slice(1);
await cp(path.join(dist, embed), path.join(dist, 'embed.js'));
await rm(path.join(dist, embed));
await cp(path.join(here, 'images'), path.join(dist, 'images'), { recursive: true });
await cp(path.join(here, 'images', 'torg.svg'), path.join(dist, 'favicon.svg'));
await cp(path.join(here, 'i18n'), path.join(dist, 'i18n'), { recursive: true });
await cp(path.join(here, 'manifest.webmanifest'), path.join(dist, 'manifest.webmanifest'));

const files = await readdir(path.join(dist, 'assets'));
await rm(path.join(here, 'dist'), { recursive: true, force: true });
await rename(dist, path.join(here, 'dist'));
process.stdout.write(`web/dist: ${pages.length} pages, ${files.length} assets\n`);
