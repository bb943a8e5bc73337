'use strict'
// Plans with npm's own arborist, inside npm's own command: where npm would begin to change node_modules, the ideal tree
// is written down instead and the process ends. Nothing of the project is written, no tarball is fetched, no script runs.

const fs = require('fs')
const path = require('path')
const { tell, layersOfProject } = require('./npm.js')

const UNVERIFIED = { git: 'vcs', remote: 'url' }

exports.attach = ({ settings, npm, verb, args, inNpm }) => {
  const seen = new Map()
  const asked = new Set()
  const running = verb === 'exec' || verb === 'init'
  if (running) {
    // Before any other module of npm takes hold of it: here a tool would be run.
    stayOutOfTools(inNpm, async options => {
      const place = [].concat(options.binPaths || []).find(one => inside(one, npm.flatOptions.npxCache))
      if (place) {
        const Arborist = inNpm('@npmcli/arborist')
        const arb = new Arborist({ ...npm.flatOptions, path: path.resolve(place, '..', '..') })
        return planned(arb, await arb.loadActual(), { present: true })
      }
      if (verb === 'init') {
        tell(settings, nothing()) // what follows writes into package.json
      }
    })
  }
  const pacote = inNpm('pacote')
  const npa = inNpm('npm-package-arg')
  watchPacote({ pacote, npa, seen, asked })
  const Arborist = inNpm('@npmcli/arborist')
  const { buildIdealTree } = Arborist.prototype
  const nothing = () => empty({ npm, verb, seen })

  async function planned (arb, tree, { present = false, only = null, add = [] } = {}) {
    const document = await described({ arb, tree, Arborist, inNpm, npm, verb, args, seen, npa, present, only, add })
    await askFacts({ document, asked, npm, npa, fetch: inNpm('npm-registry-fetch') })
    tell(settings, document)
  }
  const finish = async (arb, options) => {
    if (verb === 'link' && arb.options.global && args.length) {
      return refuse(settings, 'would first install what is missing in the global folder',
        'install it with `npm install --global`, which is judged, and link it then')
    }
    if (arb.options.global) {
      fs.mkdirSync(arb.path, { recursive: true }) // as npm does before it begins
    }
    fs.writeFileSync(path.join(settings.temp, 'pins.json'), JSON.stringify(pins({ folder: arb.path, args, npa })))
    const tree = await buildIdealTree.call(arb, { ...options, complete: false })
    return planned(arb, tree, { add: options.add || [] })
  }
  Arborist.prototype.reify = function (options = {}) {
    return finish(this, options)
  }
  Arborist.prototype.rebuild = async function ({ nodes } = {}) {
    const tree = await this.loadActual()
    return planned(this, tree, { present: true, only: nodes ? new Set([...nodes].map(node => node.location)) : null })
  }
  if (verb === 'ci' || verb === 'install-ci-test') {
    // `npm ci` empties node_modules between its ideal tree and `reify`: never let it get that far.
    Arborist.prototype.buildIdealTree = function (options = {}) {
      return finish(this, options)
    }
  }
  const through = async run => {
    try {
      await (verb === 'pack' ? packed({ npm, args, pacote, npa, Arborist, planned }) : run())
    } catch (error) {
      // npm prints the error in its own words; what we keep is for a silent npm.
      const { code, name } = error
      fs.writeFileSync(settings.out, JSON.stringify({ error: { code, name, message: String(error.message) } }))
      throw error
    }
    tell(settings, nothing())
  }
  return { through }
}

function refuse (settings, why, hint) {
  tell(settings, { refused: { why, hint } })
}

function stayOutOfTools (inNpm, instead) {
  inNpm('@npmcli/run-script')
  const file = Object.keys(require.cache).find(name => /@npmcli[\\/]run-script[\\/]lib[\\/]run-script\.js$/.test(name))
  const found = require.cache[file].exports
  require.cache[file].exports = Object.assign(options => options.event === 'npx' ? instead(options) : found(options), found)
}

function inside (place, folder) {
  return Boolean(folder) && !path.relative(folder, place).startsWith('..')
}

// The command installs nothing: what it runs is here already.
function empty ({ npm, verb, seen }) {
  return {
    verb, asked: [], path: process.cwd(), strategy: 'hoisted', filtered: false, writes: false,
    global: Boolean(npm.global), shared: Boolean(npm.global),
    registry: npm.flatOptions.registry, chosen: chosenByProject(npm), own: ownRegistries(npm), unavailable: 0, nodes: [], seen: [...seen.values()],
  }
}

