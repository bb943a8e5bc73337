'use strict'
// What safeinstall asks of npm's own classes, npm 8 to 11: which command it understood, its configuration, where its
// cache may answer, and (while installing) that nothing outside the plan is unpacked.

const fs = require('fs')
const path = require('path')

exports.attach = ({ settings, facts, npmRoot }) => {
  const inNpm = name => require(inNpm.resolve(name))
  inNpm.resolve = name => require.resolve(name, { paths: [npmRoot] })
  const Npm = require(path.join(npmRoot, 'lib', 'npm.js'))
  const { exec } = Npm.prototype
  watchProject(inNpm)
  let begun = false
  Npm.prototype.exec = function (command, args = this.argv) {
    const run = () => exec.apply(this, arguments)
    if (begun) {
      return run()
    }
    begun = true
    const planner = begin(this, command, args)
    return planner ? planner.through(run) : run()
  }

  function begin (npm, command, args) {
    const verb = dereferenced(npm, command, npmRoot)
    const told = { verb, args, global: Boolean(npm.global), usage: Boolean(npm.config.get('usage')) }
    if (settings.mode === 'intent') {
      tell(settings, { ...told, ...meant(npm, args, inNpm('npm-package-arg')) })
    }
    if (verb !== settings.verb || told.usage || (settings.global !== undefined && settings.global !== told.global)) {
      if (settings.mode === 'install') {
        throw new Error('safeinstall: npm reads its command line or its configuration otherwise than when it was planned')
      }
      tell(settings, { ...told, misunderstood: true })
    }
    const { npxCache } = npm.flatOptions
    onlineOnly(npm, settings)
    // What npx has fetched before lies beside npm's cache; only the cache itself is another one while planning.
    npm.flatOptions.npxCache = npxCache
    facts.flat = npm.flatOptions
    facts.stranger = ['ca', 'cafile'].some(key => layersOfProject(npm).has(npm.config.find(key)))
    if (settings.mode === 'plan') {
      tellRegistries(settings, npm)
      return require('./planner.js').attach({ settings, npm, verb, args, inNpm })
    }
    guardUnpacking(settings, inNpm)
    guardScripts(settings, inNpm)
    return null
  }
}

// What npm takes the words for, and whether the command ends by installing in workspaces (npm's `updateWorkspaces`).
function meant (npm, args, npa) {
  const kind = word => {
    try {
      return npa(word).type
    } catch {
      return 'invalid'
    }
  }
  const { config } = npm
  const inWorkspaces = Boolean(config.get('workspaces')) || [].concat(config.get('workspace') || []).length > 0
  return {
    kinds: args.map(kind),
    compared: [].concat(config.get('diff') || []).filter(Boolean).map(kind),
    updates: inWorkspaces && config.get('workspaces-update') !== false,
  }
}

// The layers of npm's configuration that the project's own .npmrc has the say of: npm reads it first, and it may put
// files of the repository in the place of the user's and of the machine's.
const moved = new WeakSet()

function watchProject (inNpm) {
  const { prototype } = inNpm('@npmcli/config')
  const { loadProjectConfig } = prototype
  prototype.loadProjectConfig = async function () {
    // What a file says of this key, npm keeps among its defaults.
    const place = () => this.data.get('default').data.globalconfig
    const before = place()
    await loadProjectConfig.apply(this, arguments)
    if (place() !== before) {
      moved.add(this)
    }
  }
}

const layersOfProject = exports.layersOfProject = ({ config }) => {
  const user = config.find('userconfig') === 'project' ? ['user', 'global'] : []
  const machine = moved.has(config) || config.find('globalconfig') === 'project' ? ['global'] : []
  return new Set(['project', ...user, ...machine])
}

function tellRegistries (settings, npm) {
  fs.writeFileSync(path.join(settings.temp, 'registry'), String(npm.flatOptions.registry))
}

// Write the answer down and end here, before npm does anything of its own.
const tell = exports.tell = (settings, told) => {
  fs.writeFileSync(settings.out, JSON.stringify(told), { mode: 0o600 })
  process.removeAllListeners('exit')
  process.exit(0)
}

function dereferenced (npm, command, npmRoot) {
  const deref = typeof npm.deref === 'function' ? npm.deref.bind(npm)
    : require(path.join(npmRoot, 'lib', 'utils', 'cmd-list.js')).deref
  return deref(command) || null
}

