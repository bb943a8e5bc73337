'use strict'
// Loaded by NODE_OPTIONS into whatever a wrapper calls npm: tells which node runs which script, and ends before it begins.
// A wrapper may start other node scripts first; only npm-cli.js and npx-cli.js are answered.
const fs = require('fs')
const path = require('path')

const script = process.argv[1] && fs.existsSync(process.argv[1]) ? fs.realpathSync(process.argv[1]) : ''
if (['npm-cli.js', 'npx-cli.js'].includes(path.basename(script))) {
  const answer = { safeinstallNode: process.execPath, safeinstallCli: script }
  fs.writeSync(1, `\n${JSON.stringify(answer)}\n`)
  process.exit(0)
}