// `npm pack SPEC` fetches a release as it is, without what it depends on.
async function packed ({ npm, args, pacote, npa, Arborist, planned }) {
  const remote = args.filter(arg => npa(arg).type !== 'directory')
  if (!remote.length) {
    return
  }
  const arb = new Arborist({ ...npm.flatOptions, path: process.cwd() })
  const { Node } = Arborist
  const tree = new Node({ path: process.cwd(), pkg: {}, loadOverrides: false })
  for (const [index, arg] of remote.entries()) {
    const spec = npa(arg)
    if (spec.type === 'file') {
      continue
    }
    const pkg = await pacote.manifest(spec, { ...npm.flatOptions, Arborist, preferOnline: true, _isRoot: true })
    // Two versions of one name are two files here, so each has a place of its own.
    const holder = new Node({ name: `packed-${index}`, pkg: {}, parent: tree })
    new Node({ name: pkg.name, pkg, parent: holder, resolved: pkg._resolved, integrity: pkg._integrity }) // eslint-disable-line
  }
  await planned(arb, tree, { only: new Set([...tree.inventory.values()].filter(node => node.package._id).map(node => node.location)) })
}

function watchPacote ({ pacote, npa, seen, asked }) {
  const { manifest } = pacote
  pacote.manifest = async (spec, opts = {}) => {
    const parsed = npa(spec, opts.where)
    if (UNVERIFIED[parsed.type]) {
      return stub(parsed)
    }
    const found = await manifest(spec, opts)
    if (parsed.registry || parsed.type === 'alias') {
      seen.set(`${found.name}@${found.version}`, [found.name, found.version])
    }
    return found
  }
  pacote.extract = pacote.tarball = async spec => {
    throw Object.assign(new Error(`safeinstall: ${String(spec)} would be fetched to plan it`), { code: 'ESAFEINSTALL' })
  }
  const { packument } = pacote.RegistryFetcher.prototype
  pacote.RegistryFetcher.prototype.packument = function () {
    asked.add(this.packumentUrl)
    return packument.apply(this, arguments)
  }
}

