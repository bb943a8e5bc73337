'use strict'
// Tells how the npm in the folder of the first argument reads command lines, by that npm's own code: one JSON document
// on stdout for each one on stdin. Nothing is run. `{"about": "npm"}` asks for its commands and options instead.

const path = require('path')
const readline = require('readline')

const root = process.argv[2]
const inNpm = name => require(require.resolve(name, { paths: [root] }))
const Config = inNpm('@npmcli/config')
const npa = inNpm('npm-package-arg')
const list = require(path.join(root, 'lib', 'utils', 'cmd-list.js'))
const { definitions, shorthands, flatten, nerfDarts } = defined()

function defined () {
  try {
    return inNpm('@npmcli/config/lib/definitions')
  } catch {
    return require(path.join(root, 'lib', 'utils', 'config', 'index.js')) // npm 8 and 9
  }
}

function dereferenced (word) {
  return (list.deref ? list.deref(word) : require(path.join(root, 'lib', 'npm.js')).prototype.deref(word)) || ''
}

// npx-cli.js rewrites the words and starts npm with them.
function byNpx (words) {
  const cli = require.resolve(path.join(root, 'lib', 'cli.js'))
  const npx = path.join(root, 'bin', 'npx-cli.js')
  let found = []
  require.cache[cli] = { id: cli, filename: cli, loaded: true, exports: ({ argv }) => { found = argv.slice(2) } }
  delete require.cache[npx]
  const { argv } = process
  process.argv = [process.execPath, npx, ...words]
  try {
    require(npx)
  } finally {
    process.argv = argv
    delete require.cache[cli]
  }
  return found
}

function kind (word) {
  try {
    return npa(word).type
  } catch {
    return 'invalid'
  }
}

async function read ({ tool, argv, env, cwd, options }) {
  const words = tool === 'npx' ? byNpx(argv) : argv
  const config = new Config({
    definitions, shorthands, flatten, nerfDarts, cwd, npmPath: root, env: { ...env }, argv: [process.execPath, 'npm', ...words],
  })
  await config.load()
  const versions = config.get('versions', 'cli')
  const [word, ...args] = versions ? ['version'] : config.parsedArgv.remain
  const inWorkspaces = Boolean(config.get('workspaces')) || config.get('workspace').length > 0
  return {
    word: word || '',
    verb: dereferenced(word),
    args,
    kinds: args.map(kind),
    compared: config.get('diff').filter(Boolean).map(kind),
    updates: inWorkspaces && config.get('workspaces-update') !== false,
    prints: Boolean(config.get('version', 'cli') || (config.get('usage') && !versions)),
    options: Object.fromEntries(options.map(name => [name, config.get(name)])),
  }
}

function about () {
  const names = [...list.commands, ...(list.plumbing || []), ...Object.keys(list.aliases), ...Object.keys(list.affordances || {})]
  const takes = ({ type }) => [].concat(type).includes(Boolean) ? 'flag' : 'value'
  return {
    commands: [...list.commands, ...(list.plumbing || [])],
    names: Object.fromEntries(names.map(name => [name, dereferenced(name)])),
    begun: Object.fromEntries(names.flatMap(name => [...name].map((_, at) => name.slice(0, at + 1))).map(one => [one, dereferenced(one)])),
    options: Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, takes(one)])),
    shorthands: Object.keys(shorthands),
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line)
    const answer = asked.about ? about() : await read(asked).catch(error => ({ error: String(error.message) }))
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

main()
