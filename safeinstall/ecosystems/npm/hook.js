'use strict'
// Loaded into the user's own npm by `node --require`: sends every HTTP request of the process to safeinstall's gateway,
// with the original URL kept, and refuses every other socket. Settings come in one environment variable that is
// removed at once, so lifecycle scripts inherit neither the gateway's secret nor this hook.

const crypto = require('crypto')
const fs = require('fs')
const http = require('http')
const https = require('https')
const net = require('net')
const path = require('path')
const tls = require('tls')

const settings = taken()
const gateway = new URL(settings.gateway)
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })
const request = http.request
const facts = { flat: null }

routeRequests()
guardSockets()
require('./npm.js').attach({ settings, facts, npmRoot: path.resolve(path.dirname(process.argv[1]), '..') })

function taken () {
  const text = process.env.SAFEINSTALL_HOOK
  if (!text) {
    throw new Error('safeinstall: the hook was loaded without its settings')
  }
  const found = JSON.parse(text)
  delete process.env.SAFEINSTALL_HOOK
  // The proxy variables that point at the gateway only serve when this file does not load: give back the user's own.
  for (const [name, value] of Object.entries(found.restore)) {
    if (value === null) {
      delete process.env[name]
    } else {
      process.env[name] = value
    }
  }
  // A forked copy of node would otherwise load this file again, without settings.
  const at = process.execArgv.indexOf(__filename)
  if (at > 0) {
    process.execArgv.splice(at - 1, 2)
  }
  return found
}

// --- requests -------------------------------------------------------------------------------------------------------

function routeRequests () {
  for (const [module, protocol] of [[http, 'http:'], [https, 'https:']]) {
    module.request = (...args) => routed(protocol, args)
    module.get = (...args) => {
      const req = routed(protocol, args)
      req.end()
      return req
    }
  }
}

function routed (protocol, args) {
  const callback = typeof args[args.length - 1] === 'function' ? args[args.length - 1] : undefined
  const options = optionsOf(args)
  const url = urlOf(options.protocol || protocol, options)
  const headers = { ...options.headers }
  if (options.auth && !Object.keys(headers).some(name => name.toLowerCase() === 'authorization')) {
    headers.authorization = 'Basic ' + Buffer.from(options.auth).toString('base64')
  }
  const req = request.call(http, {
    method: options.method,
    headers,
    host: gateway.hostname,
    port: gateway.port,
    path: `${gateway.pathname}/${context(url)}/${url.href}`,
    agent,
    signal: options.signal,
    timeout: options.timeout,
  }, callback)
  // Node would send a body of unknown length in chunks; the gateway reads bodies by their length.
  if (!/^(GET|HEAD)$/i.test(options.method || 'GET')) {
    gatherBody(req)
  }
  return req
}

function optionsOf (args) {
  const [input, second] = args
  const given = typeof second === 'object' && second !== null ? second : {}
  if (typeof input !== 'string' && !(input instanceof URL)) {
    return input
  }
  const url = new URL(input)
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    port: url.port,
    path: url.pathname + url.search,
    auth: url.username ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` : undefined,
    ...given,
  }
}

function urlOf (protocol, options) {
  const host = options.hostname || String(options.host || 'localhost')
  const bracketed = net.isIPv6(host) ? `[${host}]` : host
  return new URL(`${protocol}//${bracketed}${options.port ? ':' + options.port : ''}${options.path || '/'}`)
}

function gatherBody (req) {
  const { end } = req
  const chunks = []
  const keep = (chunk, encoding) => {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') {
      chunks.push(Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined))
    }
  }
  const told = (...args) => args.find(arg => typeof arg === 'function')
  req.write = (chunk, encoding, callback) => {
    keep(chunk, encoding)
    process.nextTick(told(encoding, callback) || (() => {}))
    return true
  }
  req.end = (chunk, encoding, callback) => {
    keep(chunk, encoding)
    const body = Buffer.concat(chunks)
    delete req.write
    req.removeHeader('transfer-encoding')
    req.setHeader('content-length', body.length)
    return end.call(req, body, told(chunk, encoding, callback))
  }
}

// --- how npm itself would have reached the URL ----------------------------------------------------------------------

const files = new Map()

function context (url) {
  const flat = facts.flat
  if (!flat) {
    return '-'
  }
  const told = { verify: trust(flat), proxy: proxyFor(url, flat), stranger: Boolean(facts.stranger) }
  const cert = certificate(url, flat)
  if (cert) {
    told.cert = cert
  }
  return Buffer.from(JSON.stringify(told)).toString('base64url')
}

function trust (flat) {
  if (flat.strictSSL === false) {
    return false
  }
  const ca = [].concat(flat.ca || []).filter(Boolean)
  if (ca.length) {
    return written('ca', ca.join('\n'))
  }
  const extra = process.env.NODE_EXTRA_CA_CERTS
  if (extra && fs.existsSync(extra)) {
    return written('ca', [...tls.rootCertificates, fs.readFileSync(extra, 'utf8')].join('\n'))
  }
  return true
}

function certificate (url, flat) {
  for (let base = `//${url.host}${url.pathname}`; base.length > 2; base = base.replace(/[^/]*\/?$/, '')) {
    for (const key of [base, base.replace(/\/$/, '')]) {
      if (flat[`${key}:certfile`] && flat[`${key}:keyfile`]) {
        return [flat[`${key}:certfile`], flat[`${key}:keyfile`]]
      }
    }
  }
  return flat.cert && flat.key ? [written('cert', flat.cert), written('key', flat.key)] : undefined
}

function proxyFor (url, flat) {
  const env = name => process.env[name] || process.env[name.toUpperCase()]
  const general = url.protocol === 'https:' ? env('https_proxy') : env('https_proxy') || env('http_proxy') || env('proxy')
  const proxy = flat.httpsProxy || flat.proxy || general
  const never = [].concat(flat.noProxy || env('no_proxy') || []).join(',').split(',').map(part => part.trim())
  return proxy && !never.filter(Boolean).some(no => covers(no, url.hostname)) ? String(proxy) : ''
}

function covers (no, hostname) {
  const wanted = no.split('.').filter(Boolean).reverse()
  const host = hostname.split('.').reverse()
  return wanted.length > 0 && wanted.every((segment, index) => segment === host[index])
}

function written (kind, text) {
  const name = `${kind}-${crypto.createHash('sha256').update(text).digest('hex').slice(0, 16)}.pem`
  if (!files.has(name)) {
    const file = path.join(settings.temp, name)
    fs.writeFileSync(file, text, { mode: 0o600 })
    files.set(name, file)
  }
  return files.get(name)
}

// --- sockets --------------------------------------------------------------------------------------------------------

function guardSockets () {
  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    const target = targetOf(args)
    if (target.path || (target.host === gateway.hostname && String(target.port) === gateway.port)) {
      return connect.apply(this, args)
    }
    const error = new Error(`safeinstall: refused a connection to ${target.host}:${target.port} that is not the gateway's`)
    this.destroy(Object.assign(error, { code: 'ESAFEINSTALL' }))
    return this
  }
}

function targetOf (args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args
  if (typeof first === 'object' && first !== null) {
    return { path: first.path, host: first.host || 'localhost', port: first.port }
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) {
    return { path: first }
  }
  return { host: typeof second === 'string' ? second : 'localhost', port: first }
}