// What stands for a source that no registry vouches for: it is never fetched, only named.
function stub (parsed) {
  const source = parsed.saveSpec || parsed.fetchSpec || parsed.rawSpec
  const last = String(source).replace(/[#?].*$/, '').replace(/(\.git|\.tgz|\.tar\.gz)?\/*$/, '').split(/[/:]/).pop()
  const name = parsed.name || last.toLowerCase().replace(/[^a-z0-9._-]/g, '-').replace(/^[._]+/, '') || 'unnamed'
  return { name, version: '0.0.0', _id: `${name}@0.0.0`, _from: parsed.raw, _resolved: source, _safeinstallStub: true }
}

async function described ({ arb, tree, Arborist, inNpm, npm, verb, args, seen, npa, present, only, add }) {
  // `npm ci` begins by emptying node_modules: nothing stays.
  const actual = /^(ci|install-ci-test|pack)$/.test(verb) ? null : await installedTree(arb, Arborist)
  const global = Boolean(arb.options.global)
  const touched = global ? touchedGlobally(arb) : null
  const omit = new Set(arb.options.omit || [])
  const flat = npm.flatOptions
  const locked = lockedVersions(tree.realpath)
  const away = elsewhere({ arb, tree, inNpm })
  const nodes = []
  let unavailable = 0
  for (const node of tree.inventory.values()) {
    // An optional package that the registry does not have: npm leaves it out of the lockfile and of node_modules.
    if (node.optional && !node.isLink && !node.package.version && !node.resolved) {
      unavailable += 1
      continue
    }
    const told = record({ node, actual, locked, omit, flat, npa })
    told.elsewhere = away.has(node)
    told.kept = present ? !node.isLink : told.kept || staysGlobally(node, actual, global)
    const among = !only || told.root || only.has(node.location)
    const changes = !touched || told.root || (touched.size ? touched.has(topOf(node)) : !told.kept)
    if (among && changes) {
      nodes.push(told)
    }
  }
  return {
    verb,
    asked: askedFor({ npm, verb, args, add, npa }),
    global: Boolean(npm.global),
    shared: global,
    path: tree.realpath,
    strategy: arb.options.installStrategy || 'hoisted',
    filtered: Boolean((arb.options.workspaces || []).length || arb.options.workspacesEnabled === false),
    writes: !(present || verb === 'pack' || npm.config.get('dry-run') || npm.config.get('package-lock-only')),
    registry: flat.registry,
    chosen: chosenByProject(npm),
    own: ownRegistries(npm),
    unavailable,
    nodes,
    seen: [...seen.values()],
  }
}

// In the global folder npm changes only what it was asked to, and keeps no lockfile of it.
function touchedGlobally (arb) {
  return new Set([...(arb.explicitRequests || [])].map(edge => edge.name))
}

function topOf (node) {
  const [first, second] = node.location.replace(/^node_modules\//, '').split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

function staysGlobally (node, actual, global) {
  const before = global && actual && actual.inventory.get(node.location)
  return Boolean(before && !node.isLink && !node.resolved && before.version === node.version)
}

function askedFor ({ npm, verb, args, add, npa }) {
  if (verb === 'init') {
    return add.map(one => [namedBy(one, npa), `npm init ${args[0]}`])
  }
  if (verb !== 'exec') {
    return args.map(arg => [namedBy(arg, npa), arg])
  }
  const typed = [].concat(npm.config.get('package') || []).filter(Boolean)
  const words = typed.length ? typed : args.slice(0, 1)
  return words.map(arg => [namedBy(arg, npa), arg])
}

// The registries that the project's own .npmrc chooses: whoever wrote that file decides who serves a name.
function chosenByProject (npm) {
  const theirs = layersOfProject(npm)
  const keys = [...npm.config.data]
    .filter(([layer]) => theirs.has(layer))
    .flatMap(([, { data }]) => Object.keys(data || {}))
    .filter(key => /^(@[^:]+:)?registry$/.test(key) && theirs.has(npm.config.find(key)))
  return [...new Set(keys)].map(key => [key, String(npm.config.get(key))])
}

// The registries that everybody else than the project names: the user, the machine, npm itself.
function ownRegistries (npm) {
  const theirs = layersOfProject(npm)
  return [...npm.config.data]
    .filter(([layer]) => !theirs.has(layer))
    .flatMap(([, { data }]) => Object.keys(data || {})
      .filter(key => /^(@[^:]+:)?registry$/.test(key))
      .map(key => String(data[key])))
}

// What is asked for at exactly one version, is locked or is installed: the cooldown judges it and does not hide it.
function pins ({ folder, args, npa }) {
  const found = {}
  const add = (name, version) => {
    (found[name] = found[name] || []).push(version)
  }
  const asked = spec => {
    const { type, name, fetchSpec } = spec.type === 'alias' ? spec.subSpec : spec
    if (type === 'version' && name) {
      add(name, fetchSpec)
    }
  }
  const manifest = parsed(path.join(folder, 'package.json'))
  const specs = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
    .flatMap(kind => Object.entries(manifest[kind] || {}))
    .map(([name, spec]) => () => npa.resolve(name, String(spec)))
  for (const read of [...args.map(arg => () => npa(arg)), ...specs]) {
    try {
      asked(read())
    } catch {
      // npm will say what is wrong with it.
    }
  }
  const installed = parsed(path.join(folder, 'node_modules', '.package-lock.json')).packages || {}
  for (const packages of [lockedVersions(folder), installed]) {
    for (const [location, entry] of Object.entries(packages)) {
      if (location.includes('node_modules/') && entry && entry.version) {
        add(entry.name || location.replace(/^.*node_modules\//, ''), String(entry.version))
      }
    }
  }
  return found
}

function parsed (file) {
  try {
    const found = JSON.parse(fs.readFileSync(file, 'utf8'))
    return found && typeof found === 'object' ? found : {}
  } catch {
    return {}
  }
}

function namedBy (arg, npa) {
  try {
    return npa(arg).name || null
  } catch {
    return null
  }
}

async function installedTree (arb, Arborist) {
  try {
    return await new Arborist({ ...arb.options, path: arb.path }).loadActual({ ignoreMissing: true })
  } catch {
    return null // an unreadable node_modules only means that nothing counts as kept
  }
}

// What the lockfile says of each location, as it stands before npm writes it anew.
function lockedVersions (folder) {
  for (const name of ['npm-shrinkwrap.json', 'package-lock.json']) {
    try {
      return JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).packages || {}
    } catch {
      // None, or one that npm itself will complain of.
    }
  }
  return {}
}

// The version that is installed, or else locked, where the node will be: of the same package only.
function present ({ node, before, locked }) {
  const name = node.packageName || node.name
  if (before && !before.isLink && before.packageName === name) {
    return before.version || null
  }
  const entry = locked[node.location]
  const known = entry && !entry.link && (entry.name || node.name) === name
  return known && typeof entry.version === 'string' ? entry.version : null
}

function record ({ node, actual, locked, omit, flat, npa }) {
  const target = node.isLink ? node.target : node
  const before = actual && actual.inventory.get(node.location)
  return {
    location: node.location,
    name: node.name,
    packageName: node.packageName || node.name,
    version: node.version || '',
    resolved: node.resolved || null,
    integrity: node.integrity || null,
    registry: registryOf(node, flat, npa),
    root: Boolean(node.isProjectRoot),
    link: Boolean(node.isLink),
    target: node.isLink ? target.location : null,
    workspace: Boolean(target.isWorkspace),
    local: !node.location.split('/').includes('node_modules'),
    bundledBy: node.inBundle ? bundler(node) : null,
    bundles: bundled(node.package),
    shrinkwrap: Boolean(node.hasShrinkwrap),
    shrunk: Boolean(node.inShrinkwrap),
    omitted: omitted(node, omit),
    optional: Boolean(node.optional),
    extraneous: Boolean(node.extraneous),
    script: Boolean(node.hasInstallScript),
    stub: Boolean(node.package._safeinstallStub),
    deprecated: typeof node.package.deprecated === 'string' ? node.package.deprecated : null,
    kept: Boolean(before && !node.isLink && before.version === node.version && before.packageName === node.packageName &&
      node.integrity && before.integrity === node.integrity),
    present: present({ node, before, locked }),
    edges: [...node.edgesOut.values()].map(edge => ({
      name: edge.name,
      spec: edge.rawSpec === undefined ? edge.spec : edge.rawSpec,
      kind: edge.type,
      to: edge.to ? (edge.to.isLink ? edge.to.target : edge.to).location : null,
    })),
  }
}

// What does not fit this machine, with all that only it needs: npm locks it, and does not install it. npm 11 marks it in
// the tree; older ones find out while they install, by these very functions.
function elsewhere ({ arb, tree, inNpm }) {
  const { checkEngine, checkPlatform } = inNpm('npm-install-checks')
  const optionalSet = inNpm('@npmcli/arborist/lib/optional-set.js')
  const { npmVersion, nodeVersion, cpu, os, libc } = arb.options
  const away = new Set()
  for (const node of tree.inventory.values()) {
    if (node.inert) {
      away.add(node)
    } else if (node.optional && !node.isLink) {
      try {
        checkEngine(node.package, npmVersion, nodeVersion, false)
        checkPlatform(node.package, false, { cpu, os, libc })
      } catch {
        optionalSet(node).forEach(one => away.add(one))
      }
    }
  }
  return away
}

function bundler (node) {
  const parent = node.getBundler ? node.getBundler() : null
  return parent ? parent.location : null
}

function bundled (pkg) {
  const names = pkg.bundleDependencies || pkg.bundledDependencies || []
  return Array.isArray(names) ? names : Object.keys(pkg.dependencies || {})
}

function omitted (node, omit) {
  if (typeof node.shouldOmit === 'function') {
    return Boolean(node.shouldOmit(omit))
  }
  return Boolean(node.top.isProjectRoot && ((node.peer && omit.has('peer')) || (node.dev && omit.has('dev')) ||
    (node.optional && omit.has('optional')) || (node.devOptional && omit.has('dev') && omit.has('optional'))))
}

// The registry that npm's configuration names for the package: only this one can vouch for it, not a lockfile's URL.
function registryOf (node, flat, npa) {
  if (node.isProjectRoot || node.isLink || !node.location.split('/').includes('node_modules')) {
    return null
  }
  const scope = (node.packageName || node.name).split('/')[0]
  return (scope.startsWith('@') && flat[`${scope}:registry`]) || flat.registry
}

// A lockfile answers npm without a packument; the upload times and hashes that judging needs are fetched by npm's own
// client, with npm's own credentials. The gateway keeps what it sees and answers with an empty body.
async function askFacts ({ document, asked, npm, npa, fetch }) {
  const wanted = new Map()
  for (const node of document.nodes) {
    if (node.registry && !node.stub && !node.bundledBy && node.packageName) {
      const spec = npa(node.packageName)
      node.page = `${node.registry.replace(/\/+$/, '')}/${spec.escapedName}`
      if (!asked.has(node.page)) {
        wanted.set(node.page, spec)
      }
    }
  }
  const headers = { accept: 'application/json', 'pacote-req-type': 'packument', 'x-safeinstall-facts': '1' }
  await Promise.all([...wanted].map(async ([url, spec]) => {
    try {
      const response = await fetch(url, { ...npm.flatOptions, headers, spec, integrity: null, fetchRetries: 0 })
      await response.text()
    } catch {
      // The gateway knows what failed, and says so when the plan is read.
    }
  }))
}