// npm's cache would answer past the gateway: a packument in it is older than the frozen view, and not filtered.
function onlineOnly (npm, settings) {
  // npm's look for a newer npm would ask for a packument that is in no plan.
  const wanted = { offline: false, 'prefer-offline': false, 'update-notifier': false }
  if (settings.mode === 'plan') {
    Object.assign(wanted, { cache: settings.cache })
  }
  for (const [key, value] of Object.entries(wanted)) {
    npm.config.set(key, value, 'cli')
    if (npm.config.get(key) !== value) {
      throw new Error(`safeinstall: npm did not take the setting ${key}`)
    }
  }
}

// Tarballs may come from npm's cache, where they lie by hash; so each is compared with the plan before it is unpacked.
function guardUnpacking (settings, inNpm) {
  const pacote = inNpm('pacote')
  const npa = inNpm('npm-package-arg')
  const ssri = inNpm('ssri')
  const told = JSON.parse(fs.readFileSync(settings.planned, 'utf8'))
  const planned = new Set(told.planned)
  const opened = new Set(told.opened)

  const { packument } = pacote.RegistryFetcher.prototype
  pacote.RegistryFetcher.prototype.packument = function () {
    const { opts } = this
    this.opts = { ...opts, preferOnline: true, preferOffline: false, offline: false }
    try {
      return packument.apply(this, arguments)
    } finally {
      this.opts = opts
    }
  }

  const { extract } = pacote
  pacote.extract = async (spec, dest, opts = {}) => {
    const { type } = npa(spec, opts.where)
    if (type === 'directory') {
      return extract(spec, dest, opts)
    }
    if (type === 'git') {
      throw refusal(spec, 'git sources are not in the plan')
    }
    const hashes = opts.integrity ? Object.values(ssri.parse(opts.integrity)).flat() : []
    if (!hashes.length) {
      return extract(spec, dest, { ...opts, preferOnline: true })
    }
    const spelled = hashes.map(hash => `${hash.algorithm}:${hash.hexDigest()}`)
    if (!spelled.every(hash => planned.has(hash))) {
      throw refusal(spec, 'it is not in the plan that was judged')
    }
    // The gateway judges what comes inside a tarball when it passes: npm's cache must not answer for it.
    const passes = spelled.some(hash => opened.has(hash))
    return extract(spec, dest, passes ? { ...opts, preferOnline: true } : opts)
  }
}

// Scripts of dependencies that may not run. npm 11 has a policy of its own, which is told, so that npm says it in its
// words; the place where every npm starts a script is held to the list as well, because options can switch that policy off.
function guardScripts (settings, inNpm) {
  const rules = JSON.parse(fs.readFileSync(settings.planned, 'utf8')).scripts
  if (!rules) {
    return
  }
  const root = real(rules.path)
  const allowed = new Set(rules.places.map(place => path.join(root, place)))
  const skipped = new Set()
  const from = require.resolve('@npmcli/run-script', { paths: [path.dirname(inNpm.resolve('@npmcli/arborist'))] })
  const run = require(from)
  const guarded = async options => {
    const place = real(options.path)
    const inside = path.relative(root, place).split(path.sep).includes('node_modules')
    if (!inside || allowed.has(place)) {
      return run(options)
    }
    skipped.add(path.relative(root, place))
    return { code: 0, signal: null, stdout: '', stderr: '', event: options.event, script: '', path: options.path }
  }
  require.cache[from].exports = Object.assign(guarded, run)

  const { prototype } = inNpm('@npmcli/arborist')
  const { reify } = prototype
  const denied = Object.fromEntries(rules.denied.map(name => [name, false]))
  prototype.reify = function () {
    if (this.options && 'allowScripts' in this.options) {
      this.options.allowScripts = { ...this.options.allowScripts, ...denied }
    }
    return reify.apply(this, arguments)
  }
  process.on('exit', () => {
    if (skipped.size) {
      console.error(`safeinstall: scripts that are not listed did not run: ${[...skipped].sort().join(', ')}`)
    }
  })
}

function real (place) {
  try {
    return fs.realpathSync(place)
  } catch {
    return path.resolve(place)
  }
}

function refusal (spec, why) {
  return Object.assign(new Error(`safeinstall: refused to unpack ${String(spec)}: ${why}`), { code: 'ESAFEINSTALL' })
}
